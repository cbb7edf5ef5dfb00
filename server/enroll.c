/*
 * One enrolment, step by step:
 *
 *   worker   1 the door reads: which batch    404, 409; 403 where the token is for another
 *            2 body -> CSR, syntax, key, subject: the cheap checks
 *                                              400, 422
 *            3 pattern and list of the batch   403; does a certificate's owner ask for itself?  403
 *            4 the same key again and again?   held for a second, then on
 *            5 proof of possession             400 (or the key is made here)
 *            6 may it be issued, and now?      422, 503, 507; a certificate that is recorded already is answered all the same
 *            7 a place in the writer's queue   503
 *            8 plan, sign, self-check          500
 *            9 suspend, push, look away
 *   writer  10 one transaction for the group: quota, device, key, outbox
 *   worker  11 the door answers from the recorded row
 *
 * There is no look for a recorded certificate before step 8: nearly every request is a new device, and the transaction decides in
 * any case.  A repeated request costs one signature that nobody sees.
 */
#include "enroll.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "access/throttle.h"
#include "base/hex.h"
#include "base/log.h"
#include "ca/csr.h"
#include "ca/issue.h"
#include "ca/keygen.h"
#include "ca/pem.h"
#include "ca/profile.h"
#include "ca/renewal.h"
#include "enroll_batch.h"
#include "worker.h"

enum stage { STAGE_PARSE, STAGE_POP, STAGE_SIGN, STAGE_RECORD, STAGES };

static const char *const stage_keys[STAGES] = {
	[STAGE_PARSE] = "parse_us",
	[STAGE_POP] = "pop_us",
	[STAGE_SIGN] = "sign_us",
	[STAGE_RECORD] = "record_us",
};

/* One request on its way; belongs to the worker, and from push to done to the writer. */
struct enroll {
	struct writer_item	 item;		/* first: the writer hands it back */
	struct store_certificate certificate;	/* what item records */
	struct line		*line;
	struct http_request	*req;
	const struct enroll_door *door;
	struct enroll_ask	 ask;		/* its owned bytes until the CSR was read */
	struct csr		*csr;
	struct device_key	*key;		/* ask.keygen: made here, */
	struct clerk_job	 key_job;	/* by the keymaker, */
	enum err_code		 key_rc;	/* with this result */
	struct err		 key_err;
	struct issued		*issued;
	const struct line_ca	*ca;
	char			 batch[LIMIT_NAME_BYTES + 1];
	char			 device_id[LIMIT_DEVICE_ID_BYTES + 1];	/* for the log; "" until it is known to be clean */
	int64_t			 stage_began_us;
	int64_t			 stage_us[STAGES];
};

/* What the door read may hold a token, or a key that should not have come. */
static void
ask_done(struct enroll_ask *ask)
{
	if (ask->owned != NULL)
		explicit_bzero(ask->owned, strlen(ask->owned));
	free(ask->owned);
	ask->owned = NULL;
	ask->csr = NULL;
	ask->token = NULL;
}

static void
enroll_free(struct enroll *en)
{
	if (en == NULL)
		return;
	issued_free(en->issued);
	device_key_free(en->key);
	csr_free(en->csr);
	ask_done(&en->ask);
	recorded_free(en->item.row.recorded);
	free(en);
}

static void
stage_done(struct enroll *en, enum stage stage)
{
	int64_t now = clock_monotonic_us();

	en->stage_us[stage] = now - en->stage_began_us;
	en->stage_began_us = now;
}

static void
enroll_log(const struct enroll *en, const struct store_certificate *c, bool is_new, const struct err *e)
{
	/* the door may have chosen another than ours; 0: it is still held back */
	unsigned replied = http_request_status(en->req), status = replied != 0 ? replied : http_status(e != NULL ? e->code : ERR_OK);
	const struct actor *actor = access_actor(en->req);
	char serial[2 * STORE_SERIAL_BYTES + 1];
	struct log_line l;

	log_begin(&l, status >= 500 ? LOG_ERROR : LOG_INFO, "enroll");
	log_text(&l, "request", http_request_id(en->req));
	log_text(&l, "peer", http_request_peer(en->req));
	log_text(&l, "door", en->door->name);
	if (actor->name[0] != '\0')
		log_text(&l, "by", actor->name);
	log_text(&l, "batch", en->batch);
	log_text(&l, "device", en->device_id);
	if (c != NULL) {
		hex_encode(c->serial, sizeof(c->serial), serial);
		log_text(&l, "serial", serial);
	}
	log_text(&l, "outcome", e != NULL ? err_name(e->code) : is_new ? "issued" : "repeated");
	log_number(&l, "status", status);
	if (e != NULL)
		log_text(&l, "message", e->log_text);
	for (size_t i = 0; i < STAGES; i++)
		if (en->stage_us[i] > 0)
			log_number(&l, stage_keys[i], en->stage_us[i]);
	if (en->item.commit_us > 0)
		log_number(&l, "commit_us", en->item.commit_us);
	log_number(&l, "total_us", clock_monotonic_us() - http_request_started_us(en->req));
	log_end(&l);
}

