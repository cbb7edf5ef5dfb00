/* Whose client certificates are believed; they are made by OpenSSL, and by ca/ itself. */
#include "ca_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "ca/trust.h"
#include "ca/verification.h"
#include "cert_maker.h"

enum { DAY_S = 86400, YEAR_S = 365 * DAY_S };

static struct err e;

/* root > middle > device, all valid from a day before now for years. */
static struct world {
	EVP_PKEY	*root_key, *middle_key, *device_key;
	X509		*root, *middle, *other_root;
} world;

static X509 *
make(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *signer, const struct cert_recipe *rest)
{
	struct cert_recipe r = *rest;

	r.cn = cn;
	r.key = key;
	r.issuer = issuer;
	r.signer = signer;
	if (r.not_before_s == 0)
		r.not_before_s = FIXTURE_NOW_S - DAY_S;
	if (r.not_after_s == 0)
		r.not_after_s = FIXTURE_NOW_S + 10 * (int64_t)YEAR_S;
	return make_certificate(&r);
}

static const struct cert_recipe a_ca = { .extensions = CERT_CA_EXTENSIONS };
static const struct cert_recipe a_client = { .extensions = CERT_CLIENT_EXTENSIONS };

static int
world_init(void **state)
{
	(void)state;
	world.root_key = EVP_EC_gen("P-256");
	world.middle_key = EVP_EC_gen("P-384");
	world.device_key = EVP_EC_gen("P-256");
	world.root = make("Factory root", world.root_key, NULL, NULL, &a_ca);
	world.other_root = make("Factory root", world.middle_key, NULL, NULL, &a_ca);	/* of the same name */
	world.middle = make("Factory line CA", world.middle_key, world.root, world.root_key, &a_ca);
	return 0;
}

static int
world_done(void **state)
{
	(void)state;
	EVP_PKEY_free(world.root_key);
	EVP_PKEY_free(world.middle_key);
	EVP_PKEY_free(world.device_key);
	X509_free(world.root);
	X509_free(world.other_root);
	X509_free(world.middle);
	return 0;
}

/* A device of the middle CA. */
static X509 *
make_device(const struct cert_recipe *r)
{
	return make("device-1", world.device_key, world.middle, world.middle_key, r);
}

static struct trust *
trust_of(X509 *a, X509 *b)
{
	X509 *const cas[] = { a, b };
	struct trust *t = NULL;

	must(trust_new(&t, &e), &e);
	for (size_t i = 0; i < 2 && cas[i] != NULL; i++) {
		struct bytes der;

		certificate_der(cas[i], &der);
		must(trust_add(t, der.p, der.len, &e), &e);
	}
	return t;
}

/* What t says of a chain of up to three. */
static enum err_code
judge_at(const struct trust *t, int64_t now_s, X509 *leaf, X509 *second, X509 *third, struct trust_peer *ret)
{
	X509 *const sent[] = { leaf, second, third };
	static struct bytes der[3];
	struct trust_link chain[3];
	enum err_code rc;
	size_t n;

	for (n = 0; n < 3 && sent[n] != NULL; n++) {
		certificate_der(sent[n], &der[n]);
		chain[n] = (struct trust_link){ der[n].p, der[n].len };
	}
	err_clear(&e);
	rc = trust_verify(t, chain, n, now_s, ret, &e);
	assert_int_equal(ERR_peek_error(), 0);
	if (rc != ERR_OK) {
		assert_int_equal(rc, ERR_UNAUTHORIZED);
		assert_int_equal(e.code, rc);
		assert_true(e.client_text[0] != '\0');
	}
	return rc;
}

static enum err_code
judge(const struct trust *t, X509 *leaf, X509 *second, X509 *third)
{
	struct trust_peer p;

	return judge_at(t, FIXTURE_NOW_S, leaf, second, third, &p);
}

static void
assert_refused(enum err_code rc, const char *why)
{
	assert_int_equal(rc, ERR_UNAUTHORIZED);
	if (strstr(e.client_text, why) == NULL)
		fail_msg("not \"%s\" but: %s", why, e.client_text);
}

