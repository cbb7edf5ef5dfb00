/* Search by what a label or AWS says, as db/store.h has it, over every backend. */
#include "store_fixture.h"

struct found {
	int			n, stop_after;	/* 0: never */
	bool			more;
	struct store_certificate	c[32];
	enum store_match	match[32];
};

static enum err_code
note(void *arg, const struct store_certificate *c, enum store_match match, struct err *e)
{
	struct found	*f = arg;

	assert_true(f->n < 32);
	f->c[f->n] = *c;
	f->match[f->n++] = match;
	assert_int_equal(c->der_len, 600);
	assert_string_equal(c->ca_name, "plant");
	return f->n == f->stop_after ? err_set(e, ERR_IO, "the reader has gone") : ERR_OK;
}

static struct found
search(struct ledger *l, const char *text, int64_t limit)
{
	static struct found	f;
	struct err		e;

	memset(&f, 0, sizeof(f));
	assert_ok(l->ops->search(l->reader, text, limit, note, &f, &f.more, &e));
	assert_true(f.n <= limit);
	return f;
}

/* What was found, in words: "SN1 2 device_id; ", the number being the last octet of the serial's upper half, and "+" for more. */
static void
assert_found(struct ledger *l, const char *text, int64_t limit, const char *words)
{
	struct found	f = search(l, text, limit);
	char		got[1024] = "";
	size_t		len = 0;
	int		i;

	for (i = 0; i < f.n; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s %u %s; ", f.c[i].device_id,
		    (unsigned)f.c[i].serial[7], store_match_name(f.match[i]));
	(void)snprintf(got + len, sizeof(got) - len, "%s", f.more ? "+" : "");
	assert_string_equal(got, words);
}

static void
add(struct ledger *l, int64_t batch, const char *device, unsigned key, uint64_t serial, uint8_t id0, uint8_t id1)
{
	struct store_certificate	c = ledger_certificate(batch, l->ca_id, device, key, serial);

	memset(c.certificate_id, 0xee, sizeof(c.certificate_id));
	c.certificate_id[0] = id0;
	c.certificate_id[1] = id1;
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
}

/* Serials as the program makes them begin with 4. */
static void
fill(struct ledger *l)
{
	int64_t	a = ledger_batch(l, "lot-1", 100), b = ledger_batch(l, "lot-2", 100);

	add(l, a, "SN100", 1, 0x4660000000000001, 0xab, 0x01);
	add(l, a, "SN1", 2, 0x4660000000000002, 0xab, 0x02);
	add(l, a, "SN10", 3, 0x4770000000000003, 0xcd, 0x03);
	add(l, b, "SN1", 2, 0x4770000000000004, 0xab, 0x04);
	add(l, a, "sn1x", 5, 0x4880000000000005, 0x46, 0x05);
	add(l, a, "46A", 6, 0x4990000000000006, 0x46, 0x66);
	add(l, a, "%_'\"x", 7, 0x4aa0000000000007, 0x00, 0x00);
	add(l, a, "SO", 8, 0x7ff0000000000008, 0xff, 0xff);
}

