/* Networks in CIDR notation, against arithmetic on bits done another way. */
#include "cmocka_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/network.h"

/* ---- reading */

static void
test_good(void **state)
{
	static const struct {
		const char	*text, *written;
	} good[] = {
		{ "10.1.0.0/16", "10.1.0.0/16" }, { "10.1.2.3", "10.1.2.3/32" }, { "10.1.2.3/32", "10.1.2.3/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" }, { "255.255.255.255", "255.255.255.255/32" }, { "192.168.7.128/25", "192.168.7.128/25" },
		{ "fd00::/8", "fd00::/8" }, { "FD00:0:0::/8", "fd00::/8" }, { "::/0", "::/0" }, { "::1", "::1/128" },
		{ "2001:db8:0:0:0:0:0:1", "2001:db8::1/128" }, { "2001:0db8:0000::/48", "2001:db8::/48" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888/128" },
		/* IPv4 as a socket for both families shows it */
		{ "::ffff:10.1.2.3", "10.1.2.3/32" }, { "::ffff:10.1.0.0/112", "10.1.0.0/16" }, { "::ffff:0:0/96", "0.0.0.0/0" },
		/* shorter than the mapped prefix: all of it, a network of IPv6 */
		{ "::/80", "::/80" },
	};
	char out[LIMIT_NETWORK_BYTES + 1], again[LIMIT_NETWORK_BYTES + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(network_parse(good[i].text, out, &e), ERR_OK);
		assert_string_equal(out, good[i].written);
		assert_int_equal(network_parse(out, again, &e), ERR_OK);
		assert_string_equal(again, out);
	}
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", "/", "/16", " 10.1.0.0/16", "10.1.0.0/16 ", "10.1.0.0/ 16", "10.1.0.0 /16", "10.1.0.0/", "10.1.0.0//16", "10.1.0.0/16/16",
		"10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/+16", "10.1.0.0/016", "10.1.0.0/00", "10.1.0.0/-0", "10.1.0.0/1e1", "10.1.0.0/0x10",
		"10.1.0.0/255.255.0.0", "10.1.0.0/99999999999999999999", "10.1/16", "10.1.0/24", "10.1.0.0.0/16", "10.01.0.0/16",
		"10.1.0.256/32", "0x0a.1.0.0/16", "167837696", "10.1.0.0-10.1.0.9", "10.1.*.*", "localhost", "station-1", "*", "any",
		"::/129", "::1/", "fd00:/8", "fd00/8", ":::/8", "[fd00::]/8", "fe80::1%eth0", "fe80::%1/10", "g000::/8", "1:2:3:4:5:6:7:8:9",
		"::ffff:10.1.0.0/16", "::ffff:10.1.2.3/112", "10.1.2.3/16", "10.1.2.3/31", "255.255.255.255/0", "fd00::1/8", "::1/127",
		"::ffff:0:0/95", "8000::/0",
		"1111:2222:3333:4444:5555:6666:7777:8888:1111:2222:3333:4444:5555:6666:7777:8888/16",
	};
	char out[LIMIT_NETWORK_BYTES + 1] = "untouched";
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		assert_int_equal(network_parse(bad[i], out, &e), ERR_USAGE);
		assert_string_equal(out, "untouched");
		assert_true(strlen(e.client_text) > 20);
	}
}

/* What is wrong is said so that it can be mended. */
static void
test_words(void **state)
{
	char out[LIMIT_NETWORK_BYTES + 1];
	struct err e;

	(void)state;
	assert_int_equal(network_parse("10.1.2.3/16", out, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "10.1.0.0/16"));
	assert_int_equal(network_parse("fd12:3456::9/32", out, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "fd12:3456::/32"));
	assert_int_equal(network_parse("10.1.0.0/33", out, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "0 to 32"));
	assert_int_equal(network_parse("fd00::/129", out, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "0 to 128"));
}

/* ---- containing */

