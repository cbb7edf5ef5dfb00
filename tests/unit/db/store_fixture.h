/* What the tests of db/store.h share: each test once over every backend, a ledger with 20 certificates, and how to list them. */
#ifndef TESTS_UNIT_DB_STORE_FIXTURE_H
#define TESTS_UNIT_DB_STORE_FIXTURE_H

#include "ledger.h"

/* *state is a new struct ledger, of the backend in the name. */
int	fixture_setup_sqlite(void **state);
int	fixture_setup_memory(void **state);
int	fixture_teardown(void **state);

/* The rows of a test in the table of tests: one for each backend. */
#define BOTH(test)                                                                              \
	cmocka_unit_test_setup_teardown(test, fixture_setup_sqlite, fixture_teardown),          \
	cmocka_unit_test_setup_teardown(test, fixture_setup_memory, fixture_teardown)

/* 20 certificates, serials 1001 to 1020: odd ones in lot-1, even ones in lot-2; dev-1 in both, recorded out of order. */
void	fixture_fill(struct ledger *l, int64_t batches[2]);

/* What a listing showed. */
struct listing {
	int		n;
	uint64_t	serials[64];	/* the upper halves */
	int		stop_after;	/* 0: never */
};

/* A row for certificate_list, with a struct listing as arg: checks it, notes it; ERR_IO at the row to stop after. */
enum err_code	listing_note(void *arg, const struct store_certificate *c, struct err *e);

/* The filter that takes all. */
extern const struct store_certificate_filter	fixture_any;

/* All that f takes; fails the test unless that goes well and comes newest first. */
struct listing	fixture_list(struct ledger *l, const struct store_certificate_filter *f);

#endif
