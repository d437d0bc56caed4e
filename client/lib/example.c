/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * example.c - a temporary connection, with libholdfast.
 *
 * Runs in: a program of yours.
 * Invariant: whatever becomes of a flow, its next run releases what it left.
 *
 * usage: example URI FLOW FILE [SOCKET]
 *
 * A flow uses storage for a while: it claims the connection under an ID with its
 * own name in it, reads a file there, and releases it. One that was interrupted
 * finds its claims by that name.
 *
 * cc example.c $(pkg-config --cflags --libs libholdfast)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <holdfast.h>

enum {
	ID_SIZE = 256, /* with its NUL */
	PATH_SIZE = 4096,
	CONNECT_MS = 30000,
};

static int
tell(const char *what, const struct holdfast_error *error)
{
	fprintf(stderr, "example: %s: %s (%s)\n", what, error->text,
		error->slug);
	return -1;
}

/*
 * The IDs of one flow all begin with its prefix, and those of no other do. The
 * final _ keeps flow 10 from releasing the claims of flow 101; a flow named 10_1
 * would be taken for one of flow 10. What does not fit is never cut off, as that
 * would be the prefix of others.
 */
static int
name_flow(const char *flow, char prefix[ID_SIZE], char cid[ID_SIZE])
{
	int len = snprintf(cid, ID_SIZE, "FLOW_%s_1", flow);

	if (flow[0] == '\0' || strchr(flow, '_') || len < 0 || len >= ID_SIZE) {
		fprintf(stderr,
			"example: FLOW is empty, too long or has a _\n");
		return -1;
	}
	snprintf(prefix, ID_SIZE, "FLOW_%s_", flow); /* shorter than the ID */
	return 0;
}

static int
clean_up(struct holdfast *handle, const char *prefix)
{
	struct holdfast_reply *reply = NULL;
	const struct holdfast_value *released;
	struct holdfast_error error;

	if (holdfast_unmanage_prefix(handle, prefix, &reply, &error) < 0)
		return tell("cleaning up", &error);
	released = holdfast_get(holdfast_result(reply), "released");
	for (size_t i = 0; i < holdfast_count(released); i++)
		printf("left behind, released: %s\n",
			holdfast_text(holdfast_at(released, i)));
	holdfast_reply_free(reply);
	return 0;
}

static int
copy_to_stdout(FILE *file)
{
	char buffer[4096];
	size_t len;

	while ((len = fread(buffer, 1, sizeof(buffer), file)) > 0)
		if (fwrite(buffer, 1, len, stdout) != len)
			return -1;
	return ferror(file) || fflush(stdout) != 0 ? -1 : 0;
}

static int
show(const char *folder, const char *name)
{
	char path[PATH_SIZE];
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file;
	int result;

	if (len < 0 || (size_t)len >= sizeof(path)) {
		fprintf(stderr, "example: the path of FILE is too long\n");
		return -1;
	}
	file = fopen(path, "r");
	result = file ? copy_to_stdout(file) : -1;
	if (result < 0)
		fprintf(stderr, "example: copying %s: %s\n", path,
			strerror(errno));
	if (file && fclose(file) != 0 && result == 0) {
		perror(path);
		result = -1;
	}
	return result;
}

/* The claim is made: the connection may take its time. */
static int
work(struct holdfast *handle, const char *cid, const char *name)
{
	struct holdfast_reply *reply = NULL;
	struct holdfast_error error;
	int result;

	if (holdfast_wait(
		    handle, cid, "connected", CONNECT_MS, &reply, &error) < 0)
		return tell(cid, &error);
	result = show(
		holdfast_text(holdfast_get(holdfast_result(reply), "path")),
		name);
	holdfast_reply_free(reply);
	return result;
}

static int
run(struct holdfast *handle, const char *uri, const char *flow,
	const char *name)
{
	struct holdfast_error error;
	char prefix[ID_SIZE];
	char cid[ID_SIZE];
	int result;

	if (name_flow(flow, prefix, cid) < 0 || clean_up(handle, prefix) < 0)
		return -1;
	if (holdfast_manage(handle, uri, cid, NULL, NULL, &error) < 0)
		return tell(uri, &error);
	result = work(handle, cid, name);
	if (holdfast_unmanage(handle, cid, NULL, &error) < 0)
		return tell(cid, &error);
	return result;
}

int
main(int argc, char **argv)
{
	struct holdfast_error error;
	struct holdfast *handle;
	int result;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: example URI FLOW FILE [SOCKET]\n");
		return 2;
	}
	handle = holdfast_connect(argc > 4 ? argv[4] : NULL, &error);
	if (!handle) {
		tell("connecting", &error);
		return 1;
	}
	result = run(handle, argv[1], argv[2], argv[3]);
	holdfast_close(handle);
	return result < 0 ? 1 : 0;
}
