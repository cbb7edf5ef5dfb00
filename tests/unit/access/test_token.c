/* Tokens: their form, and the hash by which they are known again. */
#include "cmocka_test.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"

enum { MANY = 10000 };

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";

static uint8_t	chosen[32];

static enum err_code
fill_chosen(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r;
	assert_int_equal(len, sizeof(chosen));
	memcpy(out, chosen, len);
	return ERR_OK;
}

static enum err_code
fill_fails(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r;
	(void)out;
	(void)len;
	return ERR_INTERNAL;
}

static const struct rnd rnd_chosen = { .fill = fill_chosen }, rnd_fails = { .fill = fill_fails };

static void
make(enum role r, char out[TOKEN_TEXT_BYTES + 1])
{
	struct err e;

	assert_int_equal(token_make(r, &rnd_system, out, &e), ERR_OK);
}

/* ---- making */

/* Python's base64.b32hexencode says the same. */
static void
test_encoding(void **state)
{
	char text[TOKEN_TEXT_BYTES + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(chosen); i++)
		chosen[i] = (uint8_t)i;
	assert_int_equal(token_make(ROLE_ENROLL, &rnd_chosen, text, &e), ERR_OK);
	assert_string_equal(text, "lce" "000g40o40k30e209185go38e1s8124gj2gahc5oo34d1m70t3ofg");
	memset(chosen, 0xff, sizeof(chosen));
	assert_int_equal(token_make(ROLE_ADMIN, &rnd_chosen, text, &e), ERR_OK);
	assert_string_equal(text, "lca" "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvg");
	memset(chosen, 0, sizeof(chosen));
	assert_int_equal(token_make(ROLE_VIEWER, &rnd_chosen, text, &e), ERR_OK);
	assert_string_equal(text, "lcv" "0000000000000000000000000000000000000000000000000000");
}

/* Each of the 256 bits is somewhere in the text. */
static void
test_every_bit(void **state)
{
	char none[TOKEN_TEXT_BYTES + 1], one[TOKEN_TEXT_BYTES + 1];
	struct err e;

	(void)state;
	memset(chosen, 0, sizeof(chosen));
	assert_int_equal(token_make(ROLE_ENROLL, &rnd_chosen, none, &e), ERR_OK);
	for (size_t bit = 0; bit < 256; bit++) {
		size_t differ = 0;

		memset(chosen, 0, sizeof(chosen));
		chosen[bit / 8] = (uint8_t)(0x80 >> bit % 8);
		assert_int_equal(token_make(ROLE_ENROLL, &rnd_chosen, one, &e), ERR_OK);
		for (size_t i = 0; i < TOKEN_TEXT_BYTES; i++)
			differ += none[i] != one[i];
		assert_int_equal(differ, 1);
		assert_int_not_equal(one[3 + bit / 5], none[3 + bit / 5]);
	}
}

static void
test_roles(void **state)
{
	static const struct {
		enum role	 role;
		const char	*prefix;
	} kinds[] = { { ROLE_ENROLL, "lce" }, { ROLE_VIEWER, "lcv" }, { ROLE_TECHNICIAN, "lct" }, { ROLE_ADMIN, "lca" } };
	char text[TOKEN_TEXT_BYTES + 1] = "untouched";
	struct err e;

	(void)state;
	assert_int_equal(token_make(ROLE_NONE, &rnd_system, text, &e), ERR_INTERNAL);
	assert_int_equal(token_make(ROLES, &rnd_system, text, &e), ERR_INTERNAL);
	assert_int_equal(token_make((enum role)-1, &rnd_system, text, &e), ERR_INTERNAL);
	assert_int_equal(token_make(ROLE_ADMIN, &rnd_fails, text, &e), ERR_INTERNAL);
	assert_string_equal(text, "untouched");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make(kinds[i].role, text);
		assert_int_equal(strlen(text), TOKEN_TEXT_BYTES);
		assert_memory_equal(text, kinds[i].prefix, 3);
		assert_int_equal(strspn(text + 3, alphabet), 52);
	}
}

static int
compare_texts(const void *a, const void *b)
{
	return memcmp(a, b, TOKEN_TEXT_BYTES + 1);
}

static int
compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, TOKEN_HASH_BYTES);
}

static void
test_unique(void **state)
{
	static char texts[MANY][TOKEN_TEXT_BYTES + 1];
	static uint8_t hashes[MANY][TOKEN_HASH_BYTES];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		make(ROLE_ENROLL, texts[i]);
		assert_int_equal(strspn(texts[i], alphabet), TOKEN_TEXT_BYTES);
		assert_true(token_hash(texts[i], TOKEN_TEXT_BYTES, hashes[i]));
	}
	qsort(texts, MANY, sizeof(texts[0]), compare_texts);
	qsort(hashes, MANY, sizeof(hashes[0]), compare_hashes);
	for (size_t i = 1; i < MANY; i++) {
		assert_int_not_equal(compare_texts(texts[i - 1], texts[i]), 0);
		assert_int_not_equal(compare_hashes(hashes[i - 1], hashes[i]), 0);
	}
}

/* ---- hashing */

