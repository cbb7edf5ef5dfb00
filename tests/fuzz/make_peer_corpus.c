/*
 * Writes the seeds of the fuzz target for clients' certificates.
 *
 *     make_peer_corpus DIR
 */
#include <stdlib.h>
#include <string.h>

#include "cert_maker.h"

enum { NOW_S = 1795000000, DAY_S = 86400 };

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

/* As the recipe says, of CN=device-1 and the P-256 key unless it says otherwise, valid for long. */
static void
put_certificate(const char *name, const struct cert_recipe *recipe)
{
	struct cert_recipe r = *recipe;
	struct bytes der;
	X509 *x;

	if (r.key == NULL)
		r.key = maker_key(MAKER_P256);
	if (r.not_before_s == 0)
		r.not_before_s = NOW_S - DAY_S;
	if (r.not_after_s == 0)
		r.not_after_s = INT64_C(253402300799);
	x = make_certificate(&r);
	certificate_der(x, &der);
	put(name, der.p, der.len);
	if (strcmp(name, "client") == 0) {
		put("client-cut", der.p, der.len / 2);
		BYTES_ADD(&der, "\0");
		put("client-after", der.p, der.len);
	}
	X509_free(x);
}

static void
add_name(X509 *x, const char *type, const char *value)
{
	if (X509_NAME_add_entry_by_txt(X509_get_subject_name(x), type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) != 1)
		exit(1);
}

static void edit_full(X509 *x)
{
	add_name(x, "C", "DE");
	add_name(x, "ST", "Bayern");
	add_name(x, "O", "M\xc3\xbcller");
	add_name(x, "OU", "Line 4");
}

static void edit_serial(X509 *x) { add_name(x, "serialNumber", "SN00042"); }
static void edit_second_cn(X509 *x) { add_name(x, "CN", "device-2"); }
static void edit_v1(X509 *x) { (void)X509_set_version(x, X509_VERSION_1); }

int
main(int argc, char **argv)
{
	static const struct { const char *name; struct cert_recipe r; } seeds[] = {
		{ "client", { .cn = "device-1", .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "full", { .cn = "device-1", .extensions = CERT_CLIENT_EXTENSIONS, .edit = edit_full } },
		{ "idevid", { .extensions = { { NID_subject_alt_name, "otherName:1.3.6.1.5.5.7.8.4;UTF8:x" } }, .edit = edit_serial } },
		{ "two-cn", { .cn = "device-1", .extensions = CERT_CLIENT_EXTENSIONS, .edit = edit_second_cn } },
		{ "no-subject", { .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "utf8", { .cn = "m\xc3\xbcller", .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "control", { .cn = "a\nb", .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "san", { .cn = "device-1", .extensions = { { NID_subject_alt_name, "DNS:a.de,IP:10.0.0.1,email:a@b.de,URI:urn:x" } } } },
		{ "san-critical", { .extensions = { { NID_subject_alt_name, "critical,RID:1.2.3.4" } } } },
		{ "server", { .cn = "line4", .extensions = { { NID_ext_key_usage, "serverAuth" } } } },
		{ "ca", { .cn = "device-1", .extensions = CERT_CA_EXTENSIONS } },
		{ "over", { .cn = "device-1", .not_after_s = NOW_S - 1, .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "not-yet", { .cn = "device-1", .not_before_s = NOW_S + 1, .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "constraints", { .cn = "device-1", .extensions = { { NID_name_constraints, "critical,permitted;DNS:x.de" },
		    { NID_policy_constraints, "requireExplicitPolicy:0" } } } },
		{ "sha1", { .cn = "device-1", .md = "SHA1", .extensions = CERT_CLIENT_EXTENSIONS } },
		{ "v1", { .cn = "device-1", .edit = edit_v1 } },
	};

	if (argc != 2) {
		(void)fprintf(stderr, "usage: make_peer_corpus DIR\n");
		return 2;
	}
	dir = argv[1];
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		put_certificate(seeds[i].name, &seeds[i].r);
	put_certificate("p384", &(struct cert_recipe){ .cn = "device-1", .key = maker_key(MAKER_P384),
	    .extensions = CERT_CLIENT_EXTENSIONS });
	put_certificate("rsa", &(struct cert_recipe){ .cn = "device-1", .key = maker_key(MAKER_RSA),
	    .extensions = CERT_CLIENT_EXTENSIONS });
	maker_done();
	(void)printf("%u seeds\n", written);
	return 0;
}
