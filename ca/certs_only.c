#include "ca/certs_only.h"

#include <stdlib.h>
#include <string.h>

#include "ca/der.h"
#include "ca/oid.h"

enum { BAG_FRAME_BYTES = 64 };	/* all but the certificates: five headers of at most 5 bytes, two OIDs, a version, two empty sets */

/* ContentInfo { signedData, [0] { SignedData } }; runs backwards, as every builder here. */
static void
put_bag(struct der_writer *w, const struct certs_only_part *parts, size_t n)
{
	size_t mark;

	DER_PUT(w, "\x31\x00");				/* signerInfos: none */
	mark = der_mark(w);
	for (size_t i = n; i > 0; i--)
		der_put(w, parts[i - 1].der, parts[i - 1].len);
	der_wrap(w, DER_CONTEXT_0, mark);		/* certificates, IMPLICIT SET */
	mark = der_mark(w);
	der_put_element(w, DER_OID, OID_PKCS7_DATA, sizeof(OID_PKCS7_DATA) - 1);
	der_wrap(w, DER_SEQUENCE, mark);		/* encapContentInfo without eContent */
	DER_PUT(w, "\x31\x00");				/* digestAlgorithms: none */
	DER_PUT(w, "\x02\x01\x01");			/* version 1: RFC 5652 5.1, no attribute certificates, id-data */
	der_wrap(w, DER_SEQUENCE, 0);
	der_wrap(w, DER_CONTEXT_0, 0);
	der_put_element(w, DER_OID, OID_PKCS7_SIGNED_DATA, sizeof(OID_PKCS7_SIGNED_DATA) - 1);
	der_wrap(w, DER_SEQUENCE, 0);
}

enum err_code
certs_only_encode(const struct certs_only_part *parts, size_t n, uint8_t **ret, size_t *ret_len, struct err *e)
{
	size_t room = BAG_FRAME_BYTES, len;
	struct der_writer w;
	uint8_t *buf;

	for (size_t i = 0; i < n; i++)
		room += parts[i].len;
	if ((buf = malloc(room)) == NULL)
		return err_set(e, ERR_NOMEM, "a bag of %zu certificates", n);
	der_writer_init(&w, buf, room);
	put_bag(&w, parts, n);
	if (w.full) {
		free(buf);
		return err_set(e, ERR_INTERNAL, "a bag of %zu certificates: longer than planned", n);
	}
	len = der_mark(&w);
	memmove(buf, w.p, len);
	*ret = buf;
	*ret_len = len;
	return ERR_OK;
}
