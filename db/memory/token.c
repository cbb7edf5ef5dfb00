#include <string.h>

#include "db/memory/store_memory.h"

static struct store_token *
token_by_name(struct store *s, const char *name)
{
	size_t	i;

	for (i = 0; i < s->tokens_n; i++) {
		if (strcmp(s->tokens[i].name, name) == 0)
			return &s->tokens[i];
	}
	return NULL;
}

static struct store_token *
token_by_hash(struct store *s, const uint8_t *hash)
{
	size_t	i;

	for (i = 0; i < s->tokens_n; i++) {
		if (memcmp(s->tokens[i].hash, hash, STORE_HASH_BYTES) == 0)
			return &s->tokens[i];
	}
	return NULL;
}

/* Room for one more; what no token may be is refused here, as the schema does. */
static enum err_code
token_judge(struct store *s, const struct store_token *t, struct err *e)
{
	struct store_token	*more;

	if (token_by_name(s, t->name) != NULL)
		return store_token_taken(t->name, e);
	if (t->name[0] == '\0' || t->role < 1 || t->role > 4 || token_by_hash(s, t->hash) != NULL)
		return err_set(e, ERR_INTERNAL, "token: no name, no such role, or a hash that is there");
	if ((more = grow(s->tokens, s->tokens_n, &s->tokens_max, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "token");
	s->tokens = more;
	return event_room(s, e);
}

enum err_code
memory_token_create(struct store *s, const struct store_token *t, const struct store_who *who, struct err *e)
{
	const struct store_batch	*b = NULL;
	struct store_token		 full = *t;
	struct store_event		 ev;
	enum err_code			 rc = ERR_OK;

	full.batch_name[0] = '\0';
	full.revoked_at_us = full.last_used_at_us = 0;
	(void)pthread_mutex_lock(&s->mu);
	if (t->batch_id != -1 && (b = batch_of(s, t->batch_id)) == NULL)
		rc = err_set(e, ERR_INTERNAL, "token: there is no batch %lld", (long long)t->batch_id);
	if (b != NULL)
		memcpy(full.batch_name, b->name, sizeof(full.batch_name));
	if (rc == ERR_OK && (rc = event_token_create(&ev, who, t, full.batch_name, e)) == ERR_OK &&
	    (rc = token_judge(s, t, e)) == ERR_OK) {
		full.id = (int64_t)s->tokens_n + 1;
		s->tokens[s->tokens_n++] = full;
		event_add(s, &ev);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_token_revoke(struct store *s, const char *name, const struct store_who *who, struct err *e)
{
	struct store_token	*t;
	struct store_event	 ev;
	enum err_code		 rc;

	if ((rc = event_make(&ev, who, "token.revoke", name, e, "%s", "")) != ERR_OK)
		return rc;
	(void)pthread_mutex_lock(&s->mu);
	if ((t = token_by_name(s, name)) == NULL)
		rc = store_token_missing(name, e);
	else if (t->revoked_at_us == 0 && (rc = event_room(s, e)) == ERR_OK) {
		t->revoked_at_us = who->at_us > 0 ? who->at_us : 1;
		event_add(s, &ev);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_token_used(struct store *s, const struct store_token_use *uses, size_t n, struct err *e)
{
	size_t	i;

	(void)e;
	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < n; i++) {
		if (uses[i].token_id >= 1 && (size_t)uses[i].token_id <= s->tokens_n &&
		    s->tokens[uses[i].token_id - 1].last_used_at_us < uses[i].at_us)
			s->tokens[uses[i].token_id - 1].last_used_at_us = uses[i].at_us;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return ERR_OK;
}

enum err_code
memory_token_find(struct store_reader *r, const uint8_t hash[STORE_HASH_BYTES], struct store_token *ret, struct err *e)
{
	struct store			*s = r->store;
	const struct store_token	*t;
	enum err_code			 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if ((t = token_by_hash(s, hash)) != NULL)
		*ret = *t;
	else
		rc = err_set(e, ERR_NOT_FOUND, "ledger: no such token");
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_token_find_id(struct store_reader *r, int64_t id, struct store_token *ret, struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if (id >= 1 && (size_t)id <= s->tokens_n)
		*ret = s->tokens[id - 1];
	else
		rc = err_set(e, ERR_NOT_FOUND, "ledger: no such token");
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_token_list(struct store_reader *r, enum err_code (*row)(void *, const struct store_token *, struct err *), void *arg,
    struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->tokens_n && rc == ERR_OK; i++)
		rc = row(arg, &s->tokens[i], e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
