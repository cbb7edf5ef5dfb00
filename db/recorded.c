#include "db/store_internal.h"

#include <stdlib.h>
#include <string.h>

enum err_code
recorded_new(const struct store_certificate *c, struct recorded **ret, struct err *e)
{
	struct recorded	*r;

	/* One allocation: the DER lies behind the row. */
	if ((r = malloc(sizeof(*r) + c->der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "recorded: %zu bytes", sizeof(*r) + c->der_len);
	r->certificate = *c;
	r->der = (uint8_t *)(r + 1);
	memcpy(r->der, c->der, c->der_len);
	r->certificate.der = r->der;
	*ret = r;
	return ERR_OK;
}

const struct store_certificate *
recorded_certificate(const struct recorded *r)
{
	return &r->certificate;
}

void
recorded_free(struct recorded *r)
{
	free(r);
}
