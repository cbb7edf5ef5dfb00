/*
 * Writes the seeds of the CSR fuzz target: small requests of every kind, good and bad, in every clothing.
 *
 *     make_corpus DIR
 */
#include <stdlib.h>
#include <string.h>

#include "csr_maker.h"

static const char *dir;
static unsigned written;

static void
put(const char *name, const void *p, size_t len)
{
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "wb")) == NULL || fwrite(p, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	written++;
}

static struct bytes
request(const struct recipe *r)
{
	struct bytes b;

	make_csr(r, &b);
	return b;
}

static void
put_request(const char *name, const struct recipe *r)
{
	struct bytes b = request(r);

	put(name, b.p, b.len);
}

static void
put_clothes(void)
{
	struct bytes b = request(&(struct recipe){ .key = maker_key(MAKER_P256) });
	char text[4096], *pem;
	size_t len = make_pem("CERTIFICATE REQUEST", &b, &pem);
	int n;

	put("pem", pem, len);
	put("pem-cut", pem, len / 2);
	n = snprintf(text, sizeof(text), "text before\r\n%.*s\r\n", (int)len, pem);
	put("pem-text", text, (size_t)n);
	n = snprintf(text, sizeof(text), "%.*s%.*s", (int)len, pem, (int)len, pem);
	put("pem-twice", text, (size_t)n);
	n = snprintf(text, sizeof(text), "%.*sx", (int)len, pem);
	put("pem-after", text, (size_t)n);
	len = make_pem("NEW CERTIFICATE REQUEST", &b, &pem);
	put("pem-new", pem, len);
	len = make_pem("CERTIFICATE", &b, &pem);
	put("pem-label", pem, len);
	n = EVP_EncodeBlock((unsigned char *)text, b.p, (int)b.len);
	put("base64", text, (size_t)n);
	put("base64-cut", text, (size_t)n - 3);
	put("der-cut", b.p, b.len - 9);
	BYTES_ADD(&b, "\0");
	put("der-after", b.p, b.len);
}

static void
put_keys(void)
{
	static const char *const names[MAKER_KEYS] = { "p256", NULL, "p384", "rsa", NULL };
	char name[64];

	for (int k = 0; k < MAKER_KEYS; k++) {
		struct recipe r = { .key = maker_key((enum maker_key)k) };

		if (names[k] == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%s-sha256", names[k]);
		put_request(name, &r);
		r.signing.md = "SHA512";
		(void)snprintf(name, sizeof(name), "%s-sha512", names[k]);
		put_request(name, &r);
		r.signing.md = "SHA1";
		(void)snprintf(name, sizeof(name), "%s-sha1", names[k]);
		put_request(name, &r);
		r = (struct recipe){ .key = maker_key((enum maker_key)k), .signer = maker_key((enum maker_key)((k + 2) % MAKER_KEYS)) };
		(void)snprintf(name, sizeof(name), "%s-other-signer", names[k]);
		put_request(name, &r);
	}
	put_request("rsa-pss-sha256", &(struct recipe){ .key = maker_key(MAKER_RSA), .signing = { .pss = true, .salt = 32 } });
	put_request("rsa-pss-sha384", &(struct recipe){ .key = maker_key(MAKER_RSA),
	    .signing = { .md = "SHA384", .pss = true, .salt = 0 } });
	put_request("rsa-pss-sha1", &(struct recipe){ .key = maker_key(MAKER_RSA),
	    .signing = { .md = "SHA1", .pss = true, .salt = 20 } });
}

static void
put_spkis(void)
{
	static const char *const names[] = { "P-224", "P-521", "secp256k1" };
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	put_request("p256-compressed", &(struct recipe){ .key = key });
	(void)EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
	put_request("p256-explicit", &(struct recipe){ .key = key });
	EVP_PKEY_free(key);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		key = EVP_EC_gen(names[i]);
		put_request(names[i], &(struct recipe){ .key = key });
		EVP_PKEY_free(key);
	}
	key = EVP_RSA_gen(1024);
	put_request("rsa-1024", &(struct recipe){ .key = key });
	EVP_PKEY_free(key);
}

struct seed_subject {
	const char	*name, *oid;
	uint8_t		 tag;
	const char	*value;
};

