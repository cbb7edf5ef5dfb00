#include "ca_fixture.h"

#include <string.h>

struct sample {
	const char	*p;
	size_t		 len;
};
#define SAMPLE(literal)	{ literal, sizeof(literal) - 1 }

static const struct sample good[] = {
	SAMPLE("\x30\x00"),
	SAMPLE("\x05\x00"),
	SAMPLE("\x01\x01\xff"),
	SAMPLE("\x01\x01\x00"),
	SAMPLE("\x02\x01\x00"),
	SAMPLE("\x02\x01\x80"),
	SAMPLE("\x02\x02\x00\x80"),
	SAMPLE("\x02\x02\xff\x7f"),
	SAMPLE("\x03\x01\x00"),
	SAMPLE("\x03\x02\x07\x80"),
	SAMPLE("\x06\x03\x55\x04\x03"),
	SAMPLE("\x06\x02\x81\x00"),
	SAMPLE("\x0c\x00"),
	SAMPLE("\x80\x00"),
	SAMPLE("\xa0\x02\x05\x00"),
	SAMPLE("\x30\x04\x30\x00\x31\x00"),
};

static const struct sample bad[] = {
	SAMPLE(""),
	SAMPLE("\x30"),
	SAMPLE("\x30\x01"),			/* cut off */
	SAMPLE("\x30\x80\x00\x00"),		/* indefinite */
	SAMPLE("\x30\x81\x00"),			/* not shortest */
	SAMPLE("\x04\x81\x01\x00"),
	SAMPLE("\x30\x82\x00\x01\x00"),
	SAMPLE("\x30\xff"),
	SAMPLE("\x30\x84\x00\x00\x00\x00"),
	SAMPLE("\x1f\x20\x00"),			/* a tag of two octets */
	SAMPLE("\x30\x00\x00"),			/* something after it */
	SAMPLE("\x00\x00"),			/* end of contents */
	SAMPLE("\x10\x00"),			/* SEQUENCE, primitive */
	SAMPLE("\x24\x02\x04\x00"),		/* OCTET STRING, constructed */
	SAMPLE("\x01\x01\x01"),			/* TRUE is ff */
	SAMPLE("\x01\x00"),
	SAMPLE("\x02\x00"),
	SAMPLE("\x02\x02\x00\x7f"),
	SAMPLE("\x02\x02\xff\x80"),
	SAMPLE("\x03\x00"),
	SAMPLE("\x03\x01\x01"),
	SAMPLE("\x03\x02\x08\x00"),
	SAMPLE("\x03\x02\x01\x01"),		/* an unused bit that is set */
	SAMPLE("\x05\x01\x00"),
	SAMPLE("\x06\x00"),
	SAMPLE("\x06\x02\x80\x01"),
	SAMPLE("\x06\x01\x81"),
	SAMPLE("\x30\x02\x02\x00"),		/* nested */
	SAMPLE("\x30\x03\x30\x02\x00"),
};

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!der_check((struct der){ (const uint8_t *)good[i].p, good[i].len }))
			fail_msg("good sample %zu was refused", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (der_check((struct der){ (const uint8_t *)bad[i].p, bad[i].len }))
			fail_msg("bad sample %zu was accepted", i);
}

static void
test_depth(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	for (int depth = 1; depth <= LIMIT_DER_DEPTH; depth++) {
		bytes_wrap(&b, 0x30);
		assert_true(der_check((struct der){ b.p, b.len }));
	}
	bytes_wrap(&b, 0x30);
	assert_false(der_check((struct der){ b.p, b.len }));
}

/* What cannot be read leaves the reader where it was. */
static void
test_failure_moves_nothing(void **state)
{
	static const uint8_t bytes[] = { 0x30, 0x03, 0x02, 0x01 };
	struct der in = { bytes, sizeof(bytes) }, out = { NULL, 7 };
	uint8_t tag = 9;

	(void)state;
	assert_false(der_next(&in, &tag, &out));
	assert_false(der_take(&in, DER_SEQUENCE, &out));
	assert_false(der_take(&in, DER_SET, &out));
	assert_false(der_take_unsigned(&in, &out));
	assert_ptr_equal(in.p, bytes);
	assert_int_equal(in.len, sizeof(bytes));
	assert_int_equal(tag, 9);
	assert_int_equal(out.len, 7);
}

