/* Credentials in a request's head, as clients, browsers and attackers write them. */
#include "cmocka_test.h"

#include <stdio.h>
#include <string.h>

#include "access/credential.h"
#include "base/base64.h"

/* ---- Authorization */

static void
expect(const char *header, const char *token)
{
	char out[CREDENTIAL_BYTES];

	memset(out, 'z', sizeof(out));
	if (!credential_of_header(header, out))
		fail_msg("\"%s\" was refused", header);
	assert_string_equal(out, token);
}

static void
refuse(const char *header)
{
	char out[CREDENTIAL_BYTES] = "";

	if (credential_of_header(header, out))
		fail_msg("\"%s\" gave \"%s\"", header, out);
}

/* "Basic " and the base64 of these bytes, which may hold NULs.  A static buffer. */
static const char *
basic_bytes(const void *pair, size_t len)
{
	static char header[2048];
	char *p;

	assert_true(base64_bytes(len, BASE64_ONE_LINE) + 8 < sizeof(header));
	(void)snprintf(header, sizeof(header), "Basic ");
	p = base64_put(header + 6, pair, len, BASE64_ONE_LINE);
	p[-1] = '\0';	/* the line feed */
	return header;
}

static const char *
basic(const char *pair)
{
	return basic_bytes(pair, strlen(pair));
}

static void
test_bearer(void **state)
{
	(void)state;
	expect("Bearer lnca1abc", "lnca1abc");
	/* RFC 9110 11.1: the scheme in any case, one space or more */
	expect("bearer lnca1abc", "lnca1abc");
	expect("BEARER    lnca1abc", "lnca1abc");
	expect("Bearer a=b:c/d+e~f.g", "a=b:c/d+e~f.g");
	refuse("Bearer");
	refuse("Bearerlnca1abc");
	refuse(" Bearer lnca1abc");
	refuse("Bearer\tlnca1abc");
	refuse("lnca1abc");
	refuse("");
	refuse(" ");
}

static void
test_basic(void **state)
{
	(void)state;
	/* RFC 7617 2 */
	expect("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open sesame");
	expect("bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open sesame");
	/* whatever the user's name is, also none */
	expect(basic("estuser:lnca1abc"), "lnca1abc");
	expect(basic(":lnca1abc"), "lnca1abc");
	/* the name ends at the first colon, the password has the others */
	expect(basic("a:b:c"), "b:c");
	expect(basic("a::"), ":");
	/* each length of padding; and left out, as some firmware does */
	expect(basic("u:1"), "1");
	expect(basic("u:12"), "12");
	expect(basic("u:123"), "123");
	expect("Basic dTox", "1");
	expect("Basic dToxMg", "12");
	expect("Basic dToxMjM", "123");
	refuse("Basic");
	refuse("Basic ");
	refuse("BasicdTox");
	refuse("Basic\tdTox");
	refuse(basic("nocolon"));
	refuse("Basic u:1");
	refuse("Basic dTox dTox");
	refuse("Basic dT ox");
	refuse("Basic dTox,");
	refuse("Basic dT=ox");
	refuse("Basic dTo_");
	refuse("Basic \xc3\xa4");
}

static void
test_other_schemes(void **state)
{
	(void)state;
	refuse("Digest username=\"u\", realm=\"lineca\", response=\"00\"");
	refuse("Negotiate dTox");
	refuse("Token lnca1abc");
	refuse("BearerX lnca1abc");
	refuse("Basic2 dTox");
}

/* A NUL would end the text early: "token\0more" is not the token. */
static void
test_embedded_nul(void **state)
{
	(void)state;
	refuse(basic_bytes("u:lnca1abc\0", 11));
	refuse(basic_bytes("u:lnca1abc\0more", 15));
	refuse(basic_bytes("u\0:lnca1abc", 11));
	refuse(basic_bytes("\0u:lnca1abc", 11));
	refuse(basic_bytes("u:\0", 3));
	refuse(basic_bytes("\0", 1));
}

/* The longest that fits is given whole, one character more is refused, never cut: a cut token could be another's. */
static void
test_too_long(void **state)
{
	char header[CREDENTIAL_BYTES * 4 + 16], text[CREDENTIAL_BYTES * 4];

	(void)state;
	for (size_t len = CREDENTIAL_BYTES - 3; len < CREDENTIAL_BYTES + 3; len++) {
		memset(text, 'a', len);
		text[len] = '\0';
		(void)snprintf(header, sizeof(header), "Bearer %s", text);
		if (len < CREDENTIAL_BYTES)
			expect(header, text);
		else
			refuse(header);
		text[0] = ':';
		if (len < CREDENTIAL_BYTES)
			expect(basic(text), text + 1);
		else
			refuse(basic(text));
	}
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)snprintf(header, sizeof(header), "Bearer %s", text);
	refuse(header);
	memset(text, ' ', sizeof(text) - 1);
	(void)snprintf(header, sizeof(header), "Bearer %slnca1abc", text);
	expect(header, "lnca1abc");
}

/* ---- Cookie */

#define NAME "lineca_session"

static void
expect_cookie(const char *header, const char *value)
{
	size_t len = 4711;
	const char *p = credential_cookie(header, NAME, &len);

	if (p == NULL)
		fail_msg("\"%s\": none", header);
	assert_true(p >= header && p + len <= header + strlen(header));
	assert_int_equal(len, strlen(value));
	assert_memory_equal(p, value, len);
}

static void
refuse_cookie(const char *header)
{
	size_t len = 4711;

	if (credential_cookie(header, NAME, &len) != NULL)
		fail_msg("\"%s\" had one", header);
	assert_int_equal(len, 4711);	/* written only on success */
}

