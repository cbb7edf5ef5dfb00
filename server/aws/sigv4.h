/*
 * AWS Signature Version 4, header form (AWS General Reference, "Create a signed AWS API request"; checked against botocore's
 * auth.py).  For IoT and STS: the path, as sent, is encoded once more for the canonical request.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	SIGV4_DATE_BYTES = 17,			/* "20261120T030000Z" and its NUL */
	SIGV4_AUTHORIZATION_BYTES = 768
};

struct sigv4_header {
	const char	*name, *value;
};

/* One request as it goes over the wire; all borrowed. */
struct sigv4_request {
	const char			*service, *region;
	const char			*method;
	const char			*host;		/* as in the Host header: with the port when it is not the scheme's own */
	const char			*path;		/* percent-encoded, as sent */
	const char			*query;		/* percent-encoded, as sent, in any order; "" = none */
	const struct sigv4_header	*headers;	/* those to sign beside host, x-amz-date and x-amz-security-token */
	size_t				 headers_count;
	const void			*body;
	size_t				 body_len;
};

/*
 * The values of the headers X-Amz-Date and Authorization for a request signed at now_s (seconds since 1970, as AWS's clock
 * has it).  The caller also sends X-Amz-Security-Token when the credentials have a token: it is signed.
 * ERR_INTERNAL: OpenSSL failed, or the request does not fit (no secret in the text).
 */
ERR_MUST_CHECK enum err_code	sigv4_sign(const struct sigv4_request *r, const struct aws_credentials *c, int64_t now_s,
				    char date[SIGV4_DATE_BYTES], char authorization[SIGV4_AUTHORIZATION_BYTES], struct err *e);

/* The canonical request, for tests and for explaining a refused signature; holds the session token if there is one. */
void				sigv4_canonical(const struct sigv4_request *r, const char *session_token, const char *date,
				    struct buf *out);

/*
 * Appends text with everything but A-Z a-z 0-9 - _ . ~ as %XX (RFC 3986 2.3): path labels, query names and values.
 */
void				sigv4_encode(struct buf *out, const char *text);

#endif