/* For the page: what has just happened, and at which station. */
static void
enroll_pulse(const struct enroll *en, enum pulse_outcome outcome, enum err_code code, const char *serial)
{
	pulse_note(en->line->pulse, &(struct pulse_event){
		.at_us = en->line->clock->now_us(en->line->clock), .outcome = outcome, .code = code, .device_id = en->device_id,
		.batch = en->batch, .station = access_station(en->req), .door = en->door->name,
		.serial = serial });
}

static void
enroll_refuse(struct enroll *en, const struct err *e)
{
	atomic_fetch_add_explicit(&en->line->tally.refused[e->code], 1, memory_order_relaxed);
	enroll_pulse(en, PULSE_REFUSED, e->code, NULL);
	http_refuse(en->req, e);
	if (!http_request_is_quiet(en->req))
		enroll_log(en, NULL, false, e);
	enroll_free(en);
}

/* ---- the answer */

char *
enroll_pem(const struct enroll_reply *r, bool chain, size_t *ret_len)
{
	const struct store_certificate *c = recorded_certificate(r->recorded);
	size_t chain_len = 0, leaf_len;
	const char *chain_pem = issuer_chain_pem(r->ca->issuer, &chain_len);
	char *body = malloc(pem_certificate_bytes(c->der_len) + chain_len + 1);

	if (body == NULL)
		return NULL;
	leaf_len = pem_encode_certificate(c->der, c->der_len, body);
	if (!chain)
		chain_len = 0;
	memcpy(body + leaf_len, chain_pem, chain_len);
	body[leaf_len + chain_len] = '\0';
	*ret_len = leaf_len + chain_len;
	return body;
}

/* Takes only what is recorded: nothing else can become an answer (P1). */
static void
enroll_answer(struct enroll *en, const struct recorded *recorded, bool is_new)
{
	const struct store_certificate *c = recorded_certificate(recorded);
	struct enroll_reply reply = { .recorded = recorded, .ca = en->ca, .is_new = is_new };
	char serial[2 * STORE_SERIAL_BYTES + 1], location[64 + sizeof(serial)];

	hex_encode(c->serial, sizeof(c->serial), serial);
	(void)snprintf(location, sizeof(location), "/v1/certificates/%s", serial);
	http_reply_header(en->req, "Location", location);
	if (en->key != NULL)
		reply.key = device_key_pkcs8(en->key, &reply.key_len);
	atomic_fetch_add_explicit(is_new ? &en->line->tally.issued : &en->line->tally.repeated, 1, memory_order_relaxed);
	enroll_pulse(en, is_new ? PULSE_ISSUED : PULSE_REPEATED, ERR_OK, serial);
	en->door->answer(en->req, &reply);
	enroll_log(en, c, is_new, NULL);
	enroll_free(en);
}

/* What the transaction refused, in words for the station. */
static void
enroll_say(struct enroll *en)
{
	struct err *e = &en->item.err;

	if (en->item.row.result == ERR_KEY_REUSED)
		(void)err_say(e, ERR_KEY_REUSED,
		    "This key belongs to the device %s: a cloned image. Stop and tell the engineer; no two devices may share a key.",
		    en->item.row.other);
	else if (en->item.row.result == ERR_DEVICE_EXISTS && en->item.row.may_rekey)
		(void)err_say(e, ERR_DEVICE_EXISTS, "The certificate that was shown is not the newest of %s any more: renew with the newest one.",
		    en->device_id);
	else if (en->item.row.result == ERR_DEVICE_EXISTS)
		(void)err_say(e, ERR_DEVICE_EXISTS,
		    "The device %s has a certificate for another key: it was re-flashed, or two devices carry one label. "
		    "Set it aside; sending again does not help.", en->device_id);
	else if (en->item.row.result == ERR_BATCH_WAITING)
		(void)err_say(e, ERR_BATCH_WAITING, "The batch %s waits for approval. Nothing was issued; send the same request again later.",
		    en->batch);
	else if (en->item.row.result == ERR_BATCH_CLOSED)
		(void)err_say(e, ERR_BATCH_CLOSED, "The batch %s is closed. Nothing was issued; ask the line lead to open it.", en->batch);
	else if (en->item.row.result == ERR_BATCH_FULL)
		(void)err_say(e, ERR_BATCH_FULL, "The batch %s has issued all that was ordered. Set %s aside and ask for a new batch.",
		    en->batch, en->device_id);
}

