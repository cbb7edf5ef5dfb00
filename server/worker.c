#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void
order_free(struct order *o)
{
	if (o == NULL)
		return;
	if (o->has_pattern)
		regfree(&o->pattern);
	free(o->things);
	free(o);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	while (w->orders != NULL) {
		struct order *o = w->orders;

		w->orders = o->next;
		order_free(o);
	}
	for (size_t i = 0; i < LIMIT_CAS; i++)
		issue_bench_free(w->benches[i]);
	w->line->home->ops->reader_close(w->reader);
	pop_free(w->pop);
	free(w);
}

/* Whole from the start: the first device must not wait for what the others find ready. */
static enum err_code
worker_new(struct line *l, struct worker **ret, struct err *e)
{
	struct issue_bench *bench;
	struct worker *w;
	enum err_code rc;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return err_set(e, ERR_NOMEM, "worker");
	w->line = l;
	if ((rc = pop_new(&w->pop, e)) != ERR_OK ||
	    (rc = l->home->ops->reader_open(l->home->store, &w->reader, e)) != ERR_OK)
		goto out;
	for (size_t i = 0; i < l->cas_count && rc == ERR_OK; i++)
		if (l->cas[i].issuer != NULL && l->cas[i].row.active)
			rc = worker_bench(w, &l->cas[i], &bench, e);
	if (rc != ERR_OK)
		goto out;
	*ret = w;
	w = NULL;
out:
	worker_free(w);
	return rc;
}

enum err_code
workers_prepare(struct line *l, unsigned count, struct err *e)
{
	struct worker *w = NULL;
	enum err_code rc;

	for (unsigned i = 0; i < count; i++) {
		if ((rc = worker_new(l, &w, e)) != ERR_OK)
			return rc;
		if (i == 0 && !pop_reuses_key(w->pop))
			log_event(LOG_WARN, "start", "this OpenSSL does not verify with a reused key: each P-256 request costs a little more");
		w->next = l->workers_idle;
		l->workers_idle = w;
	}
	return ERR_OK;
}

/* One of the prepared, or NULL. */
static struct worker *
take_idle(struct line *l)
{
	struct worker *w;

	(void)pthread_mutex_lock(&l->workers_mu);
	if ((w = l->workers_idle) != NULL) {
		l->workers_idle = w->next;
		w->next = l->workers;
		l->workers = w;
	}
	(void)pthread_mutex_unlock(&l->workers_mu);
	return w;
}

enum err_code
worker_get(struct line *l, struct worker **ret, struct err *e)
{
	struct worker *w;

	if ((w = pthread_getspecific(l->worker_key)) == NULL) {
		if ((w = take_idle(l)) == NULL)
			return err_set(e, ERR_INTERNAL, "more threads than workers were prepared for");
		if (pthread_setspecific(l->worker_key, w) != 0)
			return err_set(e, ERR_NOMEM, "worker: no thread-specific memory");
	}
	*ret = w;
	return ERR_OK;
}

enum err_code
worker_bench(struct worker *w, const struct line_ca *ca, struct issue_bench **ret, struct err *e)
{
	struct issue_bench **bench = &w->benches[ca - w->line->cas];
	enum err_code rc;

	if (ca->issuer == NULL || !ca->row.active)
		return err_set(e, ERR_CA_EXPIRED, "the CA %s has no key here or is not active", ca->row.name);
	if (*bench == NULL &&
	    (rc = issue_bench_new(ca->issuer, (unsigned)w->line->home->config.issue_verify_every, bench, e)) != ERR_OK)
		return rc;
	*ret = *bench;
	return ERR_OK;
}

enum {
	PATTERN_REPEATS_MAX = 1000,
	PATTERN_DEPTH_MAX = 8,		/* groups in groups */
	PATTERN_REPEATED_MAX = 2	/* of them repeated: the C library writes the inside of each x+ twice, and then twice again */
};

/* Behind a bracket expression that begins at p: a ] is part of it when it comes first. */
static const char *
skip_bracket(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	for (; *p != '\0' && *p != ']'; p++) {
		const char *end;

		/* [:alpha:] and its like; an end of theirs that is missing is no pattern anyway */
		if (*p != '[' || p[1] == '\0' || strchr(":.=", p[1]) == NULL)
			continue;
		if ((end = strchr(p + 2, p[1])) == NULL || end[1] != ']')
			return p + strlen(p);
		p = end + 1;
	}
	return p;
}

/* Groups in groups, and how many of those that lie in one another are repeated. */
static bool
nesting_is_cheap(const char *pattern)
{
	unsigned repeated[PATTERN_DEPTH_MAX + 1] = { 0 }, depth = 0;

	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0') {
			p++;
		} else if (*p == '[') {
			if (*(p = skip_bracket(p)) == '\0')
				return false;
		} else if (*p == '(') {
			if (++depth > PATTERN_DEPTH_MAX)
				return false;
			repeated[depth] = 0;
		} else if (*p == ')' && depth > 0) {
			unsigned inside = repeated[depth--] + (p[1] != '\0' && strchr("*+?{", p[1]) != NULL);

			if (inside > PATTERN_REPEATED_MAX)
				return false;
			if (inside > repeated[depth])
				repeated[depth] = inside;
		}
	}
	return true;
}

