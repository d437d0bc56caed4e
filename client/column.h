/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * column.h - the columns of `holdfast list`.
 *
 * Runs in: command.
 */
#ifndef CLIENT_COLUMN_H
#define CLIENT_COLUMN_H

#include <msgpack.h>

#include "client/lib/failure.h"

enum {
	COLUMNS_MAX = 32
};

struct row {
	char *id;
	const msgpack_object *entry;
	char *state;
	char *connection; /* what tells connections apart: the URI */
};

struct column {
	const char *name;
	double width; /* libsmartcols' hint: 1 as wide as the data */
	int flags;    /* SCOLS_FL_ */
	char *(*show)(const struct row *row); /* freed by the caller */
};

/*
 * Reads "STATE,URI" or "+PATH" (the usual ones and PATH) or NULL (the usual
 * ones), in upper or lower case. 0, or -1 with failure.
 */
int columns_choose(const char *names,
	const struct column *ret_columns[COLUMNS_MAX], size_t *ret_count,
	struct failure *failure);

#endif
