/* What each role may do, spelled out by hand: whoever changes a right changes it twice. */
#include "cmocka_test.h"

#include <string.h>

#include "access/role.h"

static void
test_matrix(void **state)
{
	static const struct {
		enum role	role;
		enum access	access;
		bool		may;
	} matrix[] = {
		{ ROLE_NONE, ACCESS_ANYONE, true }, { ROLE_NONE, ACCESS_ENROLL, false }, { ROLE_NONE, ACCESS_ENROLL_BODY, false },
		{ ROLE_NONE, ACCESS_RENEW, false },
		{ ROLE_NONE, ACCESS_READ, false }, { ROLE_NONE, ACCESS_CHANGE, false }, { ROLE_NONE, ACCESS_ADMIN, false },
		{ ROLE_NONE, ACCESS_SIGN_IN, false },
		{ ROLE_ENROLL, ACCESS_ANYONE, true }, { ROLE_ENROLL, ACCESS_ENROLL, true }, { ROLE_ENROLL, ACCESS_ENROLL_BODY, true },
		{ ROLE_ENROLL, ACCESS_RENEW, true },
		{ ROLE_ENROLL, ACCESS_READ, false }, { ROLE_ENROLL, ACCESS_CHANGE, false }, { ROLE_ENROLL, ACCESS_ADMIN, false },
		{ ROLE_ENROLL, ACCESS_SIGN_IN, false },
		{ ROLE_VIEWER, ACCESS_ANYONE, true }, { ROLE_VIEWER, ACCESS_ENROLL, false }, { ROLE_VIEWER, ACCESS_ENROLL_BODY, false },
		{ ROLE_VIEWER, ACCESS_RENEW, false },
		{ ROLE_VIEWER, ACCESS_READ, true }, { ROLE_VIEWER, ACCESS_CHANGE, false }, { ROLE_VIEWER, ACCESS_ADMIN, false },
		{ ROLE_VIEWER, ACCESS_SIGN_IN, true },
		{ ROLE_TECHNICIAN, ACCESS_ANYONE, true }, { ROLE_TECHNICIAN, ACCESS_ENROLL, true },
		{ ROLE_TECHNICIAN, ACCESS_ENROLL_BODY, true }, { ROLE_TECHNICIAN, ACCESS_RENEW, true },
		{ ROLE_TECHNICIAN, ACCESS_READ, true },
		{ ROLE_TECHNICIAN, ACCESS_CHANGE, true }, { ROLE_TECHNICIAN, ACCESS_ADMIN, false },
		{ ROLE_TECHNICIAN, ACCESS_SIGN_IN, true },
		{ ROLE_ADMIN, ACCESS_ANYONE, true }, { ROLE_ADMIN, ACCESS_ENROLL, true }, { ROLE_ADMIN, ACCESS_ENROLL_BODY, true },
		{ ROLE_ADMIN, ACCESS_RENEW, true },
		{ ROLE_ADMIN, ACCESS_READ, true }, { ROLE_ADMIN, ACCESS_CHANGE, true }, { ROLE_ADMIN, ACCESS_ADMIN, true },
		{ ROLE_ADMIN, ACCESS_SIGN_IN, true },
	};
	bool seen[ROLES][ACCESSES] = { { false } };

	(void)state;
	/* every pair, and each once */
	assert_int_equal(sizeof(matrix) / sizeof(matrix[0]), ROLES * ACCESSES);
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		assert_false(seen[matrix[i].role][matrix[i].access]);
		seen[matrix[i].role][matrix[i].access] = true;
		assert_int_equal(role_may(matrix[i].role, matrix[i].access), matrix[i].may);
	}
}

/* The number of a role comes from the ledger. */
static void
test_unknown_numbers(void **state)
{
	(void)state;
	for (int a = 0; a < ACCESSES; a++) {
		assert_false(role_may((enum role)ROLES, (enum access)a));
		assert_false(role_may((enum role)-1, (enum access)a));
		assert_false(role_may((enum role)1000000, (enum access)a));
	}
	assert_false(role_may(ROLE_ADMIN, ACCESSES));
	assert_false(role_may(ROLE_ADMIN, (enum access)-1));
	assert_string_equal(role_name((enum role)77), "nobody");
}

static void
test_names(void **state)
{
	static const char *const roles[ROLES] = { "nobody", "enroll", "viewer", "technician", "admin" };
	static const char *const accesses[ACCESSES] = { "anyone", "enroll", "enroll", "renew", "read", "change", "admin", "sign_in" };
	enum role r;
	struct err e;

	(void)state;
	for (int i = 0; i < ROLES; i++) {
		assert_string_equal(role_name((enum role)i), roles[i]);
		r = ROLE_NONE;
		if (i == ROLE_NONE)
			continue;
		assert_int_equal(role_parse(roles[i], &r, &e), ERR_OK);
		assert_int_equal(r, i);
	}
	for (int i = 0; i < ACCESSES; i++)
		assert_string_equal(access_name((enum access)i), accesses[i]);
	/* the ledger has these numbers */
	assert_int_equal(ROLE_ENROLL, 1);
	assert_int_equal(ROLE_VIEWER, 2);
	assert_int_equal(ROLE_TECHNICIAN, 3);
	assert_int_equal(ROLE_ADMIN, 4);
}

static void
test_no_role(void **state)
{
	static const char *const bad[] = { "", "nobody", "none", "Admin", "admin ", " admin", "adm", "admins", "root", "1" };
	enum role r = ROLE_VIEWER;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(role_parse(bad[i], &r, &e), ERR_USAGE);
		assert_int_equal(r, ROLE_VIEWER);
		for (int role = ROLE_ENROLL; role < ROLES; role++)
			assert_non_null(strstr(e.log_text, role_name((enum role)role)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_unknown_numbers), cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
