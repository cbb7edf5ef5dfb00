#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "http/internal.h"
#include "http/tls_internal.h"

enum {
	CHAIN_MAX = 8,
	FILE_BYTES_MAX = 64 * 1024,
	CLIENT_RSA_BITS_MAX = 4096,
	CLIENT_EXPONENT_BYTES_MAX = 5,	/* 65537, with room */
	CORK_BYTES_MAX = 12 * 1024	/* with its head it is one record */
};

/* What one handshake presents.  Immutable. */
struct identity {
	gnutls_pcert_st		 chain[CHAIN_MAX];
	unsigned		 chain_len;
	gnutls_privkey_t	 key;
	char			 fingerprint[65];
	int64_t			 not_after_s;
	struct identity		*older;		/* a handshake may still use it: kept to the end, and a reload is rare */
};

struct http_tls {
	char		*certificate_path, *key_path;
	bool		 ask_client;
	pthread_mutex_t	 mu;			/* protects now */
	struct identity	*now;
};

static void
identity_free(struct identity *id)
{
	if (id == NULL)
		return;
	for (unsigned i = 0; i < id->chain_len; i++)
		gnutls_pcert_deinit(&id->chain[i]);
	if (id->key != NULL)
		gnutls_privkey_deinit(id->key);
	free(id);
}

static enum err_code
read_pem(const char *setting, const char *path, char **ret, size_t *ret_len, struct err *e)
{
	struct err why;
	enum err_code rc = file_read(path, FILE_BYTES_MAX, ret, ret_len, &why);

	if (rc == ERR_OK)
		return ERR_OK;
	return err_set(e, rc == ERR_NOT_FOUND ? ERR_CONFIG : rc, "[tls] %s: %s; `lineca tls create --name HOST` makes both files", setting, why.log_text);
}

static enum err_code
load_chain(struct identity *id, const char *path, struct err *e)
{
	gnutls_datum_t pem;
	enum err_code rc;
	char *text = NULL;
	size_t len;
	int grc;

	if ((rc = read_pem("certificate", path, &text, &len, e)) != ERR_OK)
		return rc;
	pem = (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned)len };
	id->chain_len = CHAIN_MAX;
	if ((grc = gnutls_pcert_list_import_x509_raw(id->chain, &id->chain_len, &pem, GNUTLS_X509_FMT_PEM,
	    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED)) < 0 || id->chain_len == 0) {
		id->chain_len = 0;
		rc = err_set(e, ERR_CONFIG, "[tls] certificate: %s: no PEM certificate, or a chain of more than %d (%s)", path, CHAIN_MAX,
		    gnutls_strerror(grc));
	}
	free(text);
	return rc;
}

static enum err_code
load_key(struct identity *id, const char *path, struct err *e)
{
	gnutls_datum_t pem;
	enum err_code rc;
	char *text = NULL;
	struct stat st;
	size_t len;
	int grc;

	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
		return err_set(e, ERR_PERMISSION, "[tls] key: %s can be read by others: chmod 600 %s", path, path);
	if ((rc = read_pem("key", path, &text, &len, e)) != ERR_OK)
		return rc;
	pem = (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned)len };
	if ((grc = gnutls_privkey_init(&id->key)) < 0 ||
	    (grc = gnutls_privkey_import_x509_raw(id->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0)) < 0)
		rc = err_set(e, ERR_CONFIG, "[tls] key: %s: no unencrypted PEM key (%s)", path, gnutls_strerror(grc));
	explicit_bzero(text, len);
	free(text);
	return rc;
}

/* Is it the key of the leaf? */
static enum err_code
check_pair(const struct identity *id, const struct http_tls *t, struct err *e)
{
	unsigned char of_key[32], of_leaf[32];
	size_t key_len = sizeof(of_key), leaf_len = sizeof(of_leaf);
	gnutls_pubkey_t public_key = NULL;
	int grc;

	if ((grc = gnutls_pubkey_init(&public_key)) < 0 ||
	    (grc = gnutls_pubkey_import_privkey(public_key, id->key, 0, 0)) < 0 ||
	    (grc = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &key_len)) < 0 ||
	    (grc = gnutls_pubkey_get_key_id(id->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_leaf, &leaf_len)) < 0)
		key_len = 0;
	gnutls_pubkey_deinit(public_key);
	if (key_len == 0)
		return err_set(e, ERR_CONFIG, "[tls] %s: %s", t->key_path, gnutls_strerror(grc));
	if (key_len != leaf_len || memcmp(of_key, of_leaf, key_len) != 0)
		return err_set(e, ERR_CONFIG, "[tls] %s is not the key of the certificate in %s", t->key_path, t->certificate_path);
	return ERR_OK;
}

