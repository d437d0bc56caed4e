/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_settings.c - which digests a node record offers for CHAP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "worker/iscsi_settings.h"

static void
assert_chosen(const char *record, const char *digests)
{
	char chosen[ISCSI_SETTING_SIZE];

	iscsi_settings_choose_digests(record, chosen);
	assert_string_equal(chosen, digests);
}

static void
open_iscsi_s_default_becomes_all_that_a_trial_offers(void **state)
{
	assert_chosen("node.name = iqn.x\n", "MD5,SHA1,SHA256");
	assert_chosen("node.session.auth.chap_algs = MD5\n", "MD5,SHA1,SHA256");
}

static void
what_an_administrator_has_chosen_is_kept(void **state)
{
	assert_chosen("node.session.auth.chap_algs = SHA3-256,SHA256\n",
		"SHA3-256,SHA256");
	assert_chosen("node.session.auth.chap_algs=SHA256\n", "SHA256");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			open_iscsi_s_default_becomes_all_that_a_trial_offers),
		cmocka_unit_test(what_an_administrator_has_chosen_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