/* Worker again: the writer has decided.  The client may have hung up; its certificate is recorded, and is there when it asks again. */
static void
enroll_resumed(struct http_request *req, void *arg)
{
	struct enroll *en = arg;

	(void)req;
	stage_done(en, STAGE_RECORD);
	if (en->item.row.result != ERR_OK) {
		enroll_say(en);
		enroll_refuse(en, &en->item.err);
		return;
	}
	enroll_answer(en, en->item.row.recorded, en->item.row.is_new);
}

/* Writer's thread. */
static void
enroll_recorded(struct writer_item *item)
{
	struct enroll *en = (struct enroll *)(void *)item;

	if (item->row.result == ERR_OK && item->row.is_new)
		guard_issued(&en->line->guard, en->certificate.issued_at_us);
	http_resume(en->req);	/* en may be gone from here on */
}

/* ---- the way there */

/* Syntax, key and subject: what costs little.  The body is wiped if a private key came. */
static enum err_code
parse_body(struct enroll *en, struct worker *w, struct err *e)
{
	enum err_code rc;
	size_t der_len;

	rc = pem_decode_request(en->ask.csr, en->ask.csr_len, w->der, sizeof(w->der), &der_len, e);
	if (rc == ERR_PRIVATE_KEY)
		http_request_wipe_body(en->req);
	ask_done(&en->ask);
	if (rc != ERR_OK ||
	    (rc = csr_parse(w->der, der_len, &en->csr, e)) != ERR_OK ||
	    (rc = subject_check(en->csr, e)) != ERR_OK)
		return rc;
	(void)snprintf(en->device_id, sizeof(en->device_id), "%s", csr_device_id(en->csr));
	return keycheck(en->csr, e);
}

/* The ledger must know a certificate that is shown as ours; that it is the device's newest when it is renewed, the transaction sees. */
static enum err_code
check_in_ledger(struct enroll *en, struct worker *w, const struct trust_peer *peer, struct err *e)
{
	struct recorded *recorded = NULL;
	enum err_code rc = ERR_NOT_FOUND;
	bool same = false;

	if (peer->serial_len == STORE_SERIAL_BYTES)
		rc = en->line->home->ops->recorded_find_serial(w->reader, peer->serial, &recorded, e);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_OK) {
		const struct store_certificate *c = recorded_certificate(recorded);

		same = c->state != CERTIFICATE_REVOKED && strcmp(c->device_id, en->device_id) == 0 &&
		    memcmp(c->certificate_id, peer->certificate_id, sizeof(c->certificate_id)) == 0;
		en->item.row.renews_id = store_serial_key(c->serial);
	}
	recorded_free(recorded);
	if (!same)
		return err_say(e, ERR_FORBIDDEN, "The certificate that was shown is not that of %s in this line's ledger, or was revoked.", en->device_id);
	return ERR_OK;
}

/* Whose certificate a client shows may say for which device it asks. */
static enum err_code
check_owner(struct enroll *en, struct worker *w, struct err *e)
{
	const struct config *c = &en->line->home->config;
	const struct actor *actor = access_actor(en->req);
	bool own = false;
	const struct trust_peer *peer = access_peer(en->req, en->line, &own);
	struct http_certificate leaf;
	enum err_code rc;

	if (en->ask.renew) {
		/* clients may show a token beside it (RFC 7030 3.2.3) */
		if (peer == NULL || !own || http_request_certificates(en->req, &leaf, 1) != 1)
			return err_say(e, ERR_FORBIDDEN, "Renewing needs TLS with the device's present certificate from this line; without one, enroll.");
		if ((rc = renewal_check(en->csr, leaf.der, leaf.len, e)) != ERR_OK)
			return rc;
		en->item.row.may_rekey = true;
		return check_in_ledger(en, w, peer, e);
	}
	/* a token that may enroll does so for whichever device */
	if (actor->token_id != 0 && c->server_enroll != ENROLL_CERTIFICATE && role_may(actor->role, ACCESS_ENROLL))
		return ERR_OK;
	if (peer == NULL && (actor->by == ACTOR_CERTIFICATE || actor->by == ACTOR_DEVICE))
		return err_say(e, ERR_UNAUTHORIZED, "The client certificate has just expired.");
	if (peer == NULL || (!own && (c->tls_client_name != CLIENT_NAME_SAME || strcmp(peer->serial_number, en->device_id) == 0)))
		return ERR_OK;
	if (strcmp(peer->common_name, en->device_id) != 0)
		return err_say(e, ERR_FORBIDDEN, "The client certificate is that of %s, and the request is for %s.", peer->name, en->device_id);
	return own ? check_in_ledger(en, w, peer, e) : ERR_OK;
}