static enum err_code
read_facts(struct identity *id, const struct http_tls *t, struct err *e)
{
	gnutls_x509_crt_t leaf = NULL;
	enum err_code rc = ERR_OK;
	uint8_t hash[32];
	size_t len = sizeof(hash);
	int grc;

	if ((grc = gnutls_pcert_export_x509(&id->chain[0], &leaf)) < 0 ||
	    (grc = gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, hash, &len)) < 0) {
		rc = err_set(e, ERR_CONFIG, "[tls] certificate: %s: %s", t->certificate_path, gnutls_strerror(grc));
	} else {
		hex_encode(hash, sizeof(hash), id->fingerprint);
		id->not_after_s = (int64_t)gnutls_x509_crt_get_expiration_time(leaf);
	}
	if (leaf != NULL)
		gnutls_x509_crt_deinit(leaf);
	return rc;
}

static enum err_code
identity_load(const struct http_tls *t, struct identity **ret, struct err *e)
{
	struct identity *id;
	enum err_code rc;

	if ((id = calloc(1, sizeof(*id))) == NULL)
		return err_set(e, ERR_NOMEM, "TLS");
	if ((rc = load_chain(id, t->certificate_path, e)) == ERR_OK &&
	    (rc = load_key(id, t->key_path, e)) == ERR_OK &&
	    (rc = check_pair(id, t, e)) == ERR_OK &&
	    (rc = read_facts(id, t, e)) == ERR_OK) {
		*ret = id;
		return ERR_OK;
	}
	identity_free(id);
	return rc;
}

enum err_code
http_tls_new(const struct http_tls_config *config, struct http_tls **ret, struct err *e)
{
	struct http_tls *t;
	enum err_code rc;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return err_set(e, ERR_NOMEM, "TLS");
	(void)pthread_mutex_init(&t->mu, NULL);
	t->ask_client = config->ask_client;
	if ((t->certificate_path = strdup(config->certificate_path)) == NULL || (t->key_path = strdup(config->key_path)) == NULL)
		rc = err_set(e, ERR_NOMEM, "TLS");
	else
		rc = identity_load(t, &t->now, e);
	if (rc != ERR_OK) {
		http_tls_free(t);
		return rc;
	}
	*ret = t;
	return ERR_OK;
}

void
http_tls_free(struct http_tls *t)
{
	if (t == NULL)
		return;
	while (t->now != NULL) {
		struct identity *older = t->now->older;

		identity_free(t->now);
		t->now = older;
	}
	(void)pthread_mutex_destroy(&t->mu);
	free(t->certificate_path);
	free(t->key_path);
	free(t);
}

enum err_code
http_tls_reload(struct http_tls *t, struct err *e)
{
	struct identity *id = NULL;
	enum err_code rc;

	if ((rc = identity_load(t, &id, e)) != ERR_OK)
		return rc;
	(void)pthread_mutex_lock(&t->mu);
	id->older = t->now;
	t->now = id;
	(void)pthread_mutex_unlock(&t->mu);
	return ERR_OK;
}

static struct identity *
identity_now(struct http_tls *t)
{
	struct identity *id;

	(void)pthread_mutex_lock(&t->mu);
	id = t->now;
	(void)pthread_mutex_unlock(&t->mu);
	return id;
}

void
http_tls_fingerprint(struct http_tls *t, char out[65])
{
	memcpy(out, identity_now(t)->fingerprint, 65);
}

int64_t
http_tls_not_after_s(struct http_tls *t)
{
	return identity_now(t)->not_after_s;
}