static void
assert_sha256(X509 *cert, const uint8_t id[32])
{
	struct bytes der;
	uint8_t md[EVP_MAX_MD_SIZE];

	certificate_der(cert, &der);
	assert_int_equal(EVP_Digest(der.p, der.len, md, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(id, md, 32);
}

static void
test_chains(void **state)
{
	X509 *device = make_device(&a_client);
	struct trust *root = trust_of(world.root, NULL), *middle = trust_of(world.middle, NULL);
	struct trust *both = trust_of(world.root, world.middle), *other = trust_of(world.other_root, NULL), *none = trust_of(NULL, NULL);
	struct trust_peer p;

	(void)state;
	must(judge_at(root, FIXTURE_NOW_S, device, world.middle, NULL, &p), &e);
	assert_sha256(device, p.certificate_id);
	assert_sha256(world.root, p.anchor);
	must(judge_at(root, FIXTURE_NOW_S, device, world.root, world.middle, &p), &e);		/* any order */
	must(judge_at(middle, FIXTURE_NOW_S, device, NULL, NULL, &p), &e);
	assert_sha256(world.middle, p.anchor);
	must(judge_at(middle, FIXTURE_NOW_S, device, world.middle, world.root, &p), &e);
	assert_sha256(world.middle, p.anchor);
	must(judge_at(both, FIXTURE_NOW_S, device, NULL, NULL, &p), &e);			/* the nearest, whatever was sent */
	assert_sha256(world.middle, p.anchor);
	must(judge_at(both, FIXTURE_NOW_S, device, world.middle, world.root, &p), &e);
	assert_sha256(world.middle, p.anchor);

	assert_refused(judge(root, device, NULL, NULL), "not from a CA that this server believes");
	assert_refused(judge(none, device, world.middle, world.root), "not from a CA that this server believes");
	assert_refused(judge(other, device, world.middle, world.root), "is not signed by the CA that it names");	/* of the same name */
	assert_refused(judge(other, device, world.middle, NULL), "is not signed by the CA that it names");
	assert_refused(judge(root, NULL, NULL, NULL), "No client certificate");
	trust_free(root);
	trust_free(middle);
	trust_free(both);
	trust_free(other);
	trust_free(none);
	X509_free(device);
}

/* A CA is no device, not even one of the set, which X509_V_FLAG_PARTIAL_CHAIN would take as its own chain. */
static void
test_a_ca_as_leaf(void **state)
{
	X509 *signing = make("Signing CA", world.device_key, world.root, world.root_key, &(struct cert_recipe){ .extensions = {
	    { NID_basic_constraints, "critical,CA:TRUE" }, { NID_key_usage, "critical,digitalSignature,keyCertSign" } } });
	struct trust *t = trust_of(world.root, signing);

	(void)state;
	assert_refused(judge(t, signing, NULL, NULL), "one of a CA");
	assert_refused(judge(t, world.root, NULL, NULL), "one of a CA");
	assert_refused(judge(t, world.middle, NULL, NULL), "one of a CA");
	trust_free(t);
	X509_free(signing);
}

/* Somebody's own CA, sent along with its leaf; and a device that plays CA. */
static void
test_forged_chains(void **state)
{
	EVP_PKEY *forger = EVP_EC_gen("P-256");
	X509 *false_middle = make("Factory line CA", forger, NULL, NULL, &a_ca);
	X509 *own_middle = make("Factory line CA", forger, world.root, forger, &a_ca);	/* names the root, signed by itself */
	X509 *device = make_device(&a_client), *leaf, *below;
	struct trust *root = trust_of(world.root, NULL), *middle = trust_of(world.middle, NULL);

	(void)state;
	leaf = make("device-1", world.device_key, false_middle, forger, &a_client);
	assert_refused(judge(root, leaf, false_middle, NULL), "not from a CA that this server believes");
	assert_refused(judge(root, leaf, false_middle, world.middle), "not");
	assert_refused(judge(root, leaf, own_middle, NULL), "is not signed by the CA that it names");
	assert_refused(judge(middle, leaf, NULL, NULL), "is not signed by the CA that it names");
	below = make("device-2", forger, device, world.device_key, &a_client);
	assert_refused(judge(root, below, device, world.middle), "not accepted: invalid CA certificate");
	X509_free(leaf);
	X509_free(below);
	X509_free(device);
	X509_free(own_middle);
	X509_free(false_middle);
	EVP_PKEY_free(forger);
	trust_free(root);
	trust_free(middle);
}

static void
test_times(void **state)
{
	const int64_t from = FIXTURE_NOW_S - DAY_S, to = FIXTURE_NOW_S + DAY_S;
	X509 *device = make_device(&(struct cert_recipe){ .not_before_s = from, .not_after_s = to, .extensions = CERT_CLIENT_EXTENSIONS });
	X509 *forever = make_device(&(struct cert_recipe){ .not_after_s = INT64_C(253402300799), .extensions = CERT_CLIENT_EXTENSIONS });
	X509 *short_middle = make("Factory line CA", world.middle_key, world.root, world.root_key,
	    &(struct cert_recipe){ .not_before_s = from, .not_after_s = to, .extensions = CERT_CA_EXTENSIONS });
	struct trust *t = trust_of(world.root, NULL), *anchor = trust_of(short_middle, NULL);
	struct trust_peer p;

	(void)state;
	must(judge_at(t, from + 1, device, world.middle, NULL, &p), &e);
	must(judge_at(t, to - 1, device, world.middle, NULL, &p), &e);		/* OpenSSL counts the second of notAfter as over */
	assert_int_equal(p.not_after_s, to);
	assert_refused(judge_at(t, to + 1, device, world.middle, NULL, &p), "The client certificate has expired (at 2026-11-19T");
	assert_refused(judge_at(t, from - 2, device, short_middle, NULL, &p), "is not valid yet (from 2026-11-17T");
	must(judge_at(t, FIXTURE_NOW_S, forever, short_middle, NULL, &p), &e);
	assert_int_equal(p.not_after_s, INT64_C(253402300799));
	assert_refused(judge_at(t, to + 1, forever, short_middle, NULL, &p), "A CA certificate above the client certificate has expired");
	must(judge_at(anchor, to - 1, forever, NULL, NULL, &p), &e);
	assert_refused(judge_at(anchor, to + 1, forever, NULL, NULL, &p), "A CA certificate above the client certificate has expired");
	trust_free(t);
	trust_free(anchor);
	X509_free(device);
	X509_free(forever);
	X509_free(short_middle);
}

static void
test_purposes(void **state)
{
	static const struct { struct cert_recipe r; const char *refused; } kinds[] = {
		{ { .extensions = { { NID_basic_constraints, "CA:FALSE" } } }, NULL },			/* no usages named: any */
		{ { .extensions = { { NID_ext_key_usage, "clientAuth,serverAuth" } } }, NULL },
		{ { .extensions = { { NID_subject_alt_name, "critical,otherName:1.3.6.1.5.5.7.8.4;UTF8:x" } } }, NULL },	/* IEEE 802.1AR */
		{ { .extensions = { { NID_ext_key_usage, "serverAuth" } } }, "not for TLS clients" },
		{ { .extensions = { { NID_ext_key_usage, "codeSigning" } } }, "not for TLS clients" },
		{ { .extensions = { { NID_key_usage, "critical,keyEncipherment" } } }, "not for TLS clients" },
		{ { .extensions = { { NID_policy_constraints, "critical,requireExplicitPolicy:0" } } }, NULL },
		{ { .extensions = { { NID_name_constraints, "critical,permitted;DNS:x.example" } } }, NULL },
	};
	struct trust *t = trust_of(world.middle, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		X509 *device = make_device(&kinds[i].r);

		if (kinds[i].refused == NULL)
			must(judge(t, device, NULL, NULL), &e);
		else
			assert_refused(judge(t, device, NULL, NULL), kinds[i].refused);
		X509_free(device);
	}
	trust_free(t);
}

static void
test_weak(void **state)
{
	EVP_PKEY *small = EVP_RSA_gen(1024);
	X509 *sha1 = make_device(&(struct cert_recipe){ .md = "SHA1", .extensions = CERT_CLIENT_EXTENSIONS });
	X509 *small_key = make("device-1", small, world.middle, world.middle_key, &a_client);
	X509 *small_ca = make("Small CA", small, world.root, world.root_key, &a_ca);
	X509 *of_small_ca = make("device-1", world.device_key, small_ca, small, &a_client);
	struct trust *t = trust_of(world.root, NULL);

	(void)state;
	assert_refused(judge(t, sha1, world.middle, NULL), "too weak");
	assert_refused(judge(t, small_key, world.middle, NULL), "too weak");
	assert_refused(judge(t, of_small_ca, small_ca, NULL), "too weak");
	trust_free(t);
	X509_free(sha1);
	X509_free(small_key);
	X509_free(small_ca);
	X509_free(of_small_ca);
	EVP_PKEY_free(small);
}

static void
add_name(X509 *x, const char *type, int encoding, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), type, encoding, (const unsigned char *)value, -1, -1, 0), 1);
}

