/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * serve.h - serves the supervisor's orders: loop, pipes, keeper put together.
 *
 * Runs in: worker.
 */
#ifndef WORKER_SERVE_H
#define WORKER_SERVE_H

#include "worker/backend.h"

/*
 * Serves orders until the supervisor is gone. Returns the exit status: 0 at
 * the end of the orders, with what is connected left as it is; 2 for an order
 * that may not come; 1 for a fault.
 */
int serve_run(const struct backend *backend);

#endif
