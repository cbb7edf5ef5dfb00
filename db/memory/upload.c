/* What the upload writes besides registrations: targets, runs, verification certificates. */
#include <stdio.h>
#include <string.h>

#include "db/memory/store_memory.h"

enum err_code
memory_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e)
{
	struct store_target	*t;
	size_t			 i;
	enum err_code		 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->targets_n; i++) {
		if (strcmp(s->targets[i].account, account) == 0 && strcmp(s->targets[i].region, region) == 0)
			break;
	}
	if (i < s->targets_n)
		*ret_id = s->targets[i].id;
	else if (account[0] == '\0' || strlen(account) > LIMIT_ACCOUNT_BYTES || region[0] == '\0' ||
	    strlen(region) > LIMIT_REGION_BYTES)
		rc = err_set(e, ERR_INTERNAL, "target: no account or no region");
	else if ((t = grow(s->targets, s->targets_n, &s->targets_max, sizeof(*t))) == NULL)
		rc = err_set(e, ERR_NOMEM, "target");
	else {
		s->targets = t;
		t = &s->targets[s->targets_n++];
		t->id = (int64_t)s->targets_n;
		(void)snprintf(t->account, sizeof(t->account), "%s", account);
		(void)snprintf(t->region, sizeof(t->region), "%s", region);
		*ret_id = t->id;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e)
{
	struct store_upload_run	*more;
	enum err_code		 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if ((more = grow(s->runs, s->runs_n, &s->runs_max, sizeof(*more))) == NULL)
		rc = err_set(e, ERR_NOMEM, "upload run");
	else {
		s->runs = more;
		run->id = (int64_t)s->runs_n + 1;
		s->runs[s->runs_n++] = *run;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e)
{
	struct store	*s = r->store;

	(void)e;
	(void)pthread_mutex_lock(&s->mu);
	if (s->runs_n > 0)
		*ret = s->runs[s->runs_n - 1];
	else
		memset(ret, 0, sizeof(*ret));
	(void)pthread_mutex_unlock(&s->mu);
	return ERR_OK;
}

struct verification *
verification_find(struct store *s, int64_t id)
{
	size_t	i;

	for (i = 0; i < s->verifications_n; i++) {
		if (s->verifications[i].id == id)
			return &s->verifications[i];
	}
	return NULL;
}

enum err_code
memory_verification_record(struct store *s, int64_t ca_id, const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der,
    size_t der_len, int64_t issued_at_us, struct err *e)
{
	struct verification	*more;
	int64_t			 id = store_serial_key(serial);
	enum err_code		 rc = ERR_OK;

	/* Nobody reads the certificate again but an auditor, and he has no business here. */
	(void)der;
	(void)der_len;
	(void)pthread_mutex_lock(&s->mu);
	if (ca_id < 1 || (size_t)ca_id > s->cas_n)
		rc = err_set(e, ERR_NOT_FOUND, "verification: there is no CA %lld", (long long)ca_id);
	else if (row_of(s, id) != NULL || verification_find(s, id) != NULL)
		rc = err_set(e, ERR_CONFLICT, "verification: serial %lld is taken", (long long)id);
	else if ((more = grow(s->verifications, s->verifications_n, &s->verifications_max, sizeof(*more))) == NULL)
		rc = err_set(e, ERR_NOMEM, "verification");
	else {
		s->verifications = more;
		s->verifications[s->verifications_n++] = (struct verification){ .id = id, .ca_id = ca_id,
		    .issued_at_us = issued_at_us };
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