static void edit_second_cn(X509 *x) { add_name(x, "CN", MBSTRING_ASC, "device-2"); }
static void edit_serial(X509 *x) { add_name(x, "serialNumber", MBSTRING_ASC, "SN00042"); }
static void edit_two_serials(X509 *x) { edit_serial(x); edit_serial(x); }
static void edit_long_o(X509 *x)
{
	for (int i = 0; i < 4; i++)
		add_name(x, "O", MBSTRING_UTF8, "A name of sixty-four characters, so that the log's room is used.");
}

static void
test_peer(void **state)
{
	static const struct { const char *cn; void (*edit)(X509 *); const char *common_name, *serial_number, *name; } kinds[] = {
		{ "device-1", NULL, "device-1", "", "CN=device-1" },
		{ "device-1", edit_serial, "device-1", "SN00042", "serialNumber=SN00042,CN=device-1" },
		{ NULL, edit_serial, "", "SN00042", "serialNumber=SN00042" },
		{ "device-1", edit_two_serials, "device-1", "", "serialNumber=SN00042,serialNumber=SN00042,CN=device-1" },
		{ "device-1", edit_second_cn, "", "", "CN=device-2,CN=device-1" },
		{ "Motor 7", edit_serial, "", "SN00042", "serialNumber=SN00042,CN=Motor 7" },
		{ "m\xc3\xbcller", NULL, "", "", "CN=m\\C3\\BCller" },
		{ "a\nb", NULL, "", "", "CN=a\\0Ab" },
		{ NULL, NULL, "", "", "" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL, "", "",
		    "CN=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "device-1", edit_long_o, "device-1", "", "O=A name of sixty-four characters\\, so that the log's room is used.,"
		    "O=A name of sixty-four characters\\, so that the log's room " },
	};
	struct trust *t = trust_of(world.middle, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		X509 *device = make(kinds[i].cn, world.device_key, world.middle, world.middle_key,
		    &(struct cert_recipe){ .extensions = CERT_CLIENT_EXTENSIONS, .edit = kinds[i].edit });
		struct trust_peer p;

		must(judge_at(t, FIXTURE_NOW_S, device, NULL, NULL, &p), &e);
		assert_string_equal(p.common_name, kinds[i].common_name);
		assert_string_equal(p.serial_number, kinds[i].serial_number);
		assert_string_equal(p.name, kinds[i].name);
		X509_free(device);
	}
	trust_free(t);
}

