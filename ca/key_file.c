/* CA keys in PEM files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/key_ops.h"

enum { KEY_FILE_BYTES_MAX = 16 * 1024 };	/* RSA-4096 in PEM is 3.3 KiB */

struct file_signer {
	EVP_PKEY	*pkey;		/* a copy of its own: no reference count is shared between threads */
	EVP_PKEY_CTX	*ctx;
};

static void
file_signer_free(void *signer)
{
	struct file_signer *s = signer;

	if (s == NULL)
		return;
	EVP_PKEY_CTX_free(s->ctx);
	EVP_PKEY_free(s->pkey);
	free(s);
}

static enum err_code
file_signer_new(const struct ca_key *k, void **ret, struct err *e)
{
	struct file_signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "signer");
	if ((s->pkey = EVP_PKEY_dup(k->self)) == NULL ||
	    (s->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, s->pkey, NULL)) == NULL || EVP_PKEY_sign_init(s->ctx) != 1 ||
	    (EVP_PKEY_is_a(s->pkey, "RSA") && EVP_PKEY_CTX_set_rsa_padding(s->ctx, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(s->ctx, EVP_get_digestbyname(digest_name(ca_key_digest(k->alg)))) != 1) {
		file_signer_free(s);
		return ossl_fail(e, ERR_INTERNAL, "preparing the CA key for signing");
	}
	*ret = s;
	return ERR_OK;
}

static enum err_code
file_sign(void *signer, const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t *ret_len, struct err *e)
{
	struct file_signer *s = signer;
	size_t len = LIMIT_SIGNATURE_BYTES;

	if (EVP_PKEY_sign(s->ctx, sig, &len, digest, digest_len) != 1)
		return ossl_fail(e, ERR_INTERNAL, "signing with the CA key");
	*ret_len = len;
	return ERR_OK;
}

/* Durable, or not there: the name of a file of which nobody knows how much is written helps nobody. */
static enum err_code
write_synced(const char *path, const char *bytes, size_t len, struct err *e)
{
	enum err_code rc = ERR_OK;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "%s: %s", path, strerror(errno));
	while (rc == ERR_OK && len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			rc = err_set(e, ERR_IO, "write %s: %s", path, strerror(errno));
		}
	}
	if (rc == ERR_OK && (fchmod(fd, 0600) != 0 || fsync(fd) != 0))
		rc = err_set(e, ERR_IO, "sync %s: %s", path, strerror(errno));
	if (close(fd) != 0 && rc == ERR_OK)
		rc = err_set(e, ERR_IO, "close %s: %s", path, strerror(errno));
	if (rc != ERR_OK)
		(void)unlink(path);
	return rc;
}

static enum err_code
file_save(const struct ca_key *k, const char *path, struct err *e)
{
	BIO *mem = BIO_new(BIO_s_secmem());
	char *pem;
	long len;
	enum err_code rc;

	if (mem == NULL || PEM_write_bio_PKCS8PrivateKey(mem, k->self, NULL, NULL, 0, NULL, NULL) != 1 ||
	    (len = BIO_get_mem_data(mem, &pem)) <= 0)
		rc = ossl_fail(e, ERR_INTERNAL, "encoding the CA key");
	else
		rc = write_synced(path, pem, (size_t)len, e);
	BIO_free(mem);		/* wipes */
	return rc;
}

static void
file_free(void *self)
{
	EVP_PKEY_free(self);	/* wipes */
}

static const struct ca_key_ops file_ops = {
	.signer_new = file_signer_new,
	.signer_free = file_signer_free,
	.sign = file_sign,
	.save = file_save,
	.free = file_free,
};

static bool
is_on_curve(EVP_PKEY *pkey, const char *group)
{
	char name[32];

	return EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) == 1 &&
	    strcmp(name, group) == 0;
}

static bool
find_alg(EVP_PKEY *pkey, enum ca_key_alg *ret)
{
	static const struct { int bits; enum ca_key_alg alg; } rsa[] = {
		{ 2048, CA_KEY_RSA2048 }, { 3072, CA_KEY_RSA3072 }, { 4096, CA_KEY_RSA4096 }
	};

	if (is_on_curve(pkey, "prime256v1")) {
		*ret = CA_KEY_P256;
		return true;
	}
	if (is_on_curve(pkey, "secp384r1")) {
		*ret = CA_KEY_P384;
		return true;
	}
	for (size_t i = 0; EVP_PKEY_is_a(pkey, "RSA") && i < sizeof(rsa) / sizeof(rsa[0]); i++)
		if (EVP_PKEY_get_bits(pkey) == rsa[i].bits) {
			*ret = rsa[i].alg;
			return true;
		}
	return false;
}

enum err_code
key_file_new(EVP_PKEY *pkey, struct ca_key **ret, struct err *e)
{
	struct ca_key *k = NULL;
	enum err_code rc;
	int len;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		EVP_PKEY_free(pkey);
		return err_set(e, ERR_NOMEM, "key");
	}
	k->ops = &file_ops;
	k->self = pkey;		/* moved */
	if (!find_alg(pkey, &k->alg)) {
		rc = err_set(e, ERR_CONFIG, "a CA key must be EC P-256, EC P-384, or RSA of 2048, 3072 or 4096 bits");
		goto out;
	}
	if ((len = i2d_PUBKEY(pkey, &k->spki)) <= 0) {
		rc = ossl_fail(e, ERR_INTERNAL, "encoding the CA's public key");
		goto out;
	}
	k->spki_len = (size_t)len;
	*ret = k;
	k = NULL;
	rc = ERR_OK;
out:
	ca_key_free(k);
	return rc;
}

/* An encrypted file must fail, not ask at a terminal that a server does not have. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static enum err_code
read_private(const char *path, uint8_t *buf, size_t size, size_t *ret_len, struct err *e)
{
	struct stat st;
	size_t len = 0;
	ssize_t n;
	enum err_code rc = ERR_OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno == EACCES ? ERR_PERMISSION : ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0)
		rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, ERR_CONFIG, "%s is not a file", path);
	else if ((st.st_mode & 077) != 0)
		rc = err_set(e, ERR_PERMISSION, "%s: others may read it (mode %03o); chmod 600 it", path,
		    (unsigned)st.st_mode & 0777);
	while (rc == ERR_OK && (n = read(fd, buf + len, size - len)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			rc = err_set(e, ERR_IO, "read %s: %s", path, strerror(errno));
	}
	(void)close(fd);
	if (rc == ERR_OK && len == size)
		rc = err_set(e, ERR_CONFIG, "%s is too long for a key", path);
	if (rc == ERR_OK)
		*ret_len = len;
	return rc;
}

enum err_code
ca_key_load(const char *path, struct ca_key **ret, struct err *e)
{
	uint8_t buf[KEY_FILE_BYTES_MAX];
	EVP_PKEY *pkey = NULL;
	BIO *mem = NULL;
	size_t len = 0;
	enum err_code rc;

	if ((rc = read_private(path, buf, sizeof(buf), &len, e)) != ERR_OK)
		goto out;
	if ((mem = BIO_new_mem_buf(buf, (int)len)) == NULL ||
	    (pkey = PEM_read_bio_PrivateKey(mem, NULL, no_passphrase, NULL)) == NULL) {
		ERR_clear_error();
		rc = err_set(e, ERR_CONFIG, "%s: no private key in PEM, or an encrypted one", path);
		goto out;
	}
	rc = key_file_new(pkey, ret, e);
out:
	BIO_free(mem);
	OPENSSL_cleanse(buf, sizeof(buf));
	return rc;
}
