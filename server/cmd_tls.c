/*
 * The line server's own TLS certificate, from a small CA in the home's tls/.
 *
 * A server reads server.pem and server.key one after the other, at its start and at SIGHUP, and may do so at any moment of this command.  So a new
 * certificate is for the key that is there: one rename(2) of server.pem, and whichever of the two certificates a server finds, the key fits.
 * A new key is made only when it is asked for; between its rename and the certificate's a server finds a pair that does not fit, keeps what it has
 * and says so.  Every file is written beside its place, synced and renamed: killed anywhere, none is half written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "base/file.h"
#include "base/hex.h"
#include "ca/issuer.h"
#include "ca/pem.h"
#include "ca/tls_cert.h"
#include "ca/tls_facts.h"
#include "guard.h"
#include "http/tls.h"
#include "view.h"

#define TLS_FOLDER	"tls"
#define TLS_LOCK	"tls/create.lock"
#define TLS_CA_KEY	"tls/ca.key"
#define TLS_CA		"tls/ca.pem"
#define TLS_KEY		"tls/server.key"
#define TLS_CERTIFICATE	"tls/server.pem"
#define BESIDE		".new"		/* a file on its way to its place */

#define CA_NAME		"lineca TLS CA"

enum {
	CA_DAYS = 3650,
	SERVER_DAYS = 825,		/* the longest that every browser has taken from a CA of one's own */
	CHAIN_BYTES = 64 * 1024,	/* as the server reads it */
	COMMON_NAME_BYTES = 64,
	HASH_BYTES = 32
};

struct tls_wish {
	char			 list[TLS_CERT_NAMES_MAX * 256];	/* the names, each with its NUL */
	const char		*names[TLS_CERT_NAMES_MAX];
	size_t			 count;
	int64_t			 days;
	bool			 new_key, alg_said;
	enum ca_key_alg		 alg;
};

/* What `tls create` has made or found; nothing of it is in its place before all of it is right. */
struct tls_shop {
	struct ca_key	*ca_key, *server_key;
	bool		 ca_key_is_new, ca_is_new, server_key_is_new;
	uint8_t		 ca[LIMIT_CERTIFICATE_BYTES], server[LIMIT_CERTIFICATE_BYTES];
	size_t		 ca_len, server_len;
};

/* ---- files */

static enum err_code
join_beside(const struct home *h, const char *name, char out[HOME_PATH_BYTES], struct err *e)
{
	char beside[64];

	(void)snprintf(beside, sizeof(beside), "%s" BESIDE, name);
	return home_join(h, beside, out, e);
}

static bool
is_there(const struct home *h, const char *name)
{
	char path[HOME_PATH_BYTES];
	struct stat st;

	return home_join(h, name, path, NULL) == ERR_OK && lstat(path, &st) == 0;
}