/* Does this batch want this device? */
static enum err_code
check_listed(struct enroll *en, struct worker *w, struct order *o, struct err *e)
{
	bool listed = true;
	enum err_code rc;

	if (o->has_pattern && regexec(&o->pattern, en->device_id, 0, NULL, 0) != 0)
		return err_say(e, ERR_DEVICE_NOT_LISTED, "The device id %s does not fit the batch %s (%.100s). Check its label and the batch.",
		    en->device_id, en->batch, o->batch.pattern);
	if (!o->batch.listed)
		return ERR_OK;
	if ((rc = en->line->home->ops->batch_lists_device(w->reader, o->batch.id, en->device_id, &listed, e)) != ERR_OK)
		return rc;
	if (!listed)
		return err_say(e, ERR_DEVICE_NOT_LISTED, "The device %s is not on the list of the batch %s. Check its label and the batch.",
		    en->device_id, en->batch);
	return ERR_OK;
}

/* Issuing is refused, for why.  What is recorded is answered all the same: true. */
static bool
answer_recorded(struct enroll *en, struct worker *w, const struct order *o)
{
	struct recorded **recorded = &en->item.row.recorded;
	struct err e;

	if (en->ca->issuer == NULL || en->line->home->ops->recorded_find(w->reader, o->batch.id, en->device_id,
	    en->certificate.key_id, recorded, &e) != ERR_OK)
		return false;
	enroll_answer(en, *recorded, false);
	return true;
}

static enum err_code
make_certificate(struct enroll *en, struct worker *w, const struct order *o, int64_t now_us, struct err *e)
{
	uint8_t serial[SERIAL_BYTES];
	struct issue_bench *bench;
	struct plan *plan = NULL;
	enum err_code rc;

	if ((rc = worker_bench(w, o->ca, &bench, e)) != ERR_OK ||
	    (rc = serial_next(&en->line->serials, serial, e)) != ERR_OK ||
	    (rc = plan_new(&o->profile, o->ca->issuer, en->csr, now_us / 1000000, serial, &plan, e)) != ERR_OK)
		return rc;
	rc = issue(bench, plan, &en->issued, e);
	plan_free(plan);
	if (rc == ERR_INTERNAL)
		guard_halt(&en->line->guard);
	return rc;
}

/* What the ledger keeps of it. */
static void
fill_row(struct enroll *en, const struct order *o, int64_t now_us)
{
	struct store_certificate *c = &en->certificate;
	const struct issued *i = en->issued;

	memcpy(c->serial, issued_serial(i), sizeof(c->serial));
	memcpy(c->certificate_id, issued_certificate_id(i), sizeof(c->certificate_id));
	memcpy(c->key_id, issued_key_id(i), sizeof(c->key_id));
	memcpy(c->device_id, en->device_id, sizeof(c->device_id));
	c->batch_id = o->batch.id;
	c->ca_id = o->ca->row.id;
	c->not_before_s = issued_not_before_s(i);
	c->not_after_s = issued_not_after_s(i);
	c->issued_at_us = now_us;
	c->der = issued_der(i, &c->der_len);
}

/* Will AWS take it tonight?  A label can be corrected now, not then. */
static enum err_code
check_things(const struct enroll *en, const struct order *o, struct err *e)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < o->things_count && rc == ERR_OK; i++)
		rc = target_takes(&o->things[i], en->device_id, en->batch, e);
	return rc;
}

