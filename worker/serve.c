/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * serve.c - serves the supervisor's orders: loop, pipes, keeper put together.
 *
 * Runs in: worker.
 * Trusts: the supervisor only as far as order_rules[] go: what is malformed
 *         or ill-timed ends this worker.
 * Invariant: every turn of the loop ends in a report of what has changed.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/keeper.h"
#include "worker/pipes.h"
#include "worker/serve.h"
#include "worker/trial.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAULT = 1,
	EXIT_BAD_ORDER = 2,
};

static struct {
	struct loop *loop;
	struct pipes pipes;
	const char *name; /* of the backend */
	int exit_status;
} server;

static int
on_target(const struct message *order, struct err *err)
{
	int result = keeper_aim(&order->target, err);

	return result < 0 ? result : keeper_limit_network(err);
}

static int
on_want(const struct message *order, struct err *err)
{
	keeper_want(order->want.wanted);
	return 0;
}

static int
on_retry(const struct message *order, struct err *err)
{
	keeper_retry();
	return 0;
}

static int
on_limit(const struct message *order, struct err *err)
{
	keeper_limit(&order->limit);
	return 0;
}

static int
on_turn(const struct message *order, struct err *err)
{
	keeper_turn(&order->turn);
	return 0;
}

static int
on_look(const struct message *order, struct err *err)
{
	keeper_look();
	return 0;
}

static int
on_ping(const struct message *order, struct err *err)
{
	keeper_ping((uint32_t)order->ping.number);
	return 0;
}

static int
on_credentials(const struct message *order, struct err *err)
{
	return keeper_credentials(&order->credentials, err);
}

static int
on_trial(const struct message *order, struct err *err)
{
	return keeper_try(&order->trial, err);
}

static int
on_holders(const struct message *order, struct err *err)
{
	keeper_holders(&order->holders);
	return 0;
}

/* What the supervisor may say, and when. */
static const struct {
	bool needs_target; /* else: only as long as there is none */
	int (*handle)(const struct message *order, struct err *err);
} order_rules[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_target] = {false, on_target},
	[MESSAGE_want] = {true, on_want},
	[MESSAGE_limit] = {true, on_limit},
	[MESSAGE_turn] = {true, on_turn},
	[MESSAGE_retry] = {true, on_retry},
	[MESSAGE_look] = {true, on_look},
	[MESSAGE_ping] = {true, on_ping},
	[MESSAGE_credentials] = {true, on_credentials},
	[MESSAGE_trial] = {true, on_trial},
	[MESSAGE_holders] = {true, on_holders},
};

static void
on_bad_order(struct pipes *pipes, const struct err *err)
{
	pipes_log(pipes, LOG_ERROR, "worker %s: bad order: %s", server.name,
		err->text);
	server.exit_status = EXIT_BAD_ORDER;
	loop_quit(server.loop);
}

static void
on_order(struct pipes *pipes, const struct message *order)
{
	bool has_target = keeper_status() != NULL;
	struct err err = {0};
	int result;

	if (server.exit_status != EXIT_DONE)
		return; /* behind a bad one */
	if (!order_rules[order->type].handle ||
		order_rules[order->type].needs_target != has_target)
		result = err_set(&err, ERR_BAD_MESSAGE, EBADMSG,
			"\"%s\" may not come here", message_name(order->type));
	else
		result = order_rules[order->type].handle(order, &err);
	if (result < 0)
		on_bad_order(pipes, &err);
}

/* The supervisor is gone: what is connected stays so. */
static void
on_end(struct pipes *pipes)
{
	keeper_done();
	_exit(EXIT_DONE);
}

static void
on_turn_end(void *data)
{
	const struct status_message *status = keeper_status();
	const char *warning = keeper_take_warning();
	struct tried_message tried;

	if (warning)
		pipes_log(&server.pipes, LOG_WARNING, "%s", warning);
	if (status)
		pipes_report_status(&server.pipes, status);
	if (trial_take_result(&tried))
		pipes_report_tried(&server.pipes, &tried);
}

static int
set_up(const struct backend *backend)
{
	int result = loop_new(&server.loop);

	if (result == 0)
		result = keeper_init(backend, server.loop);
	if (result < 0)
		return result;
	server.name = backend->name;
	server.pipes.on_order = on_order;
	server.pipes.on_end = on_end;
	server.pipes.on_bad_order = on_bad_order;
	loop_on_turn_end(server.loop, on_turn_end, NULL);
	/* Writing to a supervisor that is gone is told by errno. */
	(void)signal(SIGPIPE, SIG_IGN);
	return pipes_init(
		&server.pipes, server.loop, PIPES_ORDER_FD, PIPES_REPORT_FD);
}

int
serve_run(const struct backend *backend)
{
	if (set_up(backend) < 0 || loop_run(server.loop) < 0)
		server.exit_status = EXIT_FAULT;
	keeper_done();
	return server.exit_status;
}
