/*
 * The same policy as ca/'s, by the ordinary calls of OpenSSL and an independent check of strictness.  Slow, plain, and
 * sharing no code with what it judges.
 */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include "csr_maker.h"

struct opinion {
	bool		 accepted;
	const char	*why;			/* not accepted */
	struct bytes	 attr[SUBJECT_ATTRS];	/* empty: absent */
	struct bytes	 spki;
};

void	oracle_judge(const uint8_t *der, size_t len, struct opinion *ret);

#endif
