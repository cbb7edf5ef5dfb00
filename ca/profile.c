#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/stages.h"

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	/*
	 * What a certificate holds besides names, key and signature: version, serial, algorithm twice, times, five
	 * extensions, the headers around them, eleven bytes at most around each subject value: 340; rounded up.
	 */
	CERTIFICATE_FRAME_BYTES = 400
};

/* 9999-12-31T23:59:59Z: no well-defined end, RFC 5280 4.1.2.5; also the last time there can be. */
#define END_OF_TIME_S	INT64_C(253402300799)

const struct profile profile_default = {
	.name = "default",
	.backdate_s = HOUR_S,
	.validity_s = INT64_C(3650) * DAY_S,
};

static int64_t
not_after(const struct profile *p, const struct ca_facts *ca, int64_t now_s)
{
	int64_t end_s = p->no_expiry || p->validity_s > END_OF_TIME_S - now_s ? END_OF_TIME_S : now_s + p->validity_s;

	return !p->may_outlive_ca && end_s > ca->not_after_s ? ca->not_after_s : end_s;
}

static int64_t
not_before(const struct profile *p, const struct ca_facts *ca, int64_t now_s)
{
	return now_s - p->backdate_s < ca->not_before_s ? ca->not_before_s : now_s - p->backdate_s;
}

static enum err_code
check_time(const struct ca_facts *ca, int64_t now_s, struct err *e)
{
	if (now_s < ca->not_before_s)
		return err_set(e, ERR_CLOCK, "the clock (%lld) is before the CA's notBefore (%lld)", (long long)now_s,
		    (long long)ca->not_before_s);
	if (now_s > ca->not_after_s)
		return err_set(e, ERR_CA_EXPIRED, "the CA's notAfter (%lld) has passed (%lld)", (long long)ca->not_after_s,
		    (long long)now_s);
	return ERR_OK;
}

static size_t
subject_bytes(const struct csr *c)
{
	size_t sum = 0;

	for (int a = 0; a < SUBJECT_ATTRS; a++)
		sum += c->attr[a].len;
	return sum;
}

/* A subject of the longest values can fit for a small CA and not for one with a long name and an RSA-4096 key. */
static enum err_code
check_size(const struct issuer *i, const struct csr *c, struct err *e)
{
	if (CERTIFICATE_FRAME_BYTES + subject_bytes(c) + c->spki.len + i->name.len + LIMIT_SIGNATURE_BYTES >
	    LIMIT_CERTIFICATE_BYTES)
		return err_say(e, ERR_SUBJECT, "The subject is too long: its values have %zu bytes together; shorten them.",
		    subject_bytes(c));
	return ERR_OK;
}

/* Copies v behind what the plan holds already. */
static struct der
keep(uint8_t **p, struct der v)
{
	struct der kept = { *p, v.len };

	if (v.len > 0)
		memcpy(*p, v.p, v.len);
	*p += v.len;
	return kept;
}

enum err_code
plan_new(const struct profile *p, const struct issuer *i, const struct csr *c, int64_t now_s,
    const uint8_t serial[SERIAL_BYTES], struct plan **ret, struct err *e)
{
	struct plan *plan;
	uint8_t *bytes;
	enum err_code rc;

	assert(c->checks == CSR_ALL_CHECKS);
	if ((rc = check_time(&i->facts, now_s, e)) != ERR_OK || (rc = check_size(i, c, e)) != ERR_OK)
		return rc;
	if ((plan = malloc(sizeof(*plan) + subject_bytes(c) + c->spki.len)) == NULL)
		return err_set(e, ERR_NOMEM, "plan");
	*plan = (struct plan){
		.issuer = i,
		.not_before_s = not_before(p, &i->facts, now_s),
		.not_after_s = not_after(p, &i->facts, now_s),
		.key_type = c->key_type,
	};
	memcpy(plan->serial, serial, sizeof(plan->serial));
	memcpy(plan->device_id, c->device_id, sizeof(plan->device_id));
	memcpy(plan->key_id, c->key_id, sizeof(plan->key_id));
	memcpy(plan->subject_key_id, c->subject_key_id, sizeof(plan->subject_key_id));
	bytes = plan->bytes;
	for (int a = 0; a < SUBJECT_ATTRS; a++)
		plan->attr[a] = keep(&bytes, c->attr[a]);
	plan->spki = keep(&bytes, c->spki);
	*ret = plan;
	return ERR_OK;
}

void
plan_free(struct plan *p)
{
	free(p);
}