/* From beside to its place, all of it on the disk. */
static enum err_code
put_in_place(const struct home *h, const char *name, struct err *e)
{
	char beside[HOME_PATH_BYTES], path[HOME_PATH_BYTES], folder[HOME_PATH_BYTES];
	enum err_code rc;
	int fd;

	if ((rc = join_beside(h, name, beside, e)) != ERR_OK || (rc = home_join(h, name, path, e)) != ERR_OK ||
	    (rc = home_join(h, TLS_FOLDER, folder, e)) != ERR_OK)
		return rc;
	if ((fd = open(beside, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return err_set(e, file_err_code(errno), "open %s: %s", beside, strerror(errno));
	home_give(h, fd);
	(void)close(fd);
	if (rename(beside, path) == -1)
		return err_set(e, file_err_code(errno), "rename %s: %s", beside, strerror(errno));
	return file_sync_dir(folder, e);
}

/* Nothing stays beside its place: a command that was killed may have left a key there. */
static enum err_code
clear_beside(const struct home *h, struct err *e)
{
	static const char *const names[] = { TLS_CA_KEY, TLS_CA, TLS_KEY, TLS_CERTIFICATE };
	char path[HOME_PATH_BYTES];
	enum err_code rc;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((rc = join_beside(h, names[i], path, e)) != ERR_OK)
			return rc;
		if (unlink(path) == -1 && errno != ENOENT)
			return err_set(e, file_err_code(errno), "remove %s: %s", path, strerror(errno));
	}
	return ERR_OK;
}

static enum err_code
save_key(const struct home *h, const char *name, const struct ca_key *key, struct err *e)
{
	char beside[HOME_PATH_BYTES];
	enum err_code rc;

	if ((rc = join_beside(h, name, beside, e)) != ERR_OK)
		return rc;
	return ca_key_save(key, beside, e);
}

static enum err_code
save_text(const struct home *h, const char *name, const char *text, size_t len, struct err *e)
{
	char beside[HOME_PATH_BYTES];
	enum err_code rc;

	if ((rc = join_beside(h, name, beside, e)) != ERR_OK)
		return rc;
	return file_write_new(beside, 0644, text, len, e);
}

/* tls/, and the lock that two of these commands at once meet. */
static enum err_code
open_folder(const struct home *h, int *ret_lock, struct err *e)
{
	char path[HOME_PATH_BYTES];
	enum err_code rc;
	int fd;

	if ((rc = home_join(h, TLS_FOLDER, path, e)) != ERR_OK)
		return rc;
	if (mkdir(path, 0700) == 0 && (rc = file_sync_dir(h->path, e)) != ERR_OK)
		return rc;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return err_set(e, file_err_code(errno), "open %s: %s", path, strerror(errno));
	home_give(h, fd);
	(void)close(fd);
	return home_lock(h, TLS_LOCK, "`lineca tls create`", ret_lock, e);
}

/* ---- create: what is wanted */

/* "line-1,10.0.0.5" -> its names, each checked. */
static enum err_code
parse_names(const char *text, struct tls_wish *w, struct err *e)
{
	enum err_code rc;
	char *name;

	if (text == NULL)
		return err_set(e, ERR_USAGE, "--name is missing: the names and addresses by which stations reach this server, as in "
		    "--name line-1.example,10.0.0.5");
	if (strlen(text) >= sizeof(w->list))
		return err_set(e, ERR_USAGE, "--name: that is too long for one certificate");
	memcpy(w->list, text, strlen(text) + 1);
	for (char *rest = w->list; (name = strsep(&rest, ",")) != NULL;) {
		if (*name == '\0')
			return err_set(e, ERR_USAGE, "--name %.80s: a name is empty; write line-1.example,10.0.0.5", text);
		if (w->count == TLS_CERT_NAMES_MAX)
			return err_set(e, ERR_USAGE, "--name: at most %d names go into one certificate", TLS_CERT_NAMES_MAX);
		if ((rc = tls_cert_name_check(name, e)) != ERR_OK)
			return rc;
		w->names[w->count++] = name;
	}
	return ERR_OK;
}

static enum err_code
parse_wish(struct cmd *c, struct tls_wish *w, struct err *e)
{
	const char *names = NULL, *days = NULL, *key = NULL, *none[1];
	const struct arg_option options[] = {
		{ "name", &names, NULL }, { "days", &days, NULL }, { "key", &key, NULL }, { "new-key", NULL, &w->new_key }, { 0 }
	};
	enum err_code rc;

	w->days = SERVER_DAYS;
	w->alg = CA_KEY_P256;
	w->alg_said = false;
	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK || (rc = parse_names(names, w, e)) != ERR_OK ||
	    (days != NULL && (rc = args_number("--days", days, 1, CA_DAYS, &w->days, e)) != ERR_OK) ||
	    (key != NULL && (rc = ca_key_alg_parse(key, &w->alg, e)) != ERR_OK))
		return rc;
	w->alg_said = key != NULL;
	return ERR_OK;
}

/* ---- create: the CA */

static enum err_code
make_ca(const struct tls_wish *w, struct tls_shop *s, struct err *e)
{
	char name[COMMON_NAME_BYTES + 1];
	struct ca_request request = { .common_name = name, .days = CA_DAYS };
	int len = snprintf(name, sizeof(name), CA_NAME " %s", w->names[0]);
	enum err_code rc;

	if (len < 0 || (size_t)len >= sizeof(name))
		(void)snprintf(name, sizeof(name), CA_NAME);
	if (s->ca_key == NULL) {
		s->ca_key_is_new = true;
		if ((rc = ca_key_generate(CA_KEY_P256, &s->ca_key, e)) != ERR_OK)
			return rc;
	}
	s->ca_is_new = true;
	return ca_certificate_self_sign(s->ca_key, &request, &clock_system, &rnd_system, s->ca, &s->ca_len, e);
}

static enum err_code
load_ca_certificate(const struct home *h, uint8_t der[LIMIT_CERTIFICATE_BYTES], size_t *ret_len, struct err *e)
{
	char path[HOME_PATH_BYTES], *text = NULL;
	struct err why;
	enum err_code rc;
	size_t len;

	if ((rc = home_join(h, TLS_CA, path, e)) != ERR_OK || (rc = file_read(path, CHAIN_BYTES, &text, &len, e)) != ERR_OK)
		return rc;
	if ((rc = ca_certificate_from_pem(text, len, der, ret_len, &why)) != ERR_OK)
		rc = err_set(e, rc, "%s: %s: restore it from the backup", path, why.log_text);
	free(text);
	return rc;
}

/*
 * The CA of this home: as it is, or made the first time.  A key without a certificate was left by a command that was killed; nobody trusts it yet.
 */
static enum err_code
get_ca(const struct home *h, const struct tls_wish *w, struct tls_shop *s, struct err *e)
{
	bool has_key = is_there(h, TLS_CA_KEY), has_certificate = is_there(h, TLS_CA);
	char path[HOME_PATH_BYTES];
	enum err_code rc;

	if (has_certificate && !has_key)
		return err_set(e, ERR_CONFIG, "%s/" TLS_CA_KEY " is missing: restore it from the backup. Or move " TLS_CA " away: then a new CA is made, "
		    "and every client must be given its ca.pem", h->path);
	if ((rc = home_join(h, TLS_CA_KEY, path, e)) != ERR_OK || (has_key && (rc = ca_key_load(path, &s->ca_key, e)) != ERR_OK))
		return rc;
	return has_certificate ? load_ca_certificate(h, s->ca, &s->ca_len, e) : make_ca(w, s, e);
}

/* ---- create: the server */

static enum err_code
get_server_key(const struct home *h, const struct tls_wish *w, struct tls_shop *s, struct err *e)
{
	char path[HOME_PATH_BYTES];
	enum err_code rc;

	if (w->new_key || !is_there(h, TLS_KEY)) {
		s->server_key_is_new = true;
		return ca_key_generate(w->alg, &s->server_key, e);
	}
	if ((rc = home_join(h, TLS_KEY, path, e)) != ERR_OK || (rc = ca_key_load(path, &s->server_key, e)) != ERR_OK)
		return rc;
	if (w->alg_said && ca_key_algorithm(s->server_key) != w->alg)
		return err_set(e, ERR_CONFLICT, "the server has a key already, %s; --new-key makes another in its place",
		    ca_key_alg_name(ca_key_algorithm(s->server_key)));
	return ERR_OK;
}

static enum err_code
issue_server(const struct home *h, const struct tls_wish *w, struct tls_shop *s, struct err *e)
{
	struct tls_cert_request request = { .names = w->names, .count = w->count, .days = (int)w->days };
	enum err_code rc;

	rc = tls_certificate_issue(s->ca_key, s->ca, s->ca_len, s->server_key, &request, &clock_system, &rnd_system, s->server, &s->server_len, e);
	if (rc == ERR_CA_EXPIRED)
		return err_set(e, rc, "the TLS CA %s/" TLS_CA " is over: move it and ca.key away, and run this again; every client must then be given "
		    "the new ca.pem", h->path);
	return rc;
}

/* First all beside their places, then one after the other into them: the CA before what it has issued. */
static enum err_code
save(const struct home *h, const struct tls_shop *s, struct err *e)
{
	char ca[2 * LIMIT_CERTIFICATE_BYTES], chain[4 * LIMIT_CERTIFICATE_BYTES];
	size_t ca_len = pem_encode_certificate(s->ca, s->ca_len, ca), len = pem_encode_certificate(s->server, s->server_len, chain);
	enum err_code rc;

	memcpy(chain + len, ca, ca_len);
	if ((s->ca_key_is_new && (rc = save_key(h, TLS_CA_KEY, s->ca_key, e)) != ERR_OK) ||
	    (s->ca_is_new && (rc = save_text(h, TLS_CA, ca, ca_len, e)) != ERR_OK) ||
	    (s->server_key_is_new && (rc = save_key(h, TLS_KEY, s->server_key, e)) != ERR_OK) ||
	    (rc = save_text(h, TLS_CERTIFICATE, chain, len + ca_len, e)) != ERR_OK ||
	    (s->ca_key_is_new && (rc = put_in_place(h, TLS_CA_KEY, e)) != ERR_OK) ||
	    (s->ca_is_new && (rc = put_in_place(h, TLS_CA, e)) != ERR_OK) ||
	    (s->server_key_is_new && (rc = put_in_place(h, TLS_KEY, e)) != ERR_OK))
		return rc;
	return put_in_place(h, TLS_CERTIFICATE, e);
}

static enum err_code
create(const struct home *h, const struct tls_wish *w, struct err *e)
{
	struct tls_shop s = { 0 };
	enum err_code rc;
	int lock = -1;

	if (clock_now_s(&clock_system) < guard_build_time_s())
		return err_set(e, ERR_CLOCK, "the clock of this machine is behind the day this program was built: set it first, "
		    "a certificate would begin in the past");
	if ((rc = open_folder(h, &lock, e)) == ERR_OK && (rc = clear_beside(h, e)) == ERR_OK && (rc = get_ca(h, w, &s, e)) == ERR_OK &&
	    (rc = get_server_key(h, w, &s, e)) == ERR_OK && (rc = issue_server(h, w, &s, e)) == ERR_OK &&
	    (rc = save(h, &s, e)) != ERR_OK && clear_beside(h, NULL) != ERR_OK)
		(void)fprintf(stderr, "note: files that end in " BESIDE " in %s/" TLS_FOLDER " are of no use\n", h->path);
	ca_key_free(s.ca_key);
	ca_key_free(s.server_key);
	if (lock != -1)
		(void)close(lock);
	return rc;
}

/* ---- show */

struct tls_view {
	struct ca_facts		ca;
	struct tls_facts	server;
};

/* The pair as a server would load it; what it says goes into the error. */
static enum err_code
check_pair(const struct home *h, struct err *e)
{
	char certificate[HOME_PATH_BYTES], key[HOME_PATH_BYTES];
	struct http_tls_config config = { .certificate_path = certificate, .key_path = key };
	struct http_tls *t = NULL;
	enum err_code rc;

	if ((rc = home_join(h, TLS_CERTIFICATE, certificate, e)) != ERR_OK || (rc = home_join(h, TLS_KEY, key, e)) != ERR_OK ||
	    (rc = http_tls_new(&config, &t, e)) != ERR_OK)
		return rc;
	http_tls_free(t);
	return ERR_OK;
}

static enum err_code
read_view(const struct home *h, struct tls_view *ret, struct err *e)
{
	uint8_t ca[LIMIT_CERTIFICATE_BYTES];
	char path[HOME_PATH_BYTES], *text = NULL;
	enum err_code rc;
	size_t len;

	if (!is_there(h, TLS_CERTIFICATE))
		return err_set(e, ERR_NOT_FOUND, "%s/" TLS_CERTIFICATE " is not there: make it with `lineca tls create --name HOST`", h->path);
	if ((rc = home_join(h, TLS_CERTIFICATE, path, e)) != ERR_OK || (rc = check_pair(h, e)) != ERR_OK ||
	    (rc = load_ca_certificate(h, ca, &len, e)) != ERR_OK || (rc = ca_facts_read(ca, len, &ret->ca, e)) != ERR_OK ||
	    (rc = file_read(path, CHAIN_BYTES, &text, &len, e)) != ERR_OK)
		return rc;
	rc = tls_facts_read(text, len, &ret->server, e);
	free(text);
	return rc;
}

/* As programs compare it, and as browsers show it. */
static void
print_fingerprint(const uint8_t hash[HASH_BYTES])
{
	char hex[2 * HASH_BYTES + 1];

	hex_encode(hash, HASH_BYTES, hex);
	(void)printf("  fingerprint  %s\n               ", hex);
	for (size_t i = 0; i < HASH_BYTES; i++)
		(void)printf("%02X%s", hash[i], i + 1 < HASH_BYTES ? ":" : "\n");
}

static void
print_times(int64_t begins_s, int64_t ends_s)
{
	char begins[CLOCK_TEXT_BYTES], ends[CLOCK_TEXT_BYTES];

	clock_format_s(begins_s, begins);
	clock_format_s(ends_s, ends);
	(void)printf("  valid        %s to %s%s\n", begins, ends, clock_now_s(&clock_system) >= ends_s ? " (expired: make a new one)" : "");
}

static void
print_view(const struct home *h, const struct tls_view *v)
{
	long pid = home_lock_holder(h, HOME_SERVE_LOCK);

	(void)printf("CA, for every client that talks to this server\n  file         %s/" TLS_CA "\n  subject      %s\n", h->path, v->ca.subject);
	print_fingerprint(v->ca.fingerprint);
	print_times(v->ca.not_before_s, v->ca.not_after_s);
	(void)printf("\nserver certificate\n  file         %s/" TLS_CERTIFICATE "\n  names        %s\n", h->path, v->server.names);
	print_fingerprint(v->server.fingerprint);
	print_times(v->server.not_before_s, v->server.not_after_s);
	(void)printf("\nin lineca.conf\n  [tls]\n  listen = 0.0.0.0:8443\n  certificate = " TLS_CERTIFICATE "\n  key = " TLS_KEY "\n\n");
	(void)printf("A server that listens with these files takes the new ones at `systemctl reload lineca` or ");
	if (pid > 0)
		(void)printf("`kill -HUP %ld`", pid);
	else
		(void)printf("kill -HUP");
	(void)printf(";\none that did not listen with TLS before must be started again. Then, with a copy of ca.pem at the station:\n"
	    "  curl --cacert ca.pem https://NAME:8443/healthz\n");
}

/* "a, b" as an array. */
static void
add_names(cJSON *o, const char *names)
{
	cJSON *array = cJSON_AddArrayToObject(o, "names");
	char one[TLS_FACTS_NAMES_BYTES];

	while (*names != '\0') {
		size_t len = strcspn(names, ",");

		(void)snprintf(one, sizeof(one), "%.*s", (int)len, names);
		(void)cJSON_AddItemToArray(array, cJSON_CreateString(one));
		names += len;
		names += strspn(names, ", ");
	}
}

static enum err_code
print_json(const struct home *h, const struct tls_view *v, struct err *e)
{
	char hex[2 * HASH_BYTES + 1], path[HOME_PATH_BYTES];
	cJSON *o = cJSON_CreateObject(), *ca, *server;
	enum err_code rc;

	ca = cJSON_AddObjectToObject(o, "ca");
	server = cJSON_AddObjectToObject(o, "server");
	hex_encode(v->ca.fingerprint, HASH_BYTES, hex);
	if ((rc = home_join(h, TLS_CA, path, e)) != ERR_OK)
		goto out;
	(void)cJSON_AddStringToObject(ca, "file", path);
	(void)cJSON_AddStringToObject(ca, "subject", v->ca.subject);
	(void)cJSON_AddStringToObject(ca, "fingerprint", hex);
	view_time_s(ca, "not_before", v->ca.not_before_s);
	view_time_s(ca, "not_after", v->ca.not_after_s);
	hex_encode(v->server.fingerprint, HASH_BYTES, hex);
	if ((rc = home_join(h, TLS_CERTIFICATE, path, e)) != ERR_OK)
		goto out;
	(void)cJSON_AddStringToObject(server, "file", path);
	add_names(server, v->server.names);
	(void)cJSON_AddStringToObject(server, "fingerprint", hex);
	view_time_s(server, "not_before", v->server.not_before_s);
	view_time_s(server, "not_after", v->server.not_after_s);
	return view_put(o, e);
out:
	cJSON_Delete(o);
	return rc;
}

/* ---- the commands */

enum err_code
cmd_tls_create(struct cmd *c, struct err *e)
{
	struct tls_wish wish = { 0 };
	struct home h = { 0 };
	struct tls_view v;
	enum err_code rc;

	if ((rc = parse_wish(c, &wish, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = create(&h, &wish, e)) == ERR_OK && (rc = read_view(&h, &v, e)) == ERR_OK)
		print_view(&h, &v);
	home_close(&h);
	return rc;
}

enum err_code
cmd_tls_show(struct cmd *c, struct err *e)
{
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	const char *none[1];
	struct home h = { 0 };
	struct tls_view v;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = read_view(&h, &v, e)) == ERR_OK) {
		if (json)
			rc = print_json(&h, &v, e);
		else
			print_view(&h, &v);
	}
	home_close(&h);
	return rc;
}
