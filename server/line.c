#include "line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "issuer_load.h"
#include "openapi.h"
#include "routes.h"
#include "worker.h"

enum {
	CA_ENDS_SOON_S = 365 * 86400,		/* an order for a new CA takes an organisation months */
	CA_CUT_WORTH_SAYING_S = 90 * 86400	/* both last ten years by default: the first months are no news */
};

/* Words at start, while there is time: not on the day it ends. */
static void
warn_of_end(const struct line *l, const struct line_ca *ca)
{
	int64_t now_s = clock_now_s(l->clock), validity_s = 0;
	char end[CLOCK_TEXT_BYTES];

	clock_format_s(ca->facts.not_after_s, end);
	for (size_t i = 0; i < l->home->config.profiles_count; i++)
		if (!l->home->config.profiles[i].may_outlive_ca && l->home->config.profiles[i].validity_s > validity_s)
			validity_s = l->home->config.profiles[i].validity_s;
	if (now_s >= ca->facts.not_after_s)
		log_event(LOG_ERROR, "ca", "the CA %s ended at %s: it issues nothing any more; set up a new one", ca->row.name, end);
	else if (now_s + CA_ENDS_SOON_S >= ca->facts.not_after_s)
		log_event(LOG_WARN, "ca", "the CA %s ends at %s: set up a new one in time; its certificates are cut to that moment",
		    ca->row.name, end);
	else if (now_s + validity_s > ca->facts.not_after_s + CA_CUT_WORTH_SAYING_S)
		log_event(LOG_INFO, "ca", "certificates of the CA %s end with it at %s, earlier than their profile says",
		    ca->row.name, end);
}

