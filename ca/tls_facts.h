/* What a TLS server's certificate says, for people who compare it with what their client shows. */
#ifndef CA_TLS_FACTS_H
#define CA_TLS_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TLS_FACTS_NAMES_BYTES = 2048 };

struct tls_facts {
	char	names[TLS_FACTS_NAMES_BYTES];	/* of the subjectAltName: "line-1.example, 10.0.0.5"; cut at a name with ", ..."; "" if there are none */
	uint8_t	fingerprint[32];		/* SHA-256 of the DER */
	int64_t	not_before_s, not_after_s;
};

/* The first certificate of a PEM text: in a server's file that is its own.  ERR_CONFIG: none. */
ERR_MUST_CHECK enum err_code	tls_facts_read(const char *text, size_t len, struct tls_facts *ret, struct err *e);

#endif
