/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * manage.c - claims acknowledged against bare TDB transactions.
 *
 *	manage SOCKET DIRECTORY ROUNDS ACKS
 *
 * DIRECTORY is empty, ours, and in the file system of the daemon's state_dir;
 * ACKS is for one client, more clients get as many each, up to a limit.
 *
 * Runs in: a process of its own.
 * Trusts: the daemon.
 * Invariant: a floor's transaction is libtdb's alone: start, one record of a
 *            claim's size, commit; into a file that was made as the store's
 *            is, and grows by as many records.
 */
#include <sys/epoll.h>
#include <tdb.h>

#include "supervisor/store_file.h"
#include "supervisor/store_record.h"
#include "tests/bench/bench.h"

#define URI  "tmpfs://bench-manage"
#define BASE "bench-manage-base"

enum {
	CLIENTS_MAX = 64,
	CID_SIZE = 40,
	TOTAL_MAX = 1600, /* acknowledgements a round */
	TRANSACTIONS_MAX = 200,
	UNMANAGES_AT_ONCE = 512,
};

struct plan {
	const char *name;
	size_t clients;
	size_t acks;
};

static struct client clients[CLIENTS_MAX];
static unsigned claims_made;
static unsigned records_made;

static void
write_cid(char cid[CID_SIZE], unsigned number)
{
	(void)snprintf(cid, CID_SIZE, "bench-manage-%08u", number);
}

static TDB_CONTEXT *
open_floor(const char *path, struct store_log *log)
{
	static struct store_dir dir; /* lives as long as the file is open */
	TDB_CONTEXT *tdb;

	if (dir_open(path, &dir) < 0 ||
		file_create(&dir, FILE_CLAIMS_NEW, log, &tdb) < 0 ||
		file_finish(tdb) < 0 ||
		file_install(&dir, FILE_CLAIMS_NEW, FILE_CLAIMS) < 0 ||
		file_open(&dir, FILE_CLAIMS, log, &tdb) < 0)
		die("no store in %s: %s", path, strerror(errno));
	return tdb;
}

static void
transact(TDB_CONTEXT *tdb)
{
	struct record record = {.kind = STORE_CLAIM, .generation = 1};
	struct record_bytes bytes;

	write_cid(record.claim.cid, records_made++);
	(void)snprintf(record.claim.uri, sizeof(record.claim.uri), URI);
	if (record_encode(&record, &bytes) < 0 ||
		tdb_transaction_start(tdb) < 0 ||
		tdb_store(tdb, (TDB_DATA){bytes.key, bytes.key_len},
			(TDB_DATA){bytes.value, bytes.value_len},
			TDB_INSERT) < 0 ||
		tdb_transaction_commit(tdb) < 0)
		die("a TDB transaction failed: %s", tdb_errorstr(tdb));
}

static void
ask(struct client *client)
{
	char cid[CID_SIZE];

	write_cid(cid, claims_made++);
	client->out.len = 0;
	client_manage(client, URI, cid);
	if (send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL) !=
		(ssize_t)client->out.len)
		die("cannot send: %s", strerror(errno));
}

static bool
take_ack(struct client *client)
{
	client_read(client);
	return client_take(client, NULL) == 1;
}

/* One request at a time for each of the clients, in one process. */
static void
ask_all(int epollfd, const struct plan *plan)
{
	size_t left = plan->acks;
	size_t waiting = 0;
	struct epoll_event events[CLIENTS_MAX];

	for (size_t i = 0; i < plan->clients; i++, left--, waiting++)
		ask(&clients[i]);
	while (waiting > 0) {
		int count = epoll_wait(epollfd, events, CLIENTS_MAX, 60000);

		if (count <= 0)
			die("no answer for 60 s");
		for (int i = 0; i < count; i++) {
			if (!take_ack(events[i].data.ptr))
				continue;
			waiting--;
			if (left == 0)
				continue;
			ask(events[i].data.ptr);
			left--;
			waiting++;
		}
	}
}

static void
measure_latency(const struct plan *plan, TDB_CONTEXT *tdb)
{
	double ours[TOTAL_MAX], theirs[TOTAL_MAX];

	for (size_t i = 0; i < plan->acks; i++) {
		double begin = now_us();

		transact(tdb);
		theirs[i] = now_us() - begin;
	}
	for (size_t i = 0; i < plan->acks; i++) {
		double begin = now_us();

		ask(&clients[0]);
		while (!take_ack(&clients[0]))
			;
		ours[i] = now_us() - begin;
	}
	report("manage-1-p50", quantile(ours, plan->acks, 0.5),
		quantile(theirs, plan->acks, 0.5));
	report("manage-1-p99", quantile(ours, plan->acks, 0.99),
		quantile(theirs, plan->acks, 0.99));
}

static void
measure_rate(const struct plan *plan, TDB_CONTEXT *tdb)
{
	size_t transactions =
		plan->acks < TRANSACTIONS_MAX ? plan->acks : TRANSACTIONS_MAX;
	cleanup_close int epollfd = epoll_create1(EPOLL_CLOEXEC);
	double begin, middle, end;

	for (size_t i = 0; i < plan->clients; i++) {
		struct epoll_event event = {
			.events = EPOLLIN, .data.ptr = &clients[i]};

		if (epoll_ctl(epollfd, EPOLL_CTL_ADD, clients[i].fd, &event) <
			0)
			die("epoll: %s", strerror(errno));
	}
	begin = now_us();
	for (size_t i = 0; i < transactions; i++)
		transact(tdb);
	middle = now_us();
	ask_all(epollfd, plan);
	end = now_us();
	report(plan->name, (double)plan->acks * 1e6 / (end - middle),
		(double)transactions * 1e6 / (middle - begin));
}

static size_t
smaller(size_t left, size_t right)
{
	return left < right ? left : right;
}

static void
release_all(struct client *client)
{
	char cid[CID_SIZE];

	client->out.len = 0;
	for (unsigned done = 0; done < claims_made;) {
		unsigned end = done + UNMANAGES_AT_ONCE;
		unsigned first = done;

		for (; done < end && done < claims_made; done++) {
			write_cid(cid, done);
			client_unmanage(client, cid);
		}
		client_exchange(client, done - first, NULL);
	}
	client_unmanage(client, BASE);
	client_wait(client, BASE, "gone");
	client_exchange(client, 2, "no-such-cid");
}

int
main(int argc, char **argv)
{
	struct store_log log;
	TDB_CONTEXT *tdb;
	long rounds;
	size_t acks;

	if (argc != 5)
		die("usage: manage SOCKET DIRECTORY ROUNDS ACKS");
	rounds = read_count(argv[3]);
	acks = smaller((size_t)read_count(argv[4]), TOTAL_MAX);
	tdb = open_floor(argv[2], &log);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_open(&clients[i], argv[1]);
	client_manage(&clients[0], URI, BASE);
	client_wait(&clients[0], BASE, "connected");
	client_exchange(&clients[0], 2, NULL);
	for (long i = 0; i < rounds; i++) {
		const struct plan plans[] = {
			{"manage-1", 1, acks},
			{"manage-8", 8, smaller(8 * acks, TOTAL_MAX)},
			{"manage-64", 64, smaller(64 * acks, TOTAL_MAX)},
		};

		measure_latency(&plans[0], tdb);
		for (size_t j = 0; j < ARRAY_SIZE(plans); j++)
			measure_rate(&plans[j], tdb);
	}
	release_all(&clients[0]);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_close(&clients[i]);
	(void)tdb_close(tdb); /* a floor's file is of no more use */
	return EXIT_SUCCESS;
}
