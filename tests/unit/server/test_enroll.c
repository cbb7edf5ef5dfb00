/*
 * The use case in one process: real HTTP, real keys, the group commit, and the memory store behind a table of functions that
 * can be told to fail.  The promise under test is P1: what is not recorded is not answered.
 */
#include "cmocka_test.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "line.h"
#include "routes.h"
#include "worker.h"

enum { ANSWER_BYTES = 64 * 1024, THREADS = 2 };

static struct home home;
static struct line *line;
static struct http_server *http;
static struct store_ops ops;		/* store_memory, but for record */
static enum err_code fail_code;		/* what record answers when the countdown ends; ERR_OK: it works */
static atomic_int fail_after;		/* calls that still work */
static char answer[ANSWER_BYTES];

static enum err_code
record(struct store *s, struct store_record_row *rows, size_t n, struct err *e)
{
	if (fail_code == ERR_OK || atomic_fetch_sub(&fail_after, 1) > 0)
		return store_memory.record(s, rows, n, e);
	for (size_t i = 0; i < n; i++) {
		rows[i].result = fail_code;
		rows[i].recorded = NULL;
	}
	return err_set(e, fail_code, "told to fail");
}

static void
make_ca(void)
{
	struct ca_request request = { .common_name = "test-ca", .days = 100 };
	struct store_ca ca = { .name = "test-ca", .active = true, .key_ref = "k", .created_at_us = 1 };
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	char path[HOME_PATH_BYTES];
	struct ca_key *key;
	struct err e;
	int64_t id;

	assert_int_equal(ca_key_generate(CA_KEY_P256, &key, &e), ERR_OK);
	assert_int_equal(ca_certificate_self_sign(key, &request, &clock_system, &rnd_system, der, &ca.der_len, &e), ERR_OK);
	ca.der = der;
	assert_int_equal(home_join(&home, HOME_CA, path, &e), ERR_OK);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(home_join(&home, HOME_CA "/k", path, &e), ERR_OK);
	assert_int_equal(ca_key_save(key, path, &e), ERR_OK);
	ca_key_free(key);
	assert_int_equal(ops.ca_add(home.store, &ca, &id, &e), ERR_OK);
}

static const struct store_who who = { .actor = "cli:tester", .address = "", .reason = "", .at_us = 1 };

static void
make_batch(const char *name, int64_t quantity, const char *pattern)
{
	struct store_batch b = { .ca_id = 1, .profile = "default", .quantity = quantity, .created_at_us = 1 };
	struct err e;

	(void)snprintf(b.name, sizeof(b.name), "%s", name);
	(void)snprintf(b.pattern, sizeof(b.pattern), "%s", pattern);
	assert_int_equal(ops.batch_create(home.store, &b, NULL, NULL, &who, &e), ERR_OK);
}

/* A batch for the sections of that name. */
static void
make_batch_for(const char *name, const char *aws)
{
	struct store_batch b = { .ca_id = 1, .profile = "default", .quantity = 100, .created_at_us = 1 };
	struct err e;

	(void)snprintf(b.name, sizeof(b.name), "%s", name);
	(void)snprintf(b.aws, sizeof(b.aws), "%s", aws);
	assert_int_equal(ops.batch_create(home.store, &b, NULL, NULL, &who, &e), ERR_OK);
}

static int
setup(void **state)
{
	struct store_config cf = { .path = "unused", .cache_bytes = 1 << 20 };
	struct http_config hc = {
		.address = "127.0.0.1", .threads = THREADS, .connections_max = 100, .idle_timeout_s = 10, .head_s = 10, .body_s = 10, .reply_s = 10,
		.routes = routes, .routes_count = routes_count,
	};
	struct err e;

	(void)state;
	fail_code = ERR_OK;
	ops = store_memory;
	ops.record = record;
	home = (struct home){ .ops = &ops };
	(void)snprintf(home.path, sizeof(home.path), "/tmp/lineca-test-enroll-XXXXXX");
	assert_non_null(mkdtemp(home.path));
	config_defaults(&home.config);
	home.config.guard_disk_reserve_mib = 1;
	assert_int_equal(ops.create(&cf, &e), ERR_OK);
	assert_int_equal(ops.open(&cf, &home.store, &e), ERR_OK);
	assert_int_equal(ops.reader_open(home.store, &home.reader, &e), ERR_OK);
	make_ca();
	make_batch("lot", 1000, "");
	assert_int_equal(line_new(&home, &line, &e), ERR_OK);
	hc.app = line;
	assert_int_equal(workers_prepare(line, THREADS, &e), ERR_OK);
	assert_int_equal(http_server_start(&hc, &http, &e), ERR_OK);
	line->http = http;
	assert_int_equal(http_server_accept(http, &e), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	char path[HOME_PATH_BYTES];
	struct err e;

	(void)state;
	http_server_drain(http, 5);
	http_server_free(http);
	line_free(line);
	assert_int_equal(home_join(&home, HOME_CA "/k", path, &e), ERR_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(home_join(&home, HOME_CA, path, &e), ERR_OK);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(home_join(&home, HOME_CONFIG, path, &e), ERR_OK);
	(void)unlink(path);
	assert_int_equal(rmdir(home.path), 0);
	home_close(&home);
	return 0;
}

/* A CSR in DER for a new key, or for *key if it is there. */
static int
make_csr(const char *device, EVP_PKEY **key, unsigned char **der)
{
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	int len;

	if (*key == NULL)
		*key = EVP_EC_gen("P-256");
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)device, -1, -1, 0), 1);
	assert_int_equal(X509_REQ_set_subject_name(req, name), 1);
	assert_int_equal(X509_REQ_set_pubkey(req, *key), 1);
	assert_true(X509_REQ_sign(req, *key, EVP_sha256()) > 0);
	*der = NULL;
	len = i2d_X509_REQ(req, der);
	X509_NAME_free(name);
	X509_REQ_free(req);
	return len;
}

