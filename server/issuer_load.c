#include "issuer_load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static enum err_code
on_ca(void *arg, const struct store_ca *ca, struct err *e)
{
	struct issuer_names *n = arg;

	if (n->count == LIMIT_CAS)
		return err_set(e, ERR_CONFIG, "the ledger has more than %d CAs", LIMIT_CAS);
	memcpy(n->names[n->count++], ca->name, sizeof(n->names[0]));
	return ERR_OK;
}

enum err_code
issuer_names_read(struct home *h, struct issuer_names *ret, struct err *e)
{
	ret->count = 0;
	return h->ops->ca_list(h->reader, on_ca, ret, e);
}

enum err_code
issuer_find(struct home *h, const char *name, struct store_ca *ret, struct err *e)
{
	struct issuer_names all;
	enum err_code rc;

	if (name == NULL) {
		if ((rc = issuer_names_read(h, &all, e)) != ERR_OK)
			return rc;
		if (all.count != 1)
			return err_set(e, ERR_USAGE, "there are %zu CAs: name one; `lineca ca list` lists them", all.count);
		name = all.names[0];
	}
	if ((rc = h->ops->ca_find(h->reader, name, ret, e)) == ERR_NOT_FOUND)
		return err_set(e, rc, "there is no CA \"%.64s\"; `lineca ca list` names them", name);
	return rc;
}

enum err_code
issuer_load(const struct home *h, const struct store_ca *ca, struct issuer **ret, struct err *e)
{
	char dir[HOME_PATH_BYTES], path[HOME_PATH_BYTES];
	struct ca_key *key = NULL;
	enum err_code rc;

	if ((rc = home_join(h, HOME_CA, dir, e)) != ERR_OK ||
	    (rc = file_join(path, sizeof(path), dir, ca->key_ref, e)) != ERR_OK)
		return rc;
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "the key of the CA %s is not here: %s is missing", ca->name, path);
	if ((rc = ca_key_load(path, &key, e)) != ERR_OK)
		return rc;
	return issuer_new(ca->der, ca->der_len, key, ret, e);
}