static bool
bit_of(const uint8_t *address, int bit)
{
	return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/* The network of the first bits of base; every address that differs from it in one bit is inside or outside as that bit says. */
static void
check_lengths(int family, const char *base)
{
	char text[INET6_ADDRSTRLEN], network[LIMIT_NETWORK_BYTES + 8], parsed[LIMIT_NETWORK_BYTES + 1];
	const int bits = family == AF_INET ? 32 : 128;
	uint8_t all[16], cut[16], other[16];
	struct err e;

	assert_int_equal(inet_pton(family, base, all), 1);
	for (int len = 0; len <= bits; len++) {
		memcpy(cut, all, sizeof(cut));
		for (int bit = len; bit < bits; bit++)
			if (bit_of(cut, bit))
				cut[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		assert_non_null(inet_ntop(family, cut, text, sizeof(text)));
		(void)snprintf(network, sizeof(network), "%s/%d", text, len);
		assert_int_equal(network_parse(network, parsed, &e), ERR_OK);
		assert_string_equal(parsed, network);
		assert_true(network_contains(parsed, text));
		assert_true(network_contains(parsed, base));
		for (int bit = 0; bit < bits; bit++) {
			memcpy(other, all, sizeof(other));
			other[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_non_null(inet_ntop(family, other, text, sizeof(text)));
			assert_int_equal(network_contains(parsed, text), bit >= len);
			/* a network that is written with such a bit is a mistake */
			(void)snprintf(network, sizeof(network), "%s/%d", text, len);
			if (bit >= len && bit_of(other, bit))
				assert_int_equal(network_parse(network, parsed, NULL), ERR_USAGE);
		}
	}
}

static void
test_every_length(void **state)
{
	(void)state;
	check_lengths(AF_INET, "10.1.2.3");
	check_lengths(AF_INET, "255.255.255.255");
	check_lengths(AF_INET, "0.0.0.0");
	check_lengths(AF_INET6, "2001:db8:a5a5:5a5a:123:4567:89ab:cdef");
	check_lengths(AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	check_lengths(AF_INET6, "fd00::1");
}

static void
test_families(void **state)
{
	(void)state;
	assert_true(network_contains("10.1.0.0/16", "10.1.200.3"));
	assert_true(network_contains("10.1.0.0/16", "::ffff:10.1.200.3"));
	assert_true(network_contains("10.1.0.0/16", "::ffff:a01:c803"));
	assert_false(network_contains("10.1.0.0/16", "::ffff:10.2.0.1"));
	assert_false(network_contains("10.1.0.0/16", "::10.1.0.1"));
	assert_true(network_contains("0.0.0.0/0", "::ffff:10.2.0.1"));
	assert_false(network_contains("0.0.0.0/0", "2001:db8::1"));
	assert_false(network_contains("0.0.0.0/0", "::1"));
	assert_false(network_contains("::/0", "10.1.0.1"));
	assert_false(network_contains("::/0", "::ffff:10.1.0.1"));
	assert_true(network_contains("::/0", "2001:db8::1"));
	assert_true(network_contains("fe80::/10", "fe80::1%eth0"));
	assert_true(network_contains("fe80::/10", "fe80::1%2"));
	assert_false(network_contains("127.0.0.0/8", "::1"));
	assert_true(network_contains("127.0.0.0/8", "127.9.8.7"));
}

static void
test_garbage(void **state)
{
	static const char *const addresses[] = {
		"", "%", "%eth0", "10.1", "10.1.2.3.4", "10.1.2.3/32", " 10.1.2.3", "10.1.2.3 ", "10.1.2.3:80", "[::1]", "[::1]:80", "localhost",
		"unix", "-", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee",
	};
	static const char *const networks[] = {
		"", "/", "0/0", "0.0.0.0", "0.0.0.0/", "0.0.0.0/33", "10.1.2.3/8", "any", "*", "::/129", "0.0.0.0/0 ", "0.0.0.0/0,::/0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		assert_false(network_contains("0.0.0.0/0", addresses[i]));
		assert_false(network_contains("::/0", addresses[i]));
	}
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		assert_false(network_contains(networks[i], "10.1.2.3"));
		assert_false(network_contains(networks[i], "::1"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_words), cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_families), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