static void
test_cookie(void **state)
{
	(void)state;
	expect_cookie(NAME "=abc", "abc");
	expect_cookie(NAME "=abc; theme=dark", "abc");
	expect_cookie("theme=dark; " NAME "=abc", "abc");
	expect_cookie("a=1; b=2; " NAME "=abc; c=3", "abc");
	/* browsers send "; ", others may not */
	expect_cookie("a=1;" NAME "=abc;c=3", "abc");
	expect_cookie("a=1;  \t" NAME "=abc \t; c=3", "abc");
	expect_cookie(";; " NAME "=abc;", "abc");
	expect_cookie(NAME "=", "");
	expect_cookie(NAME "=; a=1", "");
	expect_cookie(NAME "=a=b==", "a=b==");
	/* a cookie without a value, or without a name */
	expect_cookie("flag; " NAME "=abc", "abc");
	expect_cookie("=1; " NAME "=abc", "abc");
	refuse_cookie("");
	refuse_cookie("; ; ;");
	refuse_cookie("theme=dark");
	refuse_cookie(NAME);
	refuse_cookie(NAME "; a=1");
}

static void
test_cookie_similar(void **state)
{
	(void)state;
	refuse_cookie("x" NAME "=abc");
	refuse_cookie(NAME "x=abc");
	refuse_cookie(NAME "_old=abc");
	refuse_cookie("LINECA_SESSION=abc");	/* names of cookies are of one case */
	refuse_cookie("lineca_sessio=abc");
	refuse_cookie("lineca=" NAME "=abc");
	refuse_cookie("a=" NAME "=abc; b=2");
	refuse_cookie("a=b " NAME "=abc");
	refuse_cookie("a=\t" NAME "=abc");
	expect_cookie("x" NAME "=1; " NAME "x=2; " NAME "=3", "3");
	expect_cookie(NAME "x=1; a=" NAME "=2; " NAME "=3", "3");
}

/* Of several the first: browsers send the one of the longer path, and of these the older, first (RFC 6265 5.4). */
static void
test_cookie_several(void **state)
{
	(void)state;
	expect_cookie(NAME "=1; " NAME "=2", "1");
	expect_cookie(NAME "=; " NAME "=2", "");
	expect_cookie("a=0; " NAME "=1; b=5; " NAME "=2", "1");
}

/* ---- Origin and Host */

static void
test_origin(void **state)
{
	(void)state;
	assert_true(credential_origin_is("https://line1:8443", "line1:8443"));
	assert_true(credential_origin_is("http://127.0.0.1:8080", "127.0.0.1:8080"));
	assert_true(credential_origin_is("http://[::1]:8080", "[::1]:8080"));
	assert_true(credential_origin_is("http://line1", "line1"));
	assert_true(credential_origin_is("https://Line1.Plant:8443", "line1.plant:8443"));	/* hosts have no case */
	assert_false(credential_origin_is("https://line1:8443", NULL));
	assert_false(credential_origin_is("https://line1:8443", ""));
	assert_false(credential_origin_is("https://line1:8443", "line1"));
	assert_false(credential_origin_is("https://line1:8443", "line1:8444"));
	assert_false(credential_origin_is("https://line1:8443", "line1:84430"));
	assert_false(credential_origin_is("https://line1:84430", "line1:8443"));
	assert_false(credential_origin_is("https://line1:8443.evil.example", "line1:8443"));
	assert_false(credential_origin_is("https://evil.example", "line1:8443"));
	assert_false(credential_origin_is("https://evil.example/://line1:8443", "line1:8443"));
	assert_false(credential_origin_is("https://evil.line1:8443", "line1:8443"));
	assert_false(credential_origin_is("https://line1:8443/", "line1:8443"));
	assert_false(credential_origin_is("https://user@line1:8443", "line1:8443"));
	assert_false(credential_origin_is("null", "null"));
	assert_false(credential_origin_is("line1:8443", "line1:8443"));
	assert_false(credential_origin_is("", ""));
	assert_false(credential_origin_is("", NULL));
}

static void
test_host_near(void **state)
{
	static const char *const near[] = {
		"127.0.0.1", "127.0.0.1:8080", "10.1.2.3:8443", "[::1]", "[::1]:8080", "[fe80::1]:80", "localhost", "localhost:8080",
		"LOCALHOST:8080", "localhost.", "localhost.:8080", "page.localhost", "page.LocalHost:8080", "page.localhost.:8080", "line1",
		"line1:8080", "line1.", "127.0.0.1.", "", ":8080"
	};

	(void)state;
	assert_false(credential_host_is_foreign(NULL));
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (credential_host_is_foreign(near[i]))
			fail_msg("%s is foreign", near[i]);
}

/* Names that somebody can own and lead to this machine. */
static void
test_host_foreign(void **state)
{
	static const char *const foreign[] = {
		"evil.example", "evil.example:8080", "evil.example.", "evil.example.:8080", "EVIL.EXAMPLE", "127.0.0.1.evil.example",
		"127.0.0.1.evil.example:8080", "1.2.3.4x:80", "localhost.evil.example", "localhost.evil.example:8080",
		"LocalHost.evil.example", "page.localhost.evil.example", "evillocalhost.example", "xlocalhost.x", "a.b"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (!credential_host_is_foreign(foreign[i]))
			fail_msg("%s is not foreign", foreign[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bearer), cmocka_unit_test(test_basic), cmocka_unit_test(test_other_schemes),
		cmocka_unit_test(test_embedded_nul), cmocka_unit_test(test_too_long), cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_cookie_similar), cmocka_unit_test(test_cookie_several), cmocka_unit_test(test_origin),
		cmocka_unit_test(test_host_near), cmocka_unit_test(test_host_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