int
http_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **ret_chain, unsigned *ret_chain_len,
    gnutls_ocsp_data_st **ret_ocsp, unsigned *ret_ocsp_len, gnutls_privkey_t *ret_key, unsigned *flags)
{
	/* libmicrohttpd keeps its connection in the session */
	struct http_connection *c = http_connection_of(gnutls_session_get_ptr(session));
	struct identity *id;

	(void)info;
	if (c == NULL)
		return -1;
	id = identity_now(c->server->config.tls);
	*ret_chain = id->chain;
	*ret_chain_len = id->chain_len;
	*ret_key = id->key;
	*ret_ocsp = NULL;
	*ret_ocsp_len = 0;
	*flags = 0;	/* lent */
	return 0;
}

static gnutls_session_t
session_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info != NULL ? info->tls_session : NULL;
}

/*
 * GnuTLS verifies the client's signature with whatever key it shows, before anybody asks whether the certificate is believed: a key of 16,384 bits costs half a second of a
 * worker.  So what nobody here certifies ends the handshake before that.
 */
static int
check_client_key(gnutls_session_t session, unsigned message, unsigned when, unsigned incoming, const gnutls_datum_t *data)
{
	const gnutls_datum_t *list;
	gnutls_datum_t modulus = { 0 }, exponent = { 0 };
	gnutls_x509_crt_t leaf = NULL;
	unsigned n = 0, bits = 0;
	int rc = GNUTLS_E_CERTIFICATE_ERROR;

	(void)message;
	(void)when;
	(void)data;
	if (incoming == 0)
		return 0;
	if ((list = gnutls_certificate_get_peers(session, &n)) == NULL || n == 0)
		return 0;
	if (gnutls_x509_crt_init(&leaf) < 0)
		return GNUTLS_E_MEMORY_ERROR;
	if (gnutls_x509_crt_import(leaf, &list[0], GNUTLS_X509_FMT_DER) == 0) {
		int algorithm = gnutls_x509_crt_get_pk_algorithm(leaf, &bits);

		if (algorithm == GNUTLS_PK_ECDSA || algorithm == GNUTLS_PK_EDDSA_ED25519 || algorithm == GNUTLS_PK_EDDSA_ED448)
			rc = 0;
		else if ((algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS) && bits <= CLIENT_RSA_BITS_MAX &&
		    gnutls_x509_crt_get_pk_rsa_raw(leaf, &modulus, &exponent) == 0 && exponent.size <= CLIENT_EXPONENT_BYTES_MAX)
			rc = 0;
	}
	gnutls_free(modulus.data);
	gnutls_free(exponent.data);
	gnutls_x509_crt_deinit(leaf);
	return rc;
}

void
http_tls_begin(struct http_tls *t, struct MHD_Connection *c)
{
	gnutls_session_t session = session_of(c);

	if (session == NULL || !t->ask_client)
		return;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	/* not a verify function: TLS 1.3 calls that when the signature was verified already */
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY, GNUTLS_HOOK_PRE, check_client_key);
}

void
http_tls_cork(struct MHD_Connection *c, size_t body_len)
{
	gnutls_session_t session = session_of(c);

	if (session != NULL && body_len <= CORK_BYTES_MAX)
		gnutls_record_cork(session);
}

bool
http_tls_uncork(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	gnutls_session_t session = session_of(c);
	int off = 0;

	if (session == NULL || fd == NULL)
		return true;
	if (gnutls_record_uncork(session, 0) < 0)
		return false;
	/* libmicrohttpd corks the socket too, and takes what we kept back for sent: the kernel would wait 200 ms for more */
	return setsockopt(fd->connect_fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)) == 0 || errno == ENOTCONN || errno == EINVAL;
}

size_t
http_request_certificates(struct http_request *r, struct http_certificate *out, size_t max)
{
	gnutls_session_t session = r->server->config.tls != NULL ? session_of(r->connection) : NULL;
	const gnutls_datum_t *list;
	unsigned n = 0;

	if (session == NULL || gnutls_auth_client_get_type(session) != GNUTLS_CRD_CERTIFICATE ||
	    (list = gnutls_certificate_get_peers(session, &n)) == NULL)
		return 0;
	for (unsigned i = 0; i < n && i < max; i++)
		out[i] = (struct http_certificate){ list[i].data, list[i].size };
	return n < max ? n : max;
}
