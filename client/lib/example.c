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
#include <stdio.h>

#include <holdfast.h>

enum {
	ID_MAX = 256,
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

/* "FLOW_101_" and "FLOW_102_1" are two flows; "FLOW_10" would be both. */
static int
clean_up(struct holdfast *handle, const char *flow)
{
	struct holdfast_reply *reply = NULL;
	const struct holdfast_value *released;
	struct holdfast_error error;
	char prefix[ID_MAX];

	snprintf(prefix, sizeof(prefix), "FLOW_%s_", flow);
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
copy_to_stdout(const char *folder, const char *name)
{
	char path[PATH_SIZE];
	char buffer[4096];
	size_t len;
	FILE *file;
	int result;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		return -1;
	}
	while ((len = fread(buffer, 1, sizeof(buffer), file)) > 0)
		fwrite(buffer, 1, len, stdout);
	result = ferror(file) ? -1 : 0;
	fclose(file);
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
	result = copy_to_stdout(
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
	char cid[ID_MAX];
	int result;

	if (clean_up(handle, flow) < 0)
		return -1;
	snprintf(cid, sizeof(cid), "FLOW_%s_1", flow);
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