/* Posts bytes, leaves the whole answer in answer and returns its status. */
static int
post(const char *path, const void *body, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(http_server_port(http)) };
	size_t got = 0;
	char head[256];
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0), head_len;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	head_len = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	    path, len);
	assert_int_equal(send(fd, head, (size_t)head_len, MSG_NOSIGNAL), head_len);
	assert_int_equal(send(fd, body, len, MSG_NOSIGNAL), len);
	while ((n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
	(void)close(fd);
	return got > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static int
enroll(const char *batch, const char *device, EVP_PKEY **key)
{
	char path[128];
	unsigned char *der;
	int len = make_csr(device, key, &der), status;

	(void)snprintf(path, sizeof(path), "/v1/enroll%s%s", *batch != '\0' ? "/" : "", batch);
	status = post(path, der, (size_t)len);
	OPENSSL_free(der);
	return status;
}

static int
enroll_new(const char *batch, const char *device)
{
	EVP_PKEY *key = NULL;
	int status = enroll(batch, device, &key);

	EVP_PKEY_free(key);
	return status;
}

static bool
has_certificate(void)
{
	return strstr(answer, "BEGIN CERTIFICATE") != NULL;
}

static void
expect_code(const char *code)
{
	char member[64];

	(void)snprintf(member, sizeof(member), "\"code\":\"%s\"", code);
	if (strstr(answer, member) == NULL)
		fail_msg("no %s in: %s", member, answer);
	assert_false(has_certificate());
}

static int64_t
issued_in(const char *batch)
{
	struct store_batch b;
	struct err e;

	assert_int_equal(ops.batch_find(home.reader, batch, &b, &e), ERR_OK);
	return b.issued;
}

static void
test_issue_and_repeat(void **state)
{
	EVP_PKEY *key = NULL;
	char first[ANSWER_BYTES];

	(void)state;
	assert_int_equal(enroll("lot", "dev-1", &key), 201);
	assert_true(has_certificate());
	assert_non_null(strstr(answer, "\r\nLocation: /v1/certificates/4"));
	assert_non_null(strstr(answer, "\r\nX-Request-Id: "));
	(void)snprintf(first, sizeof(first), "%s", strstr(answer, "-----BEGIN"));
	assert_int_equal(enroll("", "dev-1", &key), 200);
	assert_string_equal(strstr(answer, "-----BEGIN"), first);
	assert_int_equal(enroll("lot", "dev-2", &key), 409);
	expect_code("key_reused");
	assert_non_null(strstr(answer, "dev-1"));
	assert_int_equal(enroll_new("lot", "dev-1"), 409);
	expect_code("device_exists");
	assert_int_equal(issued_in("lot"), 1);
	EVP_PKEY_free(key);
}

static void
test_batches(void **state)
{
	(void)state;
	assert_int_equal(enroll_new("none", "dev-1"), 404);
	expect_code("batch_not_found");
	make_batch("small", 1, "s-[0-9]+");
	assert_int_equal(enroll_new("", "s-1"), 409);
	expect_code("batch_ambiguous");
	assert_non_null(strstr(answer, "small"));
	assert_int_equal(enroll_new("small", "xs-1"), 403);
	expect_code("device_not_listed");
	assert_int_equal(enroll_new("small", "s-1"), 201);
	assert_int_equal(enroll_new("small", "s-2"), 403);
	expect_code("batch_full");
	assert_int_equal(issued_in("small"), 1);
}

/* A commit that failed is a refusal; the same device then gets its certificate when the disk is well again. */
static void
test_busy_store(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	atomic_store(&fail_after, 0);
	fail_code = ERR_BUSY;
	assert_int_equal(enroll("lot", "dev-1", &key), 503);
	expect_code("busy");
	assert_non_null(strstr(answer, "\r\nRetry-After: "));
	assert_int_equal(issued_in("lot"), 0);
	fail_code = ERR_OK;
	assert_int_equal(enroll("lot", "dev-1", &key), 201);
	assert_int_equal(issued_in("lot"), 1);
	EVP_PKEY_free(key);
}

/* The disk's state is unknown: nothing leaves any more, and the main thread is told. */
static void
test_failed_store(void **state)
{
	uint64_t told = 0;
	int certificates = 0;
	char device[32];

	(void)state;
	atomic_store(&fail_after, 3);
	fail_code = ERR_STORAGE;
	for (int i = 0; i < 10; i++) {
		(void)snprintf(device, sizeof(device), "dev-%d", i);
		certificates += enroll_new("lot", device) == 201;
		if (!has_certificate())
			expect_code("storage_failed");
	}
	assert_int_equal(certificates, 3);
	assert_int_equal(issued_in("lot"), 3);
	assert_int_equal(read(line->stop_fd, &told, sizeof(told)), sizeof(told));
}

/* A certificate that is recorded is answered even while nothing may be issued. */
static void
test_guard_does_not_hide_what_is_recorded(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(enroll("lot", "dev-1", &key), 201);
	guard_halt(&line->guard);
	assert_int_equal(enroll("lot", "dev-1", &key), 200);
	assert_true(has_certificate());
	assert_int_equal(enroll_new("lot", "dev-2"), 500);
	expect_code("internal");
	assert_int_equal(issued_in("lot"), 1);
	EVP_PKEY_free(key);
}

/* lineca.conf of the home, as it is after the server's start. */
static void
write_config(const char *text)
{
	char path[HOME_PATH_BYTES];
	struct err e;
	FILE *f;

	assert_int_equal(home_join(&home, HOME_CONFIG, path, &e), ERR_OK);
	assert_non_null(f = fopen(path, "w"));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Where a batch makes things, an id that is no thing name is refused now; where it makes none, not. */
static void
test_things(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	write_config("[aws plain]\nregion = r\n[aws eu]\nthings = yes\n[aws us]\nthings = yes\nthing_name = {batch}-{serial}\n");
	make_batch_for("all", "plain,eu");
	make_batch_for("none", "plain");
	make_batch_for("serials", "us");
	make_batch_for("dot.ted", "us");
	assert_int_equal(enroll("all", "dev.1", &key), 422);
	expect_code("subject_rejected");
	assert_non_null(strstr(answer, "dev.1"));
	assert_non_null(strstr(answer, "thing"));
	assert_int_equal(issued_in("all"), 0);
	assert_int_equal(enroll_new("all", "dev:1"), 201);
	assert_int_equal(enroll("none", "dev.1", &key), 201);
	assert_int_equal(enroll("serials", "dev.1", &key), 201);
	assert_int_equal(enroll_new("dot.ted", "dev-9"), 422);
	assert_int_equal(enroll("all", "dev.1", &key), 422);	/* other batches' certificates are none of this one */
	assert_int_equal(enroll_new("lot", "dev.2"), 201);
	EVP_PKEY_free(key);
}

/* What is recorded is answered, also if the batch's section has come to make things since. */
static void
test_things_do_not_hide_what_is_recorded(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	home.config.targets[0].things = 1;	/* no worker has met the batch yet */
	make_batch_for("old", "");
	assert_int_equal(enroll("old", "dev.1", &key), 422);
	/* recorded behind the line's back, as a server with other settings would have */
	home.config.targets[0].things = 0;
	make_batch_for("other", "");
	assert_int_equal(enroll("other", "dev.1", &key), 201);
	for (struct worker *w = line->workers; w != NULL; w = w->next)
		for (struct order *o = w->orders; o != NULL; o = o->next)
			if (strcmp(o->batch.name, "other") == 0) {
				assert_null(o->things);
				assert_non_null(o->things = calloc(1, sizeof(*o->things)));
				*o->things = home.config.targets[0];
				o->things->things = 1;
				o->things_count = 1;
			}
	assert_int_equal(enroll("other", "dev.1", &key), 200);
	assert_true(has_certificate());
	EVP_PKEY_free(key);
}

/* A section that is not there: nothing is issued by guesswork. */
static void
test_lost_section(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	write_config("[aws eu]\nregion = r\n");
	make_batch_for("known", "eu");
	assert_int_equal(enroll("known", "dev-1", &key), 201);	/* not of the start: read again */
	make_batch_for("lost", "eu,gone");
	assert_int_equal(enroll_new("lost", "dev-2"), 500);
	expect_code("internal");
	assert_int_equal(issued_in("lost"), 0);
	assert_int_equal(enroll("known", "dev-1", &key), 200);
	EVP_PKEY_free(key);
}

static void
test_bodies(void **state)
{
	static char large[LIMIT_BODY_BYTES + 1];
	static const char key[] = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";

	(void)state;
	assert_int_equal(post("/v1/enroll/lot", "", 0), 400);
	expect_code("csr_malformed");
	assert_int_equal(post("/v1/enroll/lot", key, sizeof(key) - 1), 400);
	expect_code("private_key_posted");
	assert_int_equal(post("/v1/enroll/lot", large, sizeof(large)), 413);
	expect_code("body_too_large");
	assert_int_equal(post("/v1/nothing", "x", 1), 404);
	expect_code("not_found");
	assert_int_equal(post("/v1/status", "x", 1), 405);
	expect_code("method_not_allowed");
	assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issue_and_repeat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guard_does_not_hide_what_is_recorded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_things, setup, teardown),
		cmocka_unit_test_setup_teardown(test_things_do_not_hide_what_is_recorded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_section, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
