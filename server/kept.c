#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { KEEP_TIMES = 20 };

void
kept_init(struct kept *k)
{
	*k = (struct kept) { .text = NULL };
	(void)pthread_mutex_init(&k->mu, NULL);
}

void
kept_done(struct kept *k)
{
	free(k->text);
	(void)pthread_mutex_destroy(&k->mu);
}

/* False: it has to be made. */
static bool
take(struct kept *k, char **ret)
{
	bool good;

	(void)pthread_mutex_lock(&k->mu);
	good = k->text != NULL && (k->making || clock_monotonic_us() - k->made_us < KEEP_TIMES * k->cost_us);
	if (good)
		*ret = strdup(k->text);
	else
		k->making = true;
	(void)pthread_mutex_unlock(&k->mu);
	return good;
}

static void
keep(struct kept *k, char *text, int64_t began_us)
{
	char *old = NULL;

	(void)pthread_mutex_lock(&k->mu);
	k->making = false;
	if (text != NULL) {
		old = k->text;
		k->text = text;
		k->made_us = clock_monotonic_us();
		k->cost_us = k->made_us - began_us;
	}
	(void)pthread_mutex_unlock(&k->mu);
	free(old);
}

enum err_code
kept_get(struct kept *k, enum err_code (*make)(void *arg, char **ret, struct err *), void *arg, char **ret, struct err *e)
{
	int64_t began_us = clock_monotonic_us();
	char *text = NULL;
	enum err_code rc;

	if (!take(k, &text)) {
		if ((rc = make(arg, &text, e)) != ERR_OK)
			text = NULL;
		keep(k, text != NULL ? strdup(text) : NULL, began_us);
		if (rc != ERR_OK)
			return rc;
	}
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "an answer");
	*ret = text;
	return ERR_OK;
}