static enum err_code
may_issue(struct enroll *en, const struct order *o, int64_t *ret_now_us, struct err *e)
{
	enum err_code rc;

	if (!o->has_profile)
		return err_set(e, ERR_INTERNAL, "batch %s: lineca.conf has no [profile %s]; put it back", en->batch, o->batch.profile);
	if (!o->has_targets)
		return err_set(e, ERR_INTERNAL, "batch %s: lineca.conf has lost a section of --aws %.100s; put it back", en->batch, o->batch.aws);
	if (o->things != NULL && (rc = check_things(en, o, e)) != ERR_OK)
		return rc;
	return guard_check(&en->line->guard, &o->ca->facts, ret_now_us, e);
}

/* Steps 5 to 8.  ERR_OK: the request was answered or is on its way to the writer. */
static enum err_code
issue_and_push(struct enroll *en, struct worker *w, struct order *o, struct err *e)
{
	enum err_code rc;
	int64_t now_us;

	if ((rc = csr_key_id(w->pop, en->csr, en->certificate.key_id, e)) != ERR_OK)
		return rc;
	if ((rc = may_issue(en, o, &now_us, e)) != ERR_OK)
		return answer_recorded(en, w, o) ? ERR_OK : rc;
	if ((rc = writer_reserve(en->line->writer, e)) != ERR_OK)
		return rc;
	if ((rc = make_certificate(en, w, o, now_us, e)) != ERR_OK) {
		writer_unreserve(en->line->writer);
		return rc;
	}
	fill_row(en, o, now_us);
	en->item.row.certificate = &en->certificate;
	en->item.done = enroll_recorded;
	stage_done(en, STAGE_SIGN);
	http_suspend(en->req, enroll_resumed, en);	/* suspend first, */
	writer_push(en->line->writer, &en->item);	/* then give it away, */
	return ERR_OK;					/* and do not look at it */
}

/* Steps 6 to 9, with a key that is proven. */
static void
enroll_go(struct enroll *en)
{
	struct worker *w;
	struct order *o;
	enum err_code rc;
	struct err e;

	err_clear(&e);
	if ((rc = worker_get(en->line, &w, &e)) == ERR_OK && (rc = worker_order(w, en->batch, &o, &e)) == ERR_OK)
		rc = issue_and_push(en, w, o, &e);
	if (rc != ERR_OK)
		enroll_refuse(en, &e);
}

/* The client has hung up before anything was signed: nobody is owed anything. */
static void
enroll_abandon(struct enroll *en)
{
	struct err e;

	(void)err_set(&e, ERR_TOO_MANY, "the client has hung up while its request waited; nothing was issued");
	enroll_refuse(en, &e);
}

/* ---- step 5: proof of possession, or a key that is made here */

enum { KEYS_IN_WORK_MAX = 4 };	/* a stop waits for them */

/* The keymaker's thread: a large RSA key takes seconds, and no device may wait for another's. */
static void
key_run(struct clerk_job *job, const struct clerk_desk *desk)
{
	struct enroll *en = (struct enroll *)(void *)((char *)job - offsetof(struct enroll, key_job));
	struct csr *csr = NULL;
	struct pop *pop = NULL;

	(void)desk;
	if ((en->key_rc = pop_new(&pop, &en->key_err)) == ERR_OK &&
	    (en->key_rc = device_key_new(pop, en->csr, &en->key, &csr, &en->key_err)) == ERR_OK) {
		csr_free(en->csr);
		en->csr = csr;
	}
	pop_free(pop);
	http_resume(en->req);	/* en may be gone from here on */
}

static void
key_made(struct http_request *req, void *arg)
{
	struct enroll *en = arg;

	atomic_fetch_sub(&en->line->keys_in_work, 1);
	stage_done(en, STAGE_POP);
	if (http_request_is_gone(req))
		enroll_abandon(en);
	else if (en->key_rc != ERR_OK)
		enroll_refuse(en, &en->key_err);
	else
		enroll_go(en);
}

