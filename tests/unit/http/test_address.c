/* The count of connections of each address. */
#include "cmocka_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "http/address.h"

enum { THREADS = 4, PORT = 40000 };

static struct addresses *
make(void)
{
	struct addresses *a = NULL;
	struct err e;

	assert_int_equal(addresses_new(&a, &e), ERR_OK);
	assert_non_null(a);
	return a;
}

/* "10.1.2.3" or "2001:db8::1", with a port that must not matter. */
static struct sockaddr_storage
address(const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&ss;

	/* what is no part of the address must not matter either */
	memset(&ss, 0x5a, sizeof(ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		ss.ss_family = AF_INET;
		in->sin_port = htons(port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
		ss.ss_family = AF_INET6;
		in6->sin6_port = htons(port);
	}
	return ss;
}

static bool
take(struct addresses *a, const char *text, unsigned limit)
{
	static uint16_t port = PORT;
	const struct sockaddr_storage ss = address(text, port++);

	return addresses_take(a, &ss, limit);
}

static void
give(struct addresses *a, const char *text)
{
	static uint16_t port = PORT;
	const struct sockaddr_storage ss = address(text, port++);

	addresses_give(a, &ss);
}

/* How many it has; the count is as before. */
static unsigned
count(struct addresses *a, const char *text)
{
	unsigned n = 0;

	while (!take(a, text, n + 1))
		n++;
	give(a, text);
	return n;
}

static bool
same(const char *one, const char *other)
{
	const struct sockaddr_storage a = address(one, 1), b = address(other, 2);
	uint8_t key_a[16], key_b[16];

	memset(key_a, 1, sizeof(key_a));
	memset(key_b, 2, sizeof(key_b));
	address_key(&a, key_a);
	address_key(&b, key_b);
	return memcmp(key_a, key_b, sizeof(key_a)) == 0;
}

/* ---- what is one address */

static void
test_key(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 10, 1, 2, 3 };
	static const uint8_t network[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2 };
	struct sockaddr_storage ss;
	uint8_t key[16];

	(void)state;
	ss = address("10.1.2.3", 1);
	address_key(&ss, key);
	assert_memory_equal(key, mapped, sizeof(key));
	ss = address("::ffff:10.1.2.3", 1);
	address_key(&ss, key);
	assert_memory_equal(key, mapped, sizeof(key));
	ss = address("2001:db8:1:2:3:4:5:6", 1);
	address_key(&ss, key);
	assert_memory_equal(key, network, sizeof(key));
}

static void
test_same(void **state)
{
	(void)state;
	assert_true(same("10.1.2.3", "10.1.2.3"));
	assert_true(same("10.1.2.3", "::ffff:10.1.2.3"));
	assert_true(same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
	assert_true(same("fe80::1", "fe80::2"));
	assert_false(same("10.1.2.3", "10.1.2.4"));
	assert_false(same("10.1.2.3", "11.1.2.3"));
	assert_false(same("::ffff:10.1.2.3", "::ffff:10.1.2.4"));
	assert_false(same("2001:db8:0:1::1", "2001:db8:0:2::1"));
	assert_false(same("2001:db8::1", "3001:db8::1"));
	/* IPv4-compatible is not IPv4-mapped: these are one IPv6 network, and no IPv4 address */
	assert_true(same("::10.1.2.3", "::1"));
	assert_false(same("::10.1.2.3", "10.1.2.3"));
	assert_false(same("::", "0.0.0.0"));
}

/* ---- counting */

static void
test_limit(void **state)
{
	struct addresses *a = make();

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(take(a, "10.1.2.3", 5));
	/* a refusal counts nothing, however often */
	for (int i = 0; i < 100; i++)
		assert_false(take(a, "10.1.2.3", 5));
	assert_int_equal(count(a, "10.1.2.3"), 5);
	/* nobody else is in his place */
	assert_true(take(a, "10.1.2.4", 5));
	give(a, "10.1.2.3");
	assert_true(take(a, "10.1.2.3", 5));
	assert_false(take(a, "10.1.2.3", 5));
	/* a limit that was made smaller: those he has stay his, and are given back one by one */
	assert_false(take(a, "10.1.2.3", 2));
	for (int i = 0; i < 4; i++)
		give(a, "10.1.2.3");
	assert_true(take(a, "10.1.2.3", 2));
	assert_false(take(a, "10.1.2.3", 2));
	addresses_free(a);
}

static void
test_no_limit(void **state)
{
	struct addresses *a = make();

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_true(take(a, "10.1.2.3", 0));
	assert_false(take(a, "10.1.2.3", 10000));
	for (int i = 0; i < 10000; i++)
		give(a, "10.1.2.3");
	assert_int_equal(count(a, "10.1.2.3"), 0);
	addresses_free(a);
}

/* Who comes over IPv4 and over IPv6 has no second share, nor who has a whole network of IPv6 addresses. */
static void
test_one_share(void **state)
{
	struct addresses *a = make();
	char text[INET6_ADDRSTRLEN];

	(void)state;
	assert_true(take(a, "10.1.2.3", 2));
	assert_true(take(a, "::ffff:10.1.2.3", 2));
	assert_false(take(a, "10.1.2.3", 2));
	assert_false(take(a, "::ffff:10.1.2.3", 2));
	/* given back under its other name */
	give(a, "::ffff:10.1.2.3");
	give(a, "::ffff:10.1.2.3");
	assert_int_equal(count(a, "10.1.2.3"), 0);
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:0:1:%x::%x", i * 3000, i);
		assert_int_equal(take(a, text, 7), i < 7);
	}
	assert_true(take(a, "2001:db8:0:2::1", 7));
	addresses_free(a);
}

/* More addresses than the table has places: each its own count, and none is left when all have gone. */
static void
test_many(void **state)
{
	enum { ADDRESSES = 5000 };
	struct addresses *a = make();
	char text[INET_ADDRSTRLEN];

	(void)state;
	for (unsigned i = 0; i < ADDRESSES; i++) {
		(void)snprintf(text, sizeof(text), "10.7.%u.%u", i / 256, i % 256);
		for (unsigned n = 0; n < i % 3 + 1; n++)
			assert_true(take(a, text, i % 3 + 1));
		assert_false(take(a, text, i % 3 + 1));
	}
	/* every other one goes, the first and the last of a chain among them */
	for (unsigned i = 0; i < ADDRESSES; i += 2) {
		(void)snprintf(text, sizeof(text), "10.7.%u.%u", i / 256, i % 256);
		for (unsigned n = 0; n < i % 3 + 1; n++)
			give(a, text);
	}
	for (unsigned i = 0; i < ADDRESSES; i++) {
		(void)snprintf(text, sizeof(text), "10.7.%u.%u", i / 256, i % 256);
		assert_int_equal(count(a, text), i % 2 == 0 ? 0 : i % 3 + 1);
	}
	addresses_free(a);	/* with half of them in it */
	addresses_free(NULL);
}

/* What nobody took is not counted below nothing. */
static void
test_give_without(void **state)
{
	struct addresses *a = make();

	(void)state;
	give(a, "10.1.2.3");
	assert_true(take(a, "10.1.2.3", 1));
	assert_false(take(a, "10.1.2.3", 1));
	give(a, "10.1.2.3");
	give(a, "10.1.2.3");
	assert_int_equal(count(a, "10.1.2.3"), 0);
	addresses_free(a);
}

/* ---- threads */

struct taker {
	struct addresses	*a;
	unsigned		 seed, granted;
	bool			 keep;
};

static void *
taker_main(void *arg)
{
	struct taker *t = arg;

	for (int round = 0; round < 20000; round++) {
		struct sockaddr_storage ss = { .ss_family = AF_INET };
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)&ss;

		t->seed = t->seed * 1664525 + 1013904223;
		in->sin_addr.s_addr = htonl(0x0a000000 + (t->seed >> 16) % 8);
		if (!addresses_take(t->a, &ss, t->keep ? 1000 : 0))
			continue;
		t->granted++;
		if (!t->keep)
			addresses_give(t->a, &ss);
	}
	return NULL;
}

static unsigned
run_takers(struct addresses *a, bool keep)
{
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	unsigned granted = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ .a = a, .seed = i + 1, .keep = keep };
		assert_int_equal(pthread_create(&threads[i], NULL, taker_main, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		granted += takers[i].granted;
	}
	return granted;
}

/* All at once for the same few addresses, which come into the table and go from it all the time. */
static void
test_threads(void **state)
{
	struct addresses *a = make();
	char text[INET_ADDRSTRLEN];

	(void)state;
	assert_int_equal(run_takers(a, false), THREADS * 20000);
	for (unsigned i = 0; i < 8; i++) {
		(void)snprintf(text, sizeof(text), "10.0.0.%u", i);
		assert_int_equal(count(a, text), 0);
	}
	/* each address its limit, and not one more */
	assert_int_equal(run_takers(a, true), 8 * 1000);
	for (unsigned i = 0; i < 8; i++) {
		(void)snprintf(text, sizeof(text), "10.0.0.%u", i);
		assert_int_equal(count(a, text), 1000);
	}
	addresses_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key), cmocka_unit_test(test_same), cmocka_unit_test(test_limit), cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_one_share), cmocka_unit_test(test_many), cmocka_unit_test(test_give_without),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
