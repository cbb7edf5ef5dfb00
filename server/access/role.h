/*
 * Roles, and what each may do: the one table of it.  Routes name what they need (server/routes.c), access.c asks here, /openapi.json tells it, and
 * tests/system/test_roles.py walks it.
 */
#ifndef ACCESS_ROLE_H
#define ACCESS_ROLE_H

#include <stdbool.h>

#include "base/err.h"

/* The numbers stand in the ledger (token.role): never change one. */
enum role { ROLE_NONE = 0, ROLE_ENROLL = 1, ROLE_VIEWER = 2, ROLE_TECHNICIAN = 3, ROLE_ADMIN = 4, ROLES };

/* What a route needs. */
enum access {
	ACCESS_ANYONE,		/* no right at all */
	ACCESS_ENROLL,		/* to be given a certificate */
	ACCESS_ENROLL_BODY,	/* the same, with the token in the body */
	ACCESS_RENEW,		/* the same for a device that has one from this line: its certificate is right enough */
	ACCESS_READ,
	ACCESS_CHANGE,		/* batches, the queue */
	ACCESS_ADMIN,		/* what an order is */
	ACCESS_SIGN_IN,		/* a token that a person may sign in with; it may stand in the body */
	ACCESSES
};

const char			*role_name(enum role r);	/* "technician"; ROLE_NONE: "nobody" */
ERR_MUST_CHECK enum err_code	 role_parse(const char *name, enum role *ret, struct err *e);	/* ERR_USAGE, naming the choices */
const char			*access_name(enum access a);	/* "anyone", "enroll", "enroll", "renew", "read", "change", "admin", "sign_in" */

bool				 role_may(enum role r, enum access a);

#endif