/* The certificates that this folder issues: a device's, and the proof of a CA for AWS, whose CN is no device id. */
static void
test_our_own(void **state)
{
	static const char code[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct trust *t = NULL;
	struct trust_link link;
	struct trust_peer p;
	struct issued *i = NULL;
	struct bytes csr;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	must(trust_new(&t, &e), &e);
	must(trust_add(t, f.issuer->cert, f.issuer->cert_len, &e), &e);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &csr);
	must(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), &f.e);
	link.der = issued_der(i, &link.len);
	must(trust_verify(t, &link, 1, FIXTURE_NOW_S, &p, &e), &e);
	assert_string_equal(p.common_name, "device-1");
	assert_memory_equal(p.certificate_id, issued_certificate_id(i), CERTIFICATE_ID_BYTES);
	assert_memory_equal(p.anchor, issuer_facts(f.issuer)->fingerprint, sizeof(p.anchor));
	assert_int_equal(p.not_after_s, issued_not_after_s(i));
	issued_free(i);
	i = NULL;
	must(verification_issue(f.issuer, code, &f.serials, &f.clock, &i, &e), &e);
	link.der = issued_der(i, &link.len);
	must(trust_verify(t, &link, 1, FIXTURE_NOW_S, &p, &e), &e);
	assert_string_equal(p.common_name, "");
	issued_free(i);
	trust_free(t);
	fixture_done(&f);
}