static void
test_take_unsigned(void **state)
{
	static const uint8_t bytes[] = { 0x02, 0x01, 0x00, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x7f, 0x02, 0x01, 0x80 };
	struct der in = { bytes, sizeof(bytes) }, n;

	(void)state;
	assert_true(der_take_unsigned(&in, &n));
	assert_int_equal(n.len, 0);
	assert_true(der_take_unsigned(&in, &n));
	assert_true(DER_IS(n, "\x80"));
	assert_true(der_take_unsigned(&in, &n));
	assert_true(DER_IS(n, "\x7f"));
	assert_false(der_take_unsigned(&in, &n));	/* -128 */
	assert_int_equal(in.len, 3);
}

/* What the writer writes, the reader reads, at every length around the places where headers grow. */
static void
test_writer_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 129, 255, 256, 257, 65535, 65536 };
	static uint8_t buf[70000], content[65536];

	(void)state;
	memset(content, 0xc3, sizeof(content));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct der_writer w;
		struct der in, out;

		der_writer_init(&w, buf, sizeof(buf));
		der_put_element(&w, DER_OCTET_STRING, content, lengths[i]);
		der_wrap(&w, DER_SEQUENCE, 0);
		assert_false(w.full);
		in = (struct der){ w.p, der_mark(&w) };
		assert_true(der_take(&in, DER_SEQUENCE, &out));
		assert_int_equal(in.len, 0);
		in = out;
		assert_true(der_take(&in, DER_OCTET_STRING, &out));
		assert_true(der_equal(out, content, lengths[i]));
		assert_int_equal(in.len, 0);
	}
}

static void
test_writer_full(void **state)
{
	uint8_t buf[8] = { 0 };
	struct der_writer w;

	(void)state;
	der_writer_init(&w, buf + 2, 4);
	der_put(&w, "abcd", 4);
	assert_false(w.full);
	der_wrap(&w, DER_SEQUENCE, 0);
	assert_true(w.full);
	der_put(&w, "", 0);
	assert_true(w.full);
	assert_memory_equal(buf, "\0\0abcd\0\0", 8);
}

static void
assert_integer(const char *magnitude, size_t len, const char *expected, size_t expected_len)
{
	uint8_t buf[64];
	struct der_writer w;

	der_writer_init(&w, buf, sizeof(buf));
	der_put_unsigned(&w, (const uint8_t *)magnitude, len);
	assert_int_equal(der_mark(&w), expected_len);
	assert_memory_equal(w.p, expected, expected_len);
}

static void
test_writer_integers(void **state)
{
	(void)state;
	assert_integer("", 0, "\x02\x01\x00", 3);
	assert_integer("\0", 1, "\x02\x01\x00", 3);
	assert_integer("\x7f", 1, "\x02\x01\x7f", 3);
	assert_integer("\x80", 1, "\x02\x02\x00\x80", 4);
	assert_integer("\0\0\x01\x02", 4, "\x02\x02\x01\x02", 4);
}

static void
assert_time(int64_t s, const char *expected)
{
	uint8_t buf[64];
	struct der_writer w;
	ASN1_TIME *t = ASN1_TIME_adj(NULL, (time_t)s, 0, 0);
	uint8_t *by_openssl = NULL;
	int len = i2d_ASN1_TIME(t, &by_openssl);

	der_writer_init(&w, buf, sizeof(buf));
	der_put_time(&w, s);
	assert_int_equal(der_mark(&w), strlen(expected) + 2);
	assert_memory_equal(w.p + 2, expected, strlen(expected));
	assert_int_equal(len, der_mark(&w));		/* OpenSSL's own rule for the two types */
	assert_memory_equal(by_openssl, w.p, (size_t)len);
	OPENSSL_free(by_openssl);
	ASN1_TIME_free(t);
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
static void
test_writer_times(void **state)
{
	(void)state;
	assert_time(0, "700101000000Z");
	assert_time(INT64_C(951782400), "000229000000Z");
	assert_time(INT64_C(1795000000), "261118110640Z");
	assert_time(INT64_C(2524607999), "491231235959Z");
	assert_time(INT64_C(2524608000), "20500101000000Z");
	assert_time(INT64_C(253402300799), "99991231235959Z");
	assert_time(INT64_C(-631152000), "500101000000Z");
	assert_time(INT64_C(-631152001), "19491231235959Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_failure_moves_nothing),
		cmocka_unit_test(test_take_unsigned),
		cmocka_unit_test(test_writer_lengths),
		cmocka_unit_test(test_writer_full),
		cmocka_unit_test(test_writer_integers),
		cmocka_unit_test(test_writer_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