static const struct seed_subject subjects[] = {
	{ "subject-full-c", "\x55\x04\x06", 0x13, "DE" },
	{ "subject-c-three", "\x55\x04\x06", 0x13, "DEU" },
	{ "subject-o-utf8", "\x55\x04\x0a", 0x0c, "M\xc3\xbcller" },
	{ "subject-o-bad-utf8", "\x55\x04\x0a", 0x0c, "M\xc3" },
	{ "subject-o-surrogate", "\x55\x04\x0a", 0x0c, "\xed\xa0\x80" },
	{ "subject-o-control", "\x55\x04\x0a", 0x0c, "a\tb" },
	{ "subject-o-teletex", "\x55\x04\x0a", 0x14, "Acme" },
	{ "subject-o-bmp", "\x55\x04\x0a", 0x1e, "AcmeAcme" },
	{ "subject-st", "\x55\x04\x08", 0x0c, "Bayern" },
	{ "subject-l", "\x55\x04\x07", 0x0c, "Ulm" },
	{ "subject-ou", "\x55\x04\x0b", 0x0c, "Line 4" },
	{ "subject-two-cn", "\x55\x04\x03", 0x0c, "device-2" },
	{ "subject-serial", "\x55\x04\x05", 0x13, "12345" },
	{ "subject-email", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 0x16, "a@b.c" },
	{ "subject-unknown", "\x2b\x06\x01\x04\x01\xff\x7f\x01", 0x0c, "x" },
};

static void
put_subjects(void)
{
	struct recipe r = { .key = maker_key(MAKER_P256) };
	struct bytes b;

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		b.len = 0;
		bytes_add_rdn(&b, subjects[i].oid, subjects[i].tag, subjects[i].value);
		bytes_add_rdn(&b, "\x55\x04\x03", 0x0c, "device-1");
		r.subject = &b;
		put_request(subjects[i].name, &r);
	}
	b.len = 0;
	put_request("subject-empty", &r);
	bytes_add_rdn(&b, "\x55\x04\x03", 0x13, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	put_request("subject-registration-code", &r);
	b.len = 0;
	BYTES_ADD(&b, "\x30\x08\x06\x03\x55\x04\x03\x0c\x01x\x30\x08\x06\x03\x55\x04\x0a\x0c\x01y");
	bytes_wrap(&b, 0x31);
	put_request("subject-multi-valued", &r);
}

static void
put_attributes(void)
{
	static const char san[] = "\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04" "a.de";
	static const char ca[] = "\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
	struct recipe r = { .key = maker_key(MAKER_P256), .no_attributes = true };
	struct bytes b = { 0 };

	put_request("attributes-none", &r);
	r.no_attributes = false;
	r.attributes = &b;
	bytes_add_extension_request(&b, san, sizeof(san) - 1);
	put_request("extensions-san", &r);
	bytes_add_extension_request(&b, ca, sizeof(ca) - 1);
	put_request("extensions-two-lists", &r);
	b.len = 0;
	bytes_add_extension_request(&b, ca, sizeof(ca) - 1);
	put_request("extensions-ca", &r);
	b.len = 0;
	BYTES_ADD(&b, "\x30\x12\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x05\x0c\x03" "abc");
	put_request("attributes-challenge", &r);
	b.len = 0;
	for (int depth = 0; depth < 20; depth++)
		bytes_wrap(&b, 0x30);
	put_request("attributes-deep", &r);
}

/* Private keys of nobody, made a moment ago. */
static void
put_private_keys(void)
{
	uint8_t *der = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	struct bytes b = { 0 };
	char *pem;
	int len = i2d_PrivateKey(key, &der);
	size_t n;

	put("key-sec1", der, (size_t)len);
	bytes_add(&b, der, (size_t)len);
	n = make_pem("EC PRIVATE KEY", &b, &pem);
	put("key-pem", pem, n);
	n = make_pem("CERTIFICATE REQUEST", &b, &pem);
	put("key-false-label", pem, n);
	OPENSSL_free(der);
	der = NULL;
	len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	put("key-pkcs8", der, (size_t)len);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(p8);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: make_corpus DIR\n");
		return 2;
	}
	dir = argv[1];
	put_clothes();
	put_keys();
	put_spkis();
	put_subjects();
	put_attributes();
	put_private_keys();
	maker_done();
	(void)printf("%u seeds\n", written);
	return 0;
}