/* The C library compiles nested {n} by writing them out, and back-references by trying: both can take gigabytes or seconds. */
static bool
pattern_is_cheap(const char *pattern)
{
	long product = 1, count;

	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0') {
			if (*++p >= '1' && *p <= '9')
				return false;
		} else if (*p == '[') {
			if (*(p = skip_bracket(p)) == '\0')
				return false;
		} else if (*p == '{') {
			const char *comma = p + 1 + strspn(p + 1, "0123456789");

			count = strtol(p + 1, NULL, 10);
			if (*comma == ',' && comma[1] != '}')
				count = strtol(comma + 1, NULL, 10);
			if (count > PATTERN_REPEATS_MAX || (count > 1 && (product *= count) > PATTERN_REPEATS_MAX))
				return false;
		} else if (*p != '\0' && p[1] != '\0' && strchr("*+?}", p[0]) != NULL && strchr("*+?", p[1]) != NULL) {
			return false;	/* a++: the same without a group */
		}
	}
	return nesting_is_cheap(pattern);
}

enum err_code
pattern_compile(const char *pattern, regex_t *ret, struct err *e)
{
	char anchored[LIMIT_PATTERN_BYTES + 8], text[128];
	regex_t bare;
	int rc;

	if (strlen(pattern) > LIMIT_PATTERN_BYTES)
		return err_set(e, ERR_USAGE, "the pattern is longer than %d bytes", LIMIT_PATTERN_BYTES);
	if (!pattern_is_cheap(pattern))
		return err_set(e, ERR_USAGE, "the pattern %.80s has \\1 to \\9, repetitions {n} that multiply to more than %d, "
		    "or repeated groups in one another: write it without", pattern, PATTERN_REPEATS_MAX);
	(void)snprintf(anchored, sizeof(anchored), "^(%s)$", pattern);
	/* by itself first: "a)|(b" would fit between the anchors and undo them */
	if ((rc = regcomp(&bare, pattern, REG_EXTENDED | REG_NOSUB)) == 0)
		regfree(&bare);
	if (rc != 0 || (rc = regcomp(ret, anchored, REG_EXTENDED | REG_NOSUB)) != 0) {
		(void)regerror(rc, ret, text, sizeof(text));
		return err_set(e, ERR_USAGE, "the pattern %.80s is no POSIX extended expression: %s", pattern, text);
	}
	return ERR_OK;
}

static bool
order_find_profile(struct order *o, const struct config *c)
{
	const struct profile *p = config_profile(c, o->batch.profile);

	if (p != NULL)
		o->profile = *p;
	return o->has_profile = p != NULL;
}

/* Only those that make things matter here. */
static bool
order_find_targets(struct order *o, const struct config *c)
{
	const struct target *targets[LIMIT_TARGETS];
	struct err e;
	size_t n;

	if (config_batch_targets(c, o->batch.aws, targets, &n, &e) != ERR_OK)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!targets[i]->things)
			continue;
		if (o->things == NULL && (o->things = calloc(n, sizeof(*o->things))) == NULL)
			return false;
		o->things[o->things_count++] = *targets[i];
	}
	return o->has_targets = true;
}

/* By the settings of the start; else lineca.conf is read again: it may be newer than the server. */
static void
order_find_settings(struct order *o, const struct home *h)
{
	bool profile = order_find_profile(o, &h->config), targets = order_find_targets(o, &h->config);
	struct config *now = NULL;
	char path[HOME_PATH_BYTES];
	struct err e;

	if (profile && targets)
		return;
	if ((now = malloc(sizeof(*now))) != NULL && home_join(h, HOME_CONFIG, path, &e) == ERR_OK &&
	    config_load(path, now, &e) == ERR_OK) {
		if (!profile)
			(void)order_find_profile(o, now);
		if (!targets)
			(void)order_find_targets(o, now);
	}
	free(now);
}

static enum err_code
order_new(struct worker *w, const char *name, struct order **ret, struct err *e)
{
	const struct home *h = w->line->home;
	struct order *o;
	enum err_code rc;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		return err_set(e, ERR_NOMEM, "order");
	if ((rc = h->ops->batch_find(w->reader, name, &o->batch, e)) != ERR_OK)
		goto out;
	if ((o->ca = line_ca_by_id(w->line, o->batch.ca_id)) == NULL) {
		rc = err_set(e, ERR_INTERNAL, "batch %s: its CA %s was made after the server started; start it again", name,
		    o->batch.ca_name);
		goto out;
	}
	order_find_settings(o, h);
	if (o->batch.pattern[0] != '\0') {
		if ((rc = pattern_compile(o->batch.pattern, &o->pattern, e)) != ERR_OK)
			goto out;
		o->has_pattern = true;
	}
	*ret = o;
	o = NULL;
	rc = ERR_OK;
out:
	order_free(o);
	return rc;
}

/* The least recently used goes when there are too many. */
static void
orders_trim(struct worker *w)
{
	struct order **p = &w->orders;

	for (size_t n = 0; *p != NULL && n < WORKER_ORDERS_MAX; n++)
		p = &(*p)->next;
	order_free(*p);
	*p = NULL;
}

enum err_code
worker_order(struct worker *w, const char *name, struct order **ret, struct err *e)
{
	struct order **p, *o = NULL;
	enum err_code rc;

	for (p = &w->orders; *p != NULL; p = &(*p)->next) {
		if (strcmp((*p)->batch.name, name) != 0)
			continue;
		o = *p;
		*p = o->next;
		o->next = w->orders;
		*ret = w->orders = o;
		return ERR_OK;
	}
	if ((rc = order_new(w, name, &o, e)) != ERR_OK)
		return rc;
	o->next = w->orders;
	w->orders = o;
	orders_trim(w);
	*ret = o;
	return ERR_OK;
}