static enum err_code
line_add_ca(void *arg, const struct store_ca *row, struct err *e)
{
	struct line *l = arg;
	struct line_ca *ca = &l->cas[l->cas_count];
	enum err_code rc;

	if (l->cas_count == LIMIT_CAS)
		return err_set(e, ERR_CONFIG, "more than %d CAs in this home", LIMIT_CAS);
	ca->row = *row;
	if ((ca->row.der = malloc(row->der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "CA certificate");
	memcpy(ca->row.der, row->der, row->der_len);
	l->cas_count++;
	if ((rc = ca_facts_read(row->der, row->der_len, &ca->facts, e)) != ERR_OK)
		return rc;
	/* the key may be elsewhere (a CA that only served another line): it then issues nothing here */
	rc = issuer_load(l->home, &ca->row, &ca->issuer, e);
	if (rc == ERR_NOT_FOUND && !row->active) {
		log_event(LOG_INFO, "ca", "the CA %s is inactive and its key is not here", row->name);
		return ERR_OK;
	}
	if (rc == ERR_OK)
		warn_of_end(l, ca);
	return rc;
}

/* On the writer's thread. */
static void
on_storage_failed(void *arg, const struct err *e)
{
	struct line *l = arg;

	log_err(LOG_ERROR, "storage", e);
	guard_storage_failed(&l->guard);
	line_stop(l);
}

static enum err_code
line_start_writer(struct line *l, struct err *e)
{
	const struct config *c = &l->home->config;
	struct writer_config cf = {
		.queue_max = (unsigned)c->commit_queue,
		.group_max = (unsigned)c->commit_group_max,
		.group_enough = (unsigned)c->commit_group_enough,
		.linger_us = c->commit_linger_us,
		.storage_failed = on_storage_failed,
		.arg = l,
	};

	return writer_start(l->home->ops, l->home->store, &cf, &l->writer, e);
}

enum {
	THROTTLE_KEYS = 32768,			/* addresses, tokens and device keys that are remembered at once: a megabyte */
	REPEATS_AT_ONCE = 500,
	WRONG_TOKENS_AT_ONCE = 10,
	LOGGED_PER_MINUTE = 10,
	SESSION_LONGEST_S = 12 * 3600		/* a shift and its handing over */
};

static enum err_code
line_limits(struct line *l, struct err *e)
{
	const struct config *c = &l->home->config;
	const struct throttle_rate rates[THROTTLES] = {
		[THROTTLE_ADDRESS] = { 60 * c->limits_requests_per_address, 2 * c->limits_requests_per_address + 1 },
		[THROTTLE_TOKEN] = { 60 * c->limits_requests_per_token, 2 * c->limits_requests_per_token + 1 },
		[THROTTLE_REPEAT] = { c->limits_repeats_per_minute, REPEATS_AT_ONCE },
		[THROTTLE_WRONG_TOKEN] = { c->limits_wrong_tokens_per_minute, WRONG_TOKENS_AT_ONCE },
		[THROTTLE_LOG] = { LOGGED_PER_MINUTE, LOGGED_PER_MINUTE },
	};
	enum err_code rc;

	if ((rc = throttle_new(rates, THROTTLE_KEYS, l->rnd, &l->throttle, e)) != ERR_OK)
		return rc;
	return sessions_new(c->server_session_idle_min * 60 * 1000000, (int64_t)SESSION_LONGEST_S * 1000000, l->rnd, &l->sessions, e);
}

/* Those whose client certificates count: the CAs that lineca.conf names, and this line's own. */
static enum err_code
line_trust(struct line *l, struct err *e)
{
	const char *file = l->home->config.tls_client_ca;
	char path[HOME_PATH_BYTES], *text = NULL;
	struct err why;
	enum err_code rc;
	size_t len;

	if ((rc = trust_new(&l->trust, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < l->cas_count; i++)
		if ((rc = trust_add(l->trust, l->cas[i].row.der, l->cas[i].row.der_len, e)) != ERR_OK)
			return rc;
	if (*file == '\0')
		return ERR_OK;
	if ((rc = home_resolve(l->home, file, path, e)) != ERR_OK ||
	    (rc = file_read(path, LIMIT_CONFIG_BYTES, &text, &len, e)) != ERR_OK)
		return rc;
	if ((rc = trust_add_pem(l->trust, text, len, &why)) != ERR_OK)
		rc = err_set(e, rc, "[tls] client_ca: %s: %s", path, why.log_text);
	free(text);
	return rc;
}

static void
keep_pulse(void *line, const struct clerk_desk *desk, bool at_end)
{
	struct line *l = line;

	pulse_keep(l->pulse, desk->ops, desk->store, l->clock->now_us(l->clock), at_end);
}

static enum err_code
line_start_clerks(struct line *l, struct err *e)
{
	char path[HOME_PATH_BYTES];
	enum err_code rc;

	if ((rc = home_join(l->home, HOME_LEDGER, path, e)) != ERR_OK)
		return rc;
	if ((rc = clerk_start(l->home->ops, path, &l->clerk, e)) != ERR_OK)
		return rc;
	clerk_settles(l->clerk);
	clerk_keeps(l->clerk, keep_pulse, l);
	return clerk_start(l->home->ops, path, &l->keymaker, e);
}

static enum err_code
line_open(struct line *l, struct err *e)
{
	struct home *h = l->home;
	uint64_t newest_serial;
	int64_t newest_us;
	enum err_code rc;

	/* what the last run left in the log goes into the file before anything new is promised */
	if ((rc = h->ops->checkpoint(h->store, e)) != ERR_OK ||
	    (rc = h->ops->newest(h->reader, &newest_serial, &newest_us, e)) != ERR_OK)
		return rc;
	serial_source_init(&l->serials, l->clock, l->rnd, newest_serial);
	guard_init(&l->guard, l->clock, h->path, h->config.guard_disk_reserve_mib << 20, newest_us);
	if ((rc = h->ops->ca_list(h->reader, line_add_ca, l, e)) != ERR_OK ||
	    (rc = pulse_new(h->config.server_shifts, &l->pulse, e)) != ERR_OK ||
	    (rc = pulse_recall(l->pulse, h->ops, h->reader, l->clock->now_us(l->clock), e)) != ERR_OK ||
	    (rc = line_limits(l, e)) != ERR_OK ||
	    (rc = line_trust(l, e)) != ERR_OK ||
	    (rc = openapi_new(routes, routes_count, &l->openapi, &l->openapi_len, e)) != ERR_OK ||
	    (rc = line_start_clerks(l, e)) != ERR_OK)
		return rc;
	return line_start_writer(l, e);
}

enum err_code
line_new(struct home *home, struct line **ret, struct err *e)
{
	struct line *l;
	enum err_code rc;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_set(e, ERR_NOMEM, "line");
	if (pthread_key_create(&l->worker_key, NULL) != 0) {
		free(l);
		return err_set(e, ERR_NOMEM, "line: no thread key");
	}
	(void)pthread_mutex_init(&l->workers_mu, NULL);
	kept_init(&l->uploads);
	l->home = home;
	l->clock = &clock_system;
	l->rnd = &rnd_system;
	l->started_us = l->clock->now_us(l->clock);
	if ((l->stop_fd = eventfd(0, EFD_CLOEXEC)) == -1)
		rc = err_set(e, ERR_IO, "eventfd: %s", strerror(errno));
	else
		rc = line_open(l, e);
	if (rc != ERR_OK) {
		line_free(l);
		return rc;
	}
	*ret = l;
	return ERR_OK;
}

static void
workers_free(struct worker **list)
{
	while (*list != NULL) {
		struct worker *w = *list;

		*list = w->next;
		worker_free(w);
	}
}

void
line_free(struct line *l)
{
	if (l == NULL)
		return;
	writer_stop(l->writer);
	clerk_stop(l->clerk);
	clerk_stop(l->keymaker);
	pulse_free(l->pulse);
	throttle_free(l->throttle);
	sessions_free(l->sessions);
	trust_free(l->trust);
	free(l->openapi);
	workers_free(&l->workers);
	workers_free(&l->workers_idle);
	for (size_t i = 0; i < l->cas_count; i++) {
		issuer_free(l->cas[i].issuer);
		store_ca_done(&l->cas[i].row);
	}
	if (l->stop_fd != -1)
		(void)close(l->stop_fd);
	(void)pthread_mutex_destroy(&l->workers_mu);
	kept_done(&l->uploads);
	(void)pthread_key_delete(l->worker_key);
	free(l);
}

const struct line_ca *
line_ca_by_id(const struct line *l, int64_t ca_id)
{
	for (size_t i = 0; i < l->cas_count; i++)
		if (l->cas[i].row.id == ca_id)
			return &l->cas[i];
	return NULL;
}

void
line_stop(struct line *l)
{
	uint64_t one = 1;

	if (write(l->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		log_event(LOG_ERROR, "stop", "the main thread cannot be told to stop: %s", strerror(errno));
}

enum err_code
line_ready(struct line *l, struct err *e)
{
	enum err_code rc = err_set(e, ERR_CA_EXPIRED, "no CA is active");
	int64_t now_us;

	for (size_t i = 0; i < l->cas_count && rc != ERR_OK; i++)
		if (l->cas[i].issuer != NULL && l->cas[i].row.active)
			rc = guard_check(&l->guard, &l->cas[i].facts, &now_us, e);
	return rc;
}
