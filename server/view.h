/*
 * How the ledger's things look outside, as JSON: the same object in an HTTP answer and on the command line.
 * Every function returns NULL without memory; the caller deletes with cJSON_Delete.
 */
#ifndef SERVER_VIEW_H
#define SERVER_VIEW_H

#include <cjson/cJSON.h>

#include "ca/issuer.h"
#include "db/store.h"

cJSON	*view_certificate(const struct store_certificate *c);
cJSON	*view_batch(const struct store_batch *b);
/* revoked, revoking and revoke_parked, as a batch has them or the sum of all. */
void	 view_revoked(cJSON *o, int64_t revoked, int64_t revoking, int64_t revoke_parked);
cJSON	*view_rework(const struct store_rework *r);
cJSON	*view_event(const struct store_event *ev);
cJSON	*view_ca(const struct store_ca *ca, const struct ca_facts *facts);

/* A certificate in PEM, NUL-terminated, malloced; NULL without memory. */
char	*view_pem(const uint8_t *der, size_t der_len);

/* Members that are texts or times; a failed one is seen by the caller, who checks the whole. */
void	 view_time_s(cJSON *o, const char *name, int64_t s);
void	 view_time_us(cJSON *o, const char *name, int64_t us);	/* 0: null */

/* A member as it was put there, for those who print for people; "" and 0 for null and for none. */
const char	*view_text_of(const cJSON *o, const char *name);
int64_t		 view_number_of(const cJSON *o, const char *name);

/* Prints the object as one line with its end and deletes it.  NULL without memory (also for NULL). */
char	*view_print(cJSON *o);

/*
 * The same onto standard output.  ERR_NOMEM; ERR_IO when nobody takes it any more (| head), which ends a list of millions.
 */
ERR_MUST_CHECK enum err_code	view_put(cJSON *o, struct err *e);

#endif