/* A CA that was followed by another of the same name: the authorityKeyIdentifier tells whose a device is. */
static void
test_two_of_one_name(void **state)
{
	struct fixture f[2];
	struct trust *t = NULL;
	struct bytes csr;

	(void)state;
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &csr);
	must(trust_new(&t, &e), &e);
	for (int i = 0; i < 2; i++) {
		fixture_init(&f[i], CA_KEY_P256);
		must(trust_add(t, f[i].issuer->cert, f[i].issuer->cert_len, &e), &e);
	}
	for (int i = 0; i < 2; i++) {
		struct issued *issued = NULL;
		struct trust_link link;
		struct trust_peer p;

		must(fixture_issue(&f[i], &profile_default, csr.p, csr.len, &issued), &f[i].e);
		link.der = issued_der(issued, &link.len);
		must(trust_verify(t, &link, 1, FIXTURE_NOW_S, &p, &e), &e);
		assert_memory_equal(p.anchor, issuer_facts(f[i].issuer)->fingerprint, sizeof(p.anchor));
		issued_free(issued);
	}
	trust_free(t);
	fixture_done(&f[0]);
	fixture_done(&f[1]);
}

static void
test_broken_der(void **state)
{
	X509 *device = make_device(&a_client);
	struct trust *t = trust_of(world.root, NULL);
	struct bytes leaf, middle, longer;
	struct trust_peer p, before;
	struct trust_link chain[LIMIT_CHAIN_LINKS + 2];

	(void)state;
	certificate_der(device, &leaf);
	certificate_der(world.middle, &middle);
	memset(&p, 0x5a, sizeof(p));
	before = p;
	for (size_t len = 0; len < leaf.len; len++) {
		chain[0] = (struct trust_link){ leaf.p, len };
		chain[1] = (struct trust_link){ middle.p, middle.len };
		assert_refused(trust_verify(t, chain, 2, FIXTURE_NOW_S, &p, &e), "cannot be read");
		assert_int_equal(ERR_peek_error(), 0);
	}
	longer = leaf;
	BYTES_ADD(&longer, "\0");
	chain[0] = (struct trust_link){ longer.p, longer.len };
	assert_refused(trust_verify(t, chain, 2, FIXTURE_NOW_S, &p, &e), "cannot be read");
	assert_memory_equal(&p, &before, sizeof(p));		/* written on success only */

	/* what is beside the leaf and cannot be read is as if it were not there */
	chain[0] = (struct trust_link){ leaf.p, leaf.len };
	chain[1] = (struct trust_link){ middle.p, middle.len - 1 };
	assert_refused(trust_verify(t, chain, 2, FIXTURE_NOW_S, &p, &e), "believes");
	chain[2] = (struct trust_link){ middle.p, middle.len };
	must(trust_verify(t, chain, 3, FIXTURE_NOW_S, &p, &e), &e);

	/* the last that is looked at, and the first that is not */
	for (size_t i = 1; i < LIMIT_CHAIN_LINKS + 2; i++)
		chain[i] = (struct trust_link){ leaf.p, leaf.len };
	chain[LIMIT_CHAIN_LINKS - 1] = (struct trust_link){ middle.p, middle.len };
	must(trust_verify(t, chain, LIMIT_CHAIN_LINKS + 2, FIXTURE_NOW_S, &p, &e), &e);
	chain[LIMIT_CHAIN_LINKS - 1] = chain[0];
	chain[LIMIT_CHAIN_LINKS] = (struct trust_link){ middle.p, middle.len };
	assert_refused(trust_verify(t, chain, LIMIT_CHAIN_LINKS + 2, FIXTURE_NOW_S, &p, &e), "believes");
	trust_free(t);
	X509_free(device);
}

