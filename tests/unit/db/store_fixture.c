#include "store_fixture.h"

const struct store_certificate_filter fixture_any = { .batch_id = -1, .state = -1 };

int
fixture_setup_sqlite(void **state)
{
	*state = ledger_new(&store_sqlite);
	return 0;
}

int
fixture_setup_memory(void **state)
{
	*state = ledger_new(&store_memory);
	return 0;
}

int
fixture_teardown(void **state)
{
	ledger_free(*state);
	return 0;
}

enum err_code
listing_note(void *arg, const struct store_certificate *c, struct err *e)
{
	struct listing	*li = arg;
	int		 i;

	assert_true(li->n < 64);
	li->serials[li->n] = 0;
	for (i = 0; i < 8; i++)
		li->serials[li->n] = li->serials[li->n] << 8 | c->serial[i];
	li->n++;
	assert_int_equal(c->der_len, 600);
	assert_int_equal(c->der[0], 0x30);
	assert_string_equal(c->ca_name, "plant");
	assert_int_equal(strncmp(c->batch_name, "lot-", 4), 0);
	if (li->n == li->stop_after)
		return err_set(e, ERR_IO, "the reader has gone");
	return ERR_OK;
}

struct listing
fixture_list(struct ledger *l, const struct store_certificate_filter *f)
{
	struct listing	li = { 0 };
	struct err	e;
	int		i;

	assert_ok(l->ops->certificate_list(l->reader, f, listing_note, &li, &e));
	for (i = 1; i < li.n; i++)
		assert_true(li.serials[i] < li.serials[i - 1]);	/* newest first */
	return li;
}

void
fixture_fill(struct ledger *l, int64_t batches[2])
{
	struct store_certificate	c;
	char				name[16];
	uint64_t			i;

	batches[0] = ledger_batch(l, "lot-1", 100);
	batches[1] = ledger_batch(l, "lot-2", 100);
	for (i = 20; i >= 1; i--) {
		(void)snprintf(name, sizeof(name), "dev-%u", i <= 2 ? 1 : (unsigned)i);
		c = ledger_certificate(batches[(i + 1) % 2], l->ca_id, name, i <= 2 ? 1 : (unsigned)i, 1000 + i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	}
}
