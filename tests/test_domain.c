/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_domain.c - which SELinux domain is gone to, and when none is. The kernel
 * is a fake: tests/lab has a real one.
 */
#include <errno.h>
#include <selinux/selinux.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/domain.h"

#define START "staff_u:sysadm_r:holdfastd_t:s0-s0:c0.c1023"

static struct {
	int is_enabled;
	const char *own; /* NULL: it does not say */
	int refusal;	 /* of setcon(), 0 if none */
	char gone_to[DOMAIN_CONTEXT_MAX];
} kernel;

int
is_selinux_enabled(void)
{
	return kernel.is_enabled;
}

int
getcon_raw(char **context)
{
	if (!kernel.own) {
		errno = EIO;
		return -1;
	}
	*context = strdup(kernel.own);
	return 0;
}

int
setcon_raw(const char *context)
{
	if (kernel.refusal) {
		errno = kernel.refusal;
		return -1;
	}
	strncpy(kernel.gone_to, context, sizeof(kernel.gone_to) - 1);
	return 0;
}

static int
begin(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.is_enabled = 1;
	kernel.own = START;
	return 0;
}

static void
expect_left_alone(void)
{
	char context[DOMAIN_CONTEXT_MAX] = "unset";
	struct err err = {0};

	assert_int_equal(domain_open(&err), 0);
	assert_int_equal(domain_context(DOMAIN_LAUNCHER, context, &err), 0);
	assert_string_equal(context, "");
	assert_int_equal(domain_enter(DOMAIN_SUPERVISOR, &err), 0);
	assert_string_equal(kernel.gone_to, "");
}

static void
without_selinux_nothing_is_gone_to(void **state)
{
	kernel.is_enabled = 0;
	expect_left_alone();
	kernel.is_enabled = -1;
	expect_left_alone();
}

static void
in_another_domain_than_ours_it_stays(void **state)
{
	kernel.own = "system_u:system_r:initrc_t:s0";
	expect_left_alone();
	kernel.own = "system_u:system_r:holdfastd_tt:s0";
	expect_left_alone();
	kernel.own = "no context";
	expect_left_alone();
}

static void
a_context_keeps_user_role_and_level(void **state)
{
	char context[DOMAIN_CONTEXT_MAX];
	struct err err = {0};

	assert_int_equal(domain_open(&err), 0);
	assert_int_equal(
		domain_context(DOMAIN_WORKER("nfs"), context, &err), 0);
	assert_string_equal(
		context, "staff_u:sysadm_r:holdfast_nfs_t:s0-s0:c0.c1023");
	assert_int_equal(domain_enter(DOMAIN_SUPERVISOR, &err), 0);
	assert_string_equal(kernel.gone_to,
		"staff_u:sysadm_r:holdfast_supervisor_t:s0-s0:c0.c1023");
}

static void
a_context_that_is_too_long_is_refused(void **state)
{
	char type[2 * DOMAIN_CONTEXT_MAX], context[DOMAIN_CONTEXT_MAX] = "kept";
	struct err err = {0};

	memset(type, 't', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	assert_int_equal(domain_open(&err), 0);
	assert_int_equal(domain_context(type, context, &err), -ENOMEM);
	assert_string_equal(context, "kept");
	assert_int_equal(domain_enter(type, &err), -ENOMEM);
	assert_string_equal(kernel.gone_to, "");
}

static void
who_may_not_go_is_told_so(void **state)
{
	struct err err = {0};

	kernel.refusal = EACCES;
	assert_int_equal(domain_open(&err), 0);
	assert_int_equal(domain_enter(DOMAIN_LAUNCHER, &err), -EACCES);
	assert_non_null(strstr(err.text, DOMAIN_LAUNCHER));
}

static void
a_kernel_that_does_not_say_is_an_error(void **state)
{
	struct err err = {0};

	kernel.own = NULL;
	assert_int_equal(domain_open(&err), -EIO);
	assert_non_null(strstr(err.text, "does not say"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			without_selinux_nothing_is_gone_to, begin),
		cmocka_unit_test_setup(
			in_another_domain_than_ours_it_stays, begin),
		cmocka_unit_test_setup(
			a_context_keeps_user_role_and_level, begin),
		cmocka_unit_test_setup(
			a_context_that_is_too_long_is_refused, begin),
		cmocka_unit_test_setup(who_may_not_go_is_told_so, begin),
		cmocka_unit_test_setup(
			a_kernel_that_does_not_say_is_an_error, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
