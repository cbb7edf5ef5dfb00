/* The page's texts by language: which one a browser gets, and what is put where a {name} stands. */
#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "i18n.h"

static const char *
tag_for(const char *accept_language)
{
	static char tag[16];
	struct i18n w = { 0 };
	struct err e;

	assert_int_equal(i18n_open(accept_language, &w, &e), ERR_OK);
	(void)snprintf(tag, sizeof(tag), "%s", w.tag);
	i18n_close(&w);
	return tag;
}

static void
test_language(void **state)
{
	static const struct { const char *header, *tag; } cases[] = {
		{ NULL, "en" }, { "", "en" }, { "de", "de" }, { "de-AT", "de" }, { "DE-at", "de" }, { "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans" },
		{ "fr, es;q=0.5", "es" }, { "fr;q=1, es;q=0.1, vi;q=0.2", "vi" }, { "es, de", "es" }, { "de;q=0.8, es;q=0.8", "de" },
		{ "es ; q=0.3 , de ; q=0.4", "de" }, { "de;q=0, es;q=0.001", "es" }, { "de;q=0", "en" }, { "*", "en" }, { "fr", "en" },
		{ "deu", "en" }, { "d", "en" }, { "de_AT", "en" }, { ",,, ,de", "de" }, { "de;q=nan, es", "es" }, { "de;q=-1, es;q=0.1", "es" },
		{ "de;q=7, es;q=0.1", "es" }, { "<b>", "en" }, { "../../etc/passwd", "en" }, { "__proto__", "en" }, { ";;;=,=;q=", "en" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(tag_for(cases[i].header), cases[i].tag);
}

static char *
filled(const char *text)
{
	const struct i18n_value values[] = { { "n", "3" }, { "name", "<b>&\"'" }, { "empty", "" } };
	struct buf b = { 0 };
	size_t len;

	i18n_fill(&b, text, values, 3);
	return buf_take(&b, &len);
}

/* Values are put in once, never read as texts again; nothing of a value or a text is markup. */
static void
test_fill(void **state)
{
	static const struct { const char *text, *html; } cases[] = {
		{ "plain", "plain" }, { "{n}", "3" }, { "a {n} b {n}", "a 3 b 3" }, { "{name}", "&lt;b&gt;&amp;&quot;&#39;" }, { "<i>{n}</i>", "&lt;i&gt;3&lt;/i&gt;" },
		{ "{empty}x", "x" }, { "{other} {n}", "{other} 3" }, { "{", "{" }, { "{n", "{n" }, { "{}", "{}" }, { "{{n}}", "{3}" }, { "}n{", "}n{" }, { "ä {n} 中", "ä 3 中" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *html = filled(cases[i].text);

		/* nothing at all leaves no buffer */
		assert_string_equal(html != NULL ? html : "", cases[i].html);
		free(html);
	}
}

static void
test_texts(void **state)
{
	struct i18n w = { 0 };
	const char *text = "unchanged";
	struct err e;

	(void)state;
	assert_int_equal(i18n_open("de", &w, &e), ERR_OK);
	assert_string_equal(i18n_text(&w, "state.issuing"), "Stellt aus");
	assert_string_equal(i18n_text(&w, "no such key"), "no such key");
	assert_true(i18n_find(&w, "state", "issuing", "", &text));
	assert_string_equal(text, "Stellt aus");
	assert_true(i18n_find(&w, "code", "busy", "do", &text));
	text = "unchanged";
	assert_false(i18n_find(&w, "code", "none", "do", &text));
	assert_false(i18n_find(&w, "code", "a name that is much longer than any key of the page's texts can ever be, whoever sends it to us here", "do", &text));
	assert_string_equal(text, "unchanged");
	i18n_close(&w);
	i18n_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