/* In place of the key that was sent, which only says of what kind (RFC 7030 4.4.1). */
static enum err_code
make_key(struct enroll *en, struct worker *w, const struct order *o, struct err *e)
{
	char known[LIMIT_NAME_BYTES + 1];
	struct store_rework rework;
	enum err_code rc;

	if (!o->has_profile || !o->profile.server_keygen)
		return err_say(e, ERR_FORBIDDEN, "Keys are made in the device here, not on the server; the profile of the batch %s does not allow it.",
		    en->batch);
	if (!http_request_is_tls(en->req))
		return err_say(e, ERR_FORBIDDEN, "A private key is only sent over TLS.");
	/* a key for nothing costs seconds; whether the device may have it the transaction decides all the same */
	if ((rc = enroll_batch_of_device(en->line, w, en->device_id, known, e)) != ERR_OK)
		return rc;
	rc = known[0] != '\0' ? en->line->home->ops->device_rework_find(w->reader, en->device_id, &rework, e) : ERR_OK;
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_NOT_FOUND)
		return err_say(e, ERR_DEVICE_EXISTS, "The device %s has a certificate already, and its key was given away with it. Set it aside.",
		    en->device_id);
	if (atomic_fetch_add(&en->line->keys_in_work, 1) >= KEYS_IN_WORK_MAX) {
		atomic_fetch_sub(&en->line->keys_in_work, 1);
		return err_set(e, ERR_BUSY, "%d keys are being made already", KEYS_IN_WORK_MAX);
	}
	en->key_job.run = key_run;
	http_suspend(en->req, key_made, en);
	clerk_push(en->line->keymaker, &en->key_job);
	return ERR_OK;
}

/* At once, or after having been held. */
static void
enroll_prove(struct enroll *en)
{
	struct worker *w;
	struct order *o;
	enum err_code rc;
	struct err e;

	err_clear(&e);
	if ((rc = worker_get(en->line, &w, &e)) != ERR_OK || (rc = worker_order(w, en->batch, &o, &e)) != ERR_OK) {
		enroll_refuse(en, &e);
		return;
	}
	rc = en->ask.keygen ? make_key(en, w, o, &e) : pop_verify(w->pop, en->csr, &e);
	if (rc != ERR_OK) {
		enroll_refuse(en, &e);
	} else if (!en->ask.keygen) {
		stage_done(en, STAGE_POP);
		enroll_go(en);
	}
}

static void
enroll_held(struct http_request *req, void *arg)
{
	struct enroll *en = arg;

	if (http_request_is_gone(req)) {
		enroll_abandon(en);
		return;
	}
	en->stage_began_us = clock_monotonic_us();
	enroll_prove(en);
}

/* A device in a loop: the same key over and over.  It gets its answer, a second late, and so leaves the processor to others. */
static bool
is_shouting(const struct enroll *en)
{
	uint8_t key[HTTP_PEER_KEY_BYTES + LIMIT_SPKI_BYTES];
	size_t len;
	const uint8_t *spki = csr_spki(en->csr, &len);

	/* and from the same place: who knows another device's key cannot use up its patience */
	http_request_peer_key(en->req, key);
	if (len > LIMIT_SPKI_BYTES)
		len = LIMIT_SPKI_BYTES;
	memcpy(key + HTTP_PEER_KEY_BYTES, spki, len);
	return throttle_take(en->line->throttle, THROTTLE_REPEAT, key, HTTP_PEER_KEY_BYTES + len, clock_monotonic_us()) > 0;
}

/* Steps 1 to 4. */
static enum err_code
enroll_begin(struct enroll *en, struct err *e)
{
	struct worker *w;
	struct order *o;
	enum err_code rc;

	if ((rc = worker_get(en->line, &w, e)) != ERR_OK ||
	    (rc = en->door->read(en->req, &en->ask, e)) != ERR_OK)
		return rc;
	if (http_request_route(en->req)->access == ACCESS_ENROLL_BODY &&
	    (rc = access_body_token(en->req, en->line, en->ask.token, e)) != ERR_OK)
		return rc;
	if ((rc = enroll_batch_find(en->req, en->line, w, &en->ask, en->batch, e)) != ERR_OK ||
	    (rc = worker_order(w, en->batch, &o, e)) != ERR_OK)
		return rc;
	en->ca = o->ca;
	if ((rc = parse_body(en, w, e)) != ERR_OK ||
	    (rc = check_listed(en, w, o, e)) != ERR_OK)
		return rc;
	return check_owner(en, w, e);
}

void
enroll_run(struct http_request *req, struct line *line, const struct enroll_door *door)
{
	struct enroll *en;
	struct err e;

	err_clear(&e);
	if ((en = calloc(1, sizeof(*en))) == NULL) {
		(void)err_set(&e, ERR_NOMEM, "enroll");
		http_refuse(req, &e);
		return;
	}
	en->line = line;
	en->req = req;
	en->door = door;
	en->stage_began_us = clock_monotonic_us();
	if (enroll_begin(en, &e) != ERR_OK) {
		enroll_refuse(en, &e);
		return;
	}
	stage_done(en, STAGE_PARSE);
	if (is_shouting(en))
		http_hold(req, HTTP_HOLD_MS, enroll_held, en);
	else
		enroll_prove(en);
}