static void
test_hash_is_sha256(void **state)
{
	uint8_t hash[TOKEN_HASH_BYTES], expected[SHA256_DIGEST_LENGTH];
	char text[TOKEN_TEXT_BYTES + 1];

	(void)state;
	make(ROLE_TECHNICIAN, text);
	assert_true(token_hash(text, TOKEN_TEXT_BYTES, hash));
	assert_non_null(SHA256((const uint8_t *)text, TOKEN_TEXT_BYTES, expected));
	assert_memory_equal(hash, expected, sizeof(expected));
}

static void
assert_same(const char *shown, size_t len, const uint8_t expected[TOKEN_HASH_BYTES])
{
	uint8_t hash[TOKEN_HASH_BYTES] = { 0 };
	char *exact = malloc(len);

	/* without a NUL, so that reading too far is seen */
	assert_non_null(exact);
	memcpy(exact, shown, len);
	assert_true(token_hash(exact, len, hash));
	assert_memory_equal(hash, expected, sizeof(hash));
	free(exact);
}

static void
test_case_and_spaces(void **state)
{
	static const char *const around[][2] = {
		{ "", "\n" }, { "", "\r\n" }, { "", "\r" }, { " ", "" }, { "", " " }, { "\t", "\t" }, { " \t\r\n ", " \n\r\t " },
		{ "\r\n", "\r\n" }, { "                                        ", "                                        " },
	};
	char text[TOKEN_TEXT_BYTES + 1], upper[TOKEN_TEXT_BYTES + 1], shown[256];
	uint8_t hash[TOKEN_HASH_BYTES];

	(void)state;
	for (int round = 0; round < 100; round++) {
		make(ROLE_ENROLL, text);
		assert_true(token_hash(text, TOKEN_TEXT_BYTES, hash));
		for (size_t i = 0; i <= TOKEN_TEXT_BYTES; i++)
			upper[i] = (char)toupper((unsigned char)text[i]);
		assert_same(upper, TOKEN_TEXT_BYTES, hash);
		for (size_t i = 0; i < TOKEN_TEXT_BYTES; i += 2)
			upper[i] = text[i];
		assert_same(upper, TOKEN_TEXT_BYTES, hash);
		for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
			int len = snprintf(shown, sizeof(shown), "%s%s%s", around[i][0], text, around[i][1]);

			assert_same(shown, (size_t)len, hash);
		}
	}
}

/* A token with one character changed is another token, or none. */
static void
test_one_character(void **state)
{
	uint8_t hash[TOKEN_HASH_BYTES], other[TOKEN_HASH_BYTES];
	char text[TOKEN_TEXT_BYTES + 1];
	size_t good = 0;

	(void)state;
	make(ROLE_ENROLL, text);
	assert_true(token_hash(text, TOKEN_TEXT_BYTES, hash));
	for (size_t i = 0; i < TOKEN_TEXT_BYTES; i++) {
		const char right = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (tolower(c) == right || !token_hash(text, TOKEN_TEXT_BYTES, other))
				continue;
			assert_memory_not_equal(hash, other, sizeof(hash));
			assert_non_null(memchr(alphabet, tolower(c), sizeof(alphabet) - 1));
			good++;
		}
		text[i] = right;
	}
	/* 51 characters with 31 others, 22 of which are letters in two cases; the last with one; the kind with three */
	assert_in_range(good, 51 * (31 + 21) + 1 + 3 * 2, 51 * (31 + 22) + 2 + 3 * 2);
}

static void
test_no_token(void **state)
{
	char text[TOKEN_TEXT_BYTES + 1], longer[TOKEN_TEXT_BYTES + 2], *large;
	uint8_t hash[TOKEN_HASH_BYTES];

	(void)state;
	make(ROLE_ADMIN, text);
	assert_false(token_hash("", 0, hash));
	assert_false(token_hash(NULL, 0, hash));
	assert_false(token_hash(" \r\n\t", 4, hash));
	for (size_t len = 0; len < TOKEN_TEXT_BYTES; len++) {
		assert_false(token_hash(text, len, hash));
		assert_false(token_hash(text + TOKEN_TEXT_BYTES - len, len, hash));
	}
	memcpy(longer, text, TOKEN_TEXT_BYTES);
	longer[TOKEN_TEXT_BYTES] = '0';
	assert_false(token_hash(longer, sizeof(longer) - 1, hash));
	assert_false(token_hash(text, TOKEN_TEXT_BYTES + 1, hash));	/* with its NUL */
	longer[0] = 'x';
	assert_false(token_hash(longer, TOKEN_TEXT_BYTES, hash));
	memcpy(longer, text, TOKEN_TEXT_BYTES);
	longer[20] = ' ';		/* a space in the middle is no space around it */
	assert_false(token_hash(longer, TOKEN_TEXT_BYTES, hash));
	memcpy(longer, text, TOKEN_TEXT_BYTES);
	longer[TOKEN_TEXT_BYTES - 1] = '1';	/* four bits too many */
	assert_false(token_hash(longer, TOKEN_TEXT_BYTES, hash));
	assert_non_null(large = malloc(1 << 20));
	memset(large, 'l', 1 << 20);
	assert_false(token_hash(large, 1 << 20, hash));
	memset(large, ' ', 1 << 20);
	assert_false(token_hash(large, 1 << 20, hash));
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoding), cmocka_unit_test(test_every_bit), cmocka_unit_test(test_roles), cmocka_unit_test(test_unique),
		cmocka_unit_test(test_hash_is_sha256), cmocka_unit_test(test_case_and_spaces), cmocka_unit_test(test_one_character),
		cmocka_unit_test(test_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