static void
test_devices(void **state)
{
	struct ledger	*l = *state;

	fill(l);
	assert_found(l, "SN1", 20, "SN1 4 device_id; SN10 3 device_id; "
	    "SN100 1 device_id; ");
	assert_found(l, "SN10", 20, "SN10 3 device_id; SN100 1 device_id; ");
	assert_found(l, "SN100", 20, "SN100 1 device_id; ");
	assert_found(l, "SN1000", 20, "");
	assert_found(l, "sn", 20, "sn1x 5 device_id; ");	/* case as it is */
	assert_found(l, "%_", 20, "%_'\"x 7 device_id; ");
	assert_found(l, "_'", 20, "");
	assert_found(l, "%%", 20, "");
	assert_found(l, "SN1", 2, "SN1 4 device_id; SN10 3 device_id; +");
	assert_found(l, "SN1", 3, "SN1 4 device_id; SN10 3 device_id; "
	    "SN100 1 device_id; ");
	assert_found(l, "a device id that is longer than any there can be, and than a certificate id too", 20, "");
	assert_found(l, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", 20, "");
	assert_found(l, "\xff\xfe", 20, "");
}

static void
test_serials(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate	 c;
	char				 serial[2 * STORE_SERIAL_BYTES + 1];
	int				 i;

	fill(l);
	/* the older certificate of SN1, by its serial; SN1 is one device, with its newest that begins so */
	assert_found(l, "466", 20, "SN1 2 serial; SN100 1 serial; 46A 6 certificate_id; ");
	assert_found(l, "47700", 20, "SN1 4 serial; SN10 3 serial; ");
	assert_found(l, "4660000000000001", 20, "SN100 1 serial; ");
	assert_found(l, "46600000000000010", 20, "");
	assert_found(l, "7FF0", 20, "SO 8 serial; ");
	assert_found(l, "80", 20, "");
	assert_found(l, "ffff", 20, "SO 8 certificate_id; ");	/* no serial is that high */
	/* all 32 digits, and every beginning of them beyond the upper half */
	c = ledger_certificate(1, 1, "", 0, 0x4aa0000000000007);
	for (i = 0; i < STORE_SERIAL_BYTES; i++)
		(void)snprintf(serial + (size_t)i * 2, 3, "%02X", (unsigned)c.serial[i]);
	for (i = 2 * STORE_SERIAL_BYTES; i >= 3; i--) {
		serial[i] = '\0';
		assert_found(l, serial, 20, "%_'\"x 7 serial; ");
	}
	c.serial[15] ^= 1;
	for (i = 0; i < STORE_SERIAL_BYTES; i++)
		(void)snprintf(serial + (size_t)i * 2, 3, "%02x", (unsigned)c.serial[i]);
	assert_found(l, serial, 20, "");
}

static void
test_certificate_ids(void **state)
{
	struct ledger	*l = *state;
	char		 id[2 * STORE_HASH_BYTES + 2];
	int		 i;

	fill(l);
	assert_found(l, "cd03", 20, "SN10 3 certificate_id; ");
	assert_found(l, "CD", 20, "SN10 3 certificate_id; ");
	assert_found(l, "AB02", 20, "SN1 2 certificate_id; ");	/* the one that has it */
	memset(id, 'e', sizeof(id));
	id[2 * STORE_HASH_BYTES] = '\0';
	memcpy(id, "cd03", 4);
	for (i = 2 * STORE_HASH_BYTES; i >= 2; i--) {
		id[i] = '\0';
		assert_found(l, id, 20, "SN10 3 certificate_id; ");
		id[i] = 'e';
	}
	id[2 * STORE_HASH_BYTES - 1] = 'f';
	id[2 * STORE_HASH_BYTES] = '\0';
	assert_found(l, id, 20, "");
	/* kinds in their order, each device once */
	assert_found(l, "46", 20, "46A 6 device_id; SN1 2 serial; "
	    "SN100 1 serial; sn1x 5 certificate_id; ");
	assert_found(l, "46", 3, "46A 6 device_id; SN1 2 serial; "
	    "SN100 1 serial; +");
	assert_found(l, "46", 1, "46A 6 device_id; +");
}

static void
test_edges(void **state)
{
	struct ledger			*l = *state;
	struct found			 f = { .stop_after = 2, .more = true };
	const struct store_certificate	 c = ledger_certificate(1, 1, "", 0, 0x4660000000000001);
	struct err			 e;

	assert_found(l, "SN", 20, "");	/* an empty ledger */
	assert_found(l, "46", 20, "");
	fill(l);
	assert_int_equal(l->ops->search(l->reader, "S", 20, note, &f, &f.more, &e), ERR_BAD_REQUEST);
	assert_true(e.client_text[0] != '\0');
	assert_int_equal(l->ops->search(l->reader, "", 20, note, &f, &f.more, &e), ERR_BAD_REQUEST);
	assert_int_equal(l->ops->search(l->reader, "SN", 0, note, &f, &f.more, &e), ERR_INTERNAL);
	assert_int_equal(l->ops->search(l->reader, "SN", LIMIT_PAGE_ROWS + 1, note, &f, &f.more, &e), ERR_INTERNAL);
	assert_int_equal(f.n, 0);
	assert_int_equal(l->ops->search(l->reader, "SN", 20, note, &f, &f.more, &e), ERR_IO);
	assert_int_equal(f.n, 2);
	assert_true(f.more);	/* as it was */
	f = (struct found){ .stop_after = 1 };
	assert_int_equal(l->ops->search(l->reader, "4770", 20, note, &f, &f.more, &e), ERR_IO);
	f = (struct found){ .stop_after = 1 };
	assert_int_equal(l->ops->search(l->reader, "cd", 20, note, &f, &f.more, &e), ERR_IO);
	assert_ok(l->ops->certificate_revoke(l->store, c.serial, &ledger_who, &e));	/* a reader that stopped is in nobody's way */
	f = search(l, "SN100", 20);
	assert_int_equal(f.c[0].state, CERTIFICATE_REVOKED);
	assert_string_equal(f.c[0].revoked_by, ledger_who.actor);
	assert_ok(l->ops->identifiers_settle(l->store, 1000, &e));
	assert_found(l, "CD", 20, "SN10 3 certificate_id; ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_devices),
		BOTH(test_serials),
		BOTH(test_certificate_ids),
		BOTH(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
