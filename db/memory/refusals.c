#include <string.h>

#include "db/memory/store_memory.h"

static struct store_refusal *
refusal_place(struct store *s, const struct store_refusal *r)
{
	struct store_refusal	*all;
	size_t			 i;

	for (i = 0; i < s->refusals_n; i++) {
		struct store_refusal	*one = &s->refusals[i];

		if (one->from_us == r->from_us && strcmp(one->code, r->code) == 0 && strcmp(one->batch, r->batch) == 0 &&
		    strcmp(one->station, r->station) == 0)
			return one;
	}
	if ((all = grow(s->refusals, s->refusals_n, &s->refusals_max, sizeof(*all))) == NULL)
		return NULL;
	s->refusals = all;
	all[s->refusals_n] = *r;
	return &all[s->refusals_n++];
}

static struct store_refused *
refused_place(struct store *s, const struct store_refused *r)
{
	struct store_refused	*all;
	size_t			 i;

	for (i = 0; i < s->refused_n; i++)
		if (s->refused[i].from_us == r->from_us)
			return &s->refused[i];
	if ((all = grow(s->refused, s->refused_n, &s->refused_max, sizeof(*all))) == NULL)
		return NULL;
	s->refused = all;
	all[s->refused_n] = *r;
	return &all[s->refused_n++];
}

static void
refusals_sweep(struct store *s, int64_t since_us)
{
	size_t	i, kept = 0;

	for (i = 0; i < s->refusals_n; i++)
		if (s->refusals[i].from_us >= since_us)
			s->refusals[kept++] = s->refusals[i];
	s->refusals_n = kept;
	for (i = kept = 0; i < s->refused_n; i++)
		if (s->refused[i].from_us >= since_us)
			s->refused[kept++] = s->refused[i];
	s->refused_n = kept;
	/* the oldest go first: they were written first */
	if (s->refusals_n > STORE_REFUSALS_MAX) {
		memmove(s->refusals, s->refusals + s->refusals_n - STORE_REFUSALS_MAX, STORE_REFUSALS_MAX * sizeof(*s->refusals));
		s->refusals_n = STORE_REFUSALS_MAX;
	}
}

enum err_code
memory_refusals_write(struct store *s, const struct store_refusal *rows, size_t n, const struct store_refused *quarters, size_t quarters_n,
    int64_t since_us, struct err *e)
{
	enum err_code	rc = ERR_OK;
	size_t		i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < n && rc == ERR_OK; i++) {
		struct store_refusal	*one = refusal_place(s, &rows[i]);

		if (one == NULL)
			rc = err_set(e, ERR_NOMEM, "refusals");
		else if (rows[i].count >= one->count)
			*one = rows[i];
	}
	for (i = 0; i < quarters_n && rc == ERR_OK; i++) {
		struct store_refused	*one = refused_place(s, &quarters[i]);

		if (one == NULL)
			rc = err_set(e, ERR_NOMEM, "refusals");
		else if (quarters[i].count > one->count)
			one->count = quarters[i].count;
	}
	if (rc == ERR_OK)
		refusals_sweep(s, since_us);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_refusal_list(struct store_reader *r, int64_t since_us, const char *batch,
    enum err_code (*row)(void *, const struct store_refusal *, struct err *), void *arg, struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->refusals_n && rc == ERR_OK; i++)
		if (s->refusals[i].from_us >= since_us && (batch == NULL || strcmp(s->refusals[i].batch, batch) == 0))
			rc = row(arg, &s->refusals[i], e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_refused_list(struct store_reader *r, int64_t since_us,
    enum err_code (*row)(void *, const struct store_refused *, struct err *), void *arg, struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->refused_n && rc == ERR_OK; i++)
		if (s->refused[i].from_us >= since_us)
			rc = row(arg, &s->refused[i], e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
