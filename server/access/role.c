#include "access/role.h"

#include <string.h>

static const char *const role_names[ROLES] = {
	[ROLE_NONE] = "nobody", [ROLE_ENROLL] = "enroll", [ROLE_VIEWER] = "viewer", [ROLE_TECHNICIAN] = "technician", [ROLE_ADMIN] = "admin",
};

static const char *const access_names[ACCESSES] = {
	[ACCESS_ANYONE] = "anyone", [ACCESS_ENROLL] = "enroll", [ACCESS_ENROLL_BODY] = "enroll", [ACCESS_RENEW] = "renew", [ACCESS_READ] = "read",
	[ACCESS_CHANGE] = "change", [ACCESS_ADMIN] = "admin", [ACCESS_SIGN_IN] = "sign_in",
};

/* What is not here is not allowed: a role or a right that is added later begins with nothing. */
static const bool allowed[ROLES][ACCESSES] = {
	[ROLE_NONE] = { [ACCESS_ANYONE] = true },
	[ROLE_ENROLL] = { [ACCESS_ANYONE] = true, [ACCESS_ENROLL] = true, [ACCESS_ENROLL_BODY] = true, [ACCESS_RENEW] = true },
	[ROLE_VIEWER] = { [ACCESS_ANYONE] = true, [ACCESS_READ] = true, [ACCESS_SIGN_IN] = true },
	[ROLE_TECHNICIAN] = {
		[ACCESS_ANYONE] = true, [ACCESS_ENROLL] = true, [ACCESS_ENROLL_BODY] = true, [ACCESS_RENEW] = true, [ACCESS_READ] = true, [ACCESS_CHANGE] = true,
		[ACCESS_SIGN_IN] = true,
	},
	[ROLE_ADMIN] = {
		[ACCESS_ANYONE] = true, [ACCESS_ENROLL] = true, [ACCESS_ENROLL_BODY] = true, [ACCESS_RENEW] = true, [ACCESS_READ] = true, [ACCESS_CHANGE] = true,
		[ACCESS_ADMIN] = true, [ACCESS_SIGN_IN] = true,
	},
};

const char *
role_name(enum role r)
{
	return (unsigned)r < ROLES ? role_names[r] : role_names[ROLE_NONE];
}

enum err_code
role_parse(const char *name, enum role *ret, struct err *e)
{
	/* nobody gives out the right of nobody */
	for (unsigned r = ROLE_ENROLL; r < ROLES; r++) {
		if (strcmp(name, role_names[r]) == 0) {
			*ret = (enum role)r;
			return ERR_OK;
		}
	}
	return err_say(e, ERR_USAGE, "there is no role \"%.40s\": choose enroll, viewer, technician or admin", name);
}

const char *
access_name(enum access a)
{
	return (unsigned)a < ACCESSES ? access_names[a] : "";
}

bool
role_may(enum role r, enum access a)
{
	/* the number of a role came from the ledger, and may be one that only a newer program knows */
	return (unsigned)r < ROLES && (unsigned)a < ACCESSES && allowed[r][a];
}
