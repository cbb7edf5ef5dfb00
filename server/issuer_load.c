#include "issuer_load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* The name of the only CA, and how many there are. */
struct only_ca {
	char	name[LIMIT_NAME_BYTES + 1];
	int	count;
};

static enum err_code
on_ca(void *arg, const struct store_ca *ca, struct err *e)
{
	struct only_ca *only = arg;

	(void)e;
	memcpy(only->name, ca->name, sizeof(only->name));
	only->count++;
	return ERR_OK;
}

enum err_code
issuer_find(struct home *h, const char *name, struct store_ca *ret, struct err *e)
{
	struct only_ca only = { 0 };
	enum err_code rc;

	if (name == NULL) {
		if ((rc = h->ops->ca_list(h->reader, on_ca, &only, e)) != ERR_OK)
			return rc;
		if (only.count != 1)
			return err_set(e, ERR_USAGE, "there are %d CAs: name one; `lineca ca list` lists them", only.count);
		name = only.name;
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
