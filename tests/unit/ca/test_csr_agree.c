/*
 * The fast path and the plain OpenSSL path must agree: accepted alike, the same subject, the same key; over many
 * thousand changed requests, signed anew after most changes, so that more than the signature is tested.
 *
 *     test_csr_agree [ROUNDS [SEED]]
 */
#include "ca_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "der_tree.h"
#include "oracle.h"

static struct fixture f;
static unsigned rounds = 10000;		/* of P-256; a third for P-384, two thirds for RSA */
static uint64_t seed = 20261120;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;		/* xorshift64 */
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 24) % below;
}

/* --- requests to begin with --- */

static void
random_subject(struct bytes *b)
{
	static const char *const oids[] = { "\x55\x04\x06", "\x55\x04\x08", "\x55\x04\x07", "\x55\x04\x0a", "\x55\x04\x0b" };
	static const char *const values[] = { "DE", "Bayern", "Gr\xc3\xbcn", "Acme & Co", "Line 4", "x" };
	bool cn_first = rnd(2) == 0;

	b->len = 0;
	if (cn_first)
		bytes_add_rdn(b, "\x55\x04\x03", rnd(2) ? 0x0c : 0x13, "device-0001:A");
	for (size_t i = 0; i < 5; i++)
		if (rnd(2) == 0)
			bytes_add_rdn(b, oids[i], 0x0c, i == 0 ? "DE" : values[rnd(6)]);
	if (!cn_first)
		bytes_add_rdn(b, "\x55\x04\x03", 0x0c, rnd(8) ? "device-0002" :
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}

static void
random_attributes(struct bytes *b)
{
	static const char extensions[] = "\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04" "a.de"
	    "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80";

	b->len = 0;
	if (rnd(2) == 0)
		BYTES_ADD(b, "\x30\x12\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x05\x0c\x03" "abc");
	if (rnd(2) == 0)
		bytes_add_extension_request(b, extensions, sizeof(extensions) - 1);
}

static void
random_request(EVP_PKEY *key, struct recipe *r, struct bytes *subject, struct bytes *attributes, struct bytes *out)
{
	static const char *const mds[] = { "SHA256", "SHA256", "SHA384", "SHA512", "SHA1" };

	random_subject(subject);
	random_attributes(attributes);
	*r = (struct recipe){ .key = key, .subject = subject, .attributes = attributes, .no_attributes = rnd(8) == 0 };
	r->signing.md = mds[rnd(rnd(4) ? 2 : 5)];
	r->signing.pss = EVP_PKEY_is_a(key, "RSA") && rnd(2) == 0;
	r->signing.salt = rnd(3) ? 32 : (int)rnd(100);
	make_csr(r, out);
}

/* --- changes to the bytes --- */

static void
insert(struct bytes *b, size_t at, const uint8_t *p, size_t len)
{
	if (len > sizeof(b->p) - b->len)
		return;
	memmove(b->p + at + len, b->p + at, b->len - at);
	memcpy(b->p + at, p, len);
	b->len += len;
}

static void
change_bytes(struct bytes *b)
{
	size_t at = rnd((uint32_t)b->len);
	uint8_t some[4] = { (uint8_t)rnd(256), (uint8_t)rnd(256), 0x00, 0x80 };

	switch (rnd(6)) {
	case 0:
	case 1:
		b->p[at] ^= (uint8_t)(1u << rnd(8));
		break;
	case 2:
		b->p[at] = (uint8_t)rnd(256);
		break;
	case 3:
		b->len = rnd(2) ? at : b->len - 1;
		break;
	case 4:
		insert(b, at, some, 1 + rnd(4));
		break;
	case 5:
		memmove(b->p + at, b->p + at + 1, b->len - at - 1);
		b->len--;
		break;
	}
	if (b->len == 0)
		BYTES_ADD(b, "\x30");
}

/* --- changes to the tree: all lengths stay right --- */

static uint8_t scratch[8][256];		/* contents that were changed */

static void
change_content(struct node *n, uint8_t *copy)
{
	size_t len = n->len < 200 ? n->len : 200;

	memcpy(copy, n->p, len);
	switch (rnd(5)) {
	case 0:
		len = rnd(2) ? 0 : len / 2;
		break;
	case 1:
		copy[len++] = (uint8_t)rnd(256);
		break;
	case 2:
		memset(copy, (int)rnd(256), len);
		break;
	default:
		if (len > 0)
			copy[rnd((uint32_t)len)] ^= (uint8_t)(1u << rnd(8));
	}
	n->p = copy;
	n->len = len;
}

static void
change_tree(struct tree *t, int change)
{
	static const uint8_t tags[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x1c, 0x1e, 0x30, 0x31, 0x80,
		0xa0, 0xa1, 0x10, 0x24, 0x0a, 0x09 };
	int at = (int)rnd((uint32_t)t->used), to;
	struct node *n = &t->n[at];

	switch (rnd(8)) {
	case 0:
		n->tag = tags[rnd(sizeof(tags))];
		n->inside = false;
		break;
	case 1:				/* drops the next one */
		if (n->next >= 0)
			n->next = t->n[n->next].next;
		break;
	case 2:				/* doubles it */
		if (t->used < TREE_NODES) {
			to = t->used++;
			t->n[to] = *n;
			n->next = to;
		}
		break;
	case 3:				/* another one's content */
		to = (int)rnd((uint32_t)t->used);
		if (t->n[to].child < 0 && n->child < 0) {
			n->p = t->n[to].p;
			n->len = t->n[to].len;
		}
		break;
	case 4:				/* takes the children away, or the first of them */
		if (n->child >= 0)
			n->child = rnd(2) ? -1 : t->n[n->child].next;
		break;
	case 5:				/* swaps the order of its first two */
		if (n->child >= 0 && (to = t->n[n->child].next) >= 0) {
			t->n[n->child].next = t->n[to].next;
			t->n[to].next = n->child;
			n->child = to;
		}
		break;
	default:
		if (n->child < 0)
			change_content(n, scratch[change]);
	}
}

/* The CertificationRequestInfo of b, changed; false if nothing comes of it. */
static bool
changed_info(const struct bytes *b, struct bytes *info, bool trees)
{
	static struct tree t;
	int changes = 1 + (int)rnd(3);

	info->len = 0;
	if (!tree_parse(&t, b->p, b->len, true) || t.n[0].child < 0)
		return false;
	if (trees) {
		struct tree *sub = &t;
		int first = t.n[0].child;

		for (int i = 0; i < changes; i++)
			change_tree(sub, i);
		tree_encode(&t, t.n[0].child >= 0 ? t.n[0].child : first, info);
		return true;
	}
	tree_encode(&t, t.n[0].child, info);
	for (int i = 0; i < changes; i++)
		change_bytes(info);
	return true;
}

/* --- the comparison --- */

static struct {
	unsigned	all, accepted, by_code[ERR_INTERNAL + 1];
} seen;

static void
show(const struct bytes *b)
{
	for (size_t i = 0; i < b->len; i++)
		(void)fprintf(stderr, "%02x", b->p[i]);
	(void)fprintf(stderr, "\n");
}

static void
compare(const struct bytes *b)
{
	static struct opinion o;
	struct csr *c = NULL;
	enum err_code rc = fixture_accept(&f, b->p, b->len, &c);

	assert_int_equal(ERR_peek_error(), 0);
	oracle_judge(b->p, b->len, &o);
	seen.all++;
	seen.by_code[rc]++;
	if ((rc == ERR_OK) != o.accepted) {
		show(b);
		fail_msg("fast: %s (%s), plain: %s", err_name(rc), f.e.log_text, o.accepted ? "accepted" : o.why);
	}
	if (rc == ERR_OK) {
		seen.accepted++;
		for (int a = 0; a < SUBJECT_ATTRS; a++)
			if (!der_equal(c->attr[a], o.attr[a].p, o.attr[a].len)) {
				show(b);
				fail_msg("subject attribute %d differs", a);
			}
		if (!der_equal(c->spki, o.spki.p, o.spki.len)) {
			show(b);
			fail_msg("the key differs");
		}
	}
	csr_free(c);
}

static void
run(EVP_PKEY *key, unsigned n)
{
	static struct bytes subject, attributes, csr, info, signature_alg;
	struct recipe r;

	for (unsigned i = 0; i < n; i++) {
		if (i % 8 == 0) {
			random_request(key, &r, &subject, &attributes, &csr);
			compare(&csr);
		}
		if (rnd(4) == 0) {		/* the whole request, its signature left as it was */
			info = csr;
			change_bytes(&info);
			compare(&info);
			continue;
		}
		if (!changed_info(&csr, &info, rnd(4) != 0))
			continue;
		make_csr_around(info.p, info.len, key, &r.signing, NULL, &attributes);
		if (rnd(8) == 0) {		/* and the AlgorithmIdentifier of the signature */
			static struct tree t;

			if (tree_parse(&t, attributes.p, attributes.len, false) && tree_child(&t, 0, 1) >= 0) {
				signature_alg.len = 0;
				tree_encode(&t, tree_child(&t, 0, 1), &signature_alg);
				change_bytes(&signature_alg);
				make_csr_around(info.p, info.len, key, &r.signing, &signature_alg, &attributes);
			}
		}
		compare(&attributes);
	}
}

static void
test_p256(void **state)
{
	(void)state;
	run(maker_key(MAKER_P256), rounds);
}

static void
test_p384(void **state)
{
	(void)state;
	run(maker_key(MAKER_P384), rounds / 3);
}

static void
test_rsa(void **state)
{
	(void)state;
	run(maker_key(MAKER_RSA), rounds * 2 / 3);
}

/* Every bit of one request of each kind, and every cut: nothing between the random ones is left out. */
static void
test_every_bit(void **state)
{
	static struct bytes csr, changed;

	(void)state;
	for (int k = 0; k < MAKER_KEYS; k++) {
		if (k == MAKER_P256_OTHER || k == MAKER_RSA_OTHER)
			continue;
		make_csr(&(struct recipe){ .key = maker_key((enum maker_key)k) }, &csr);
		for (size_t i = 0; i < csr.len; i++) {
			changed = csr;
			changed.p[i] ^= (uint8_t)(1u << (i % 8));
			compare(&changed);
			changed.p[i] = csr.p[i];
			changed.len = i;
			compare(&changed);
		}
	}
}

/* The comparison is worth something only if the changes reach every judge. */
static void
test_reach(void **state)
{
	(void)state;
	print_message("%u requests: %u accepted, malformed %u, subject %u, key %u, signature %u\n", seen.all, seen.accepted,
	    seen.by_code[ERR_CSR_MALFORMED], seen.by_code[ERR_SUBJECT], seen.by_code[ERR_KEY], seen.by_code[ERR_CSR_SIGNATURE]);
	assert_true(seen.accepted > seen.all / 50);
	assert_true(seen.by_code[ERR_CSR_MALFORMED] > seen.all / 50);
	assert_true(seen.by_code[ERR_SUBJECT] > seen.all / 50);
	assert_true(seen.by_code[ERR_KEY] > seen.all / 50);
	assert_true(seen.by_code[ERR_CSR_SIGNATURE] > seen.all / 50);
	assert_int_equal(seen.by_code[ERR_INTERNAL] + seen.by_code[ERR_NOMEM], 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_p256),
		cmocka_unit_test(test_p384),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_reach),
	};
	int rc;

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10) | 1;
	fixture_init(&f, CA_KEY_P256);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_done(&f);
	maker_done();
	return rc;
}