static void
test_add(void **state)
{
	X509 *device = make_device(&a_client);
	X509 *no_sign = make("No signer", world.device_key, NULL, NULL, &(struct cert_recipe){ .extensions = {
	    { NID_basic_constraints, "critical,CA:TRUE" }, { NID_key_usage, "critical,digitalSignature" } } });
	X509 *bare = make("Bare", world.device_key, NULL, NULL, &(struct cert_recipe){ .cn = NULL });
	X509 *const refused[] = { device, no_sign, bare };
	struct trust *t = trust_of(world.root, world.root);	/* twice is once */
	struct bytes der;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		certificate_der(refused[i], &der);
		assert_int_equal(trust_add(t, der.p, der.len, &e), ERR_CONFIG);
		assert_non_null(strstr(e.log_text, "no CA's certificate"));
		assert_refused(judge(t, refused[i], NULL, NULL), "");
	}
	assert_int_equal(trust_add(t, der.p, der.len - 1, &e), ERR_CONFIG);
	assert_int_equal(trust_add(t, der.p, 0, &e), ERR_CONFIG);
	assert_int_equal(ERR_peek_error(), 0);
	trust_free(t);
	X509_free(device);
	X509_free(no_sign);
	X509_free(bare);
}

static size_t
add_pem(char *out, size_t len, const char *label, X509 *cert)
{
	struct bytes der;
	size_t n;
	char *pem;

	certificate_der(cert, &der);
	n = make_pem(label, &der, &pem);
	memcpy(out + len, pem, n);
	return len + n;
}

static void
test_add_pem(void **state)
{
	static char text[16 * 1024];
	X509 *device = make_device(&a_client), *of_root = make("device-2", world.device_key, world.root, world.root_key, &a_client);
	struct trust *t = NULL;
	size_t len = 0, two;

	(void)state;
	must(trust_new(&t, &e), &e);
	assert_int_equal(trust_add_pem(t, "", 0, &e), ERR_CONFIG);
	assert_int_equal(trust_add_pem(t, "no certificate\n", 15, &e), ERR_CONFIG);
	len = add_pem(text, len, "X509 CRL", world.root);		/* another thing, passed over */
	assert_int_equal(trust_add_pem(t, text, len, &e), ERR_CONFIG);
	assert_refused(judge(t, of_root, NULL, NULL), "believes");
	len += (size_t)snprintf(text + len, 64, "# the root\r\n");
	len = add_pem(text, len, "CERTIFICATE", world.root);
	len += (size_t)snprintf(text + len, 64, "\n\n# the line\n");
	two = len = add_pem(text, len, "CERTIFICATE", world.middle);
	must(trust_add_pem(t, text, len, &e), &e);
	must(judge(t, device, NULL, NULL), &e);
	must(judge(t, of_root, NULL, NULL), &e);

	len = add_pem(text, two, "CERTIFICATE", device);
	assert_int_equal(trust_add_pem(t, text, len, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "CN=device-1"));
	assert_int_equal(trust_add_pem(t, text, two - 30, &e), ERR_CONFIG);	/* cut off */
	text[two - 100] = '!';
	assert_int_equal(trust_add_pem(t, text, two, &e), ERR_CONFIG);
	assert_int_equal(ERR_peek_error(), 0);
	trust_free(t);
	X509_free(device);
	X509_free(of_root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_a_ca_as_leaf),
		cmocka_unit_test(test_forged_chains),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_purposes),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_our_own),
		cmocka_unit_test(test_two_of_one_name),
		cmocka_unit_test(test_broken_der),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_add_pem),
	};
	int rc = cmocka_run_group_tests(tests, world_init, world_done);

	maker_done();
	return rc;
}
