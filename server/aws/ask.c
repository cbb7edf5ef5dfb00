#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "aws/client_internal.h"
#include "base/log.h"
#include "base/rnd.h"
#include "base/text.h"

enum {
	MESSAGE_SHOWN_BYTES = 200,	/* in an error text, beside the rest */
	TRUST_SHOWN_BYTES = 150,	/* the same, beside what to do about trust */
	BACKOFF_BASE_MS = 1000,
	BACKOFF_CAP_MS = 20 * 1000,
	POLL_MS = 100,		/* how often `stopped` is asked */
	SAY_FIRST_S = 3,
	SAY_EVERY_S = 10,
	RETRY_AFTER_SMALL_S = 60	/* a server that wants more than this gets our own waits */
};

const char *
aws_outcome_name(enum aws_outcome o)
{
	switch (o) {
	case AWS_DONE:
		return "done";
	case AWS_THROTTLED:
		return "throttled";
	case AWS_TRANSIENT:
		return "transient";
	case AWS_EXISTS:
		return "exists";
	case AWS_NOT_FOUND:
		return "not_found";
	case AWS_CA_STATE:
		return "ca_state";
	case AWS_REFUSED:
		return "refused";
	case AWS_DENIED:
		return "denied";
	case AWS_UNTRUSTED:
		return "untrusted";
	}
	return "?";
}

static enum err_code
outcome_err_code(enum aws_outcome o)
{
	switch (o) {
	case AWS_DENIED:
		return ERR_PERMISSION;
	case AWS_NOT_FOUND:
		return ERR_NOT_FOUND;
	case AWS_EXISTS:
	case AWS_CA_STATE:
		return ERR_CONFLICT;
	case AWS_THROTTLED:
		return ERR_BUSY;
	case AWS_DONE:
	case AWS_TRANSIENT:
	case AWS_REFUSED:
	case AWS_UNTRUSTED:
		break;
	}
	return ERR_IO;
}

enum err_code
aws_reply_fail(const struct aws_reply *r, const char *operation, struct err *e)
{
	if (r->outcome == AWS_UNTRUSTED)
		return err_set(e, ERR_IO, "%s: %s: %.*s; what is trusted: AWS_CA_BUNDLE or the package ca-certificates, and the clock must be right",
		    operation, r->code, (int)text_fit(r->message, strlen(r->message), TRUST_SHOWN_BYTES), r->message);
	/* the id last, and always whole: AWS's support asks for it */
	return err_set(e, outcome_err_code(r->outcome), "%s: %s: %.*s%s%s%s", operation, r->code,
	    (int)text_fit(r->message, strlen(r->message), MESSAGE_SHOWN_BYTES), r->message,
	    r->request_id[0] != '\0' ? " (request id " : "", r->request_id, r->request_id[0] != '\0' ? ")" : "");
}

/* One aws_client_ask. */
struct question {
	struct aws_client	*client;
	const struct aws_request *request;
	int64_t			 until_us;	/* no further try begins after this */
	int64_t			 say_us;	/* when the next word is due */
	int			 tries;
	enum err_code		(*on_reply)(void *, const struct aws_reply *, struct err *);
	void			*arg;
	struct err		*e;
	enum err_code		 rc;
	bool			 answered;	/* this try */
	bool			 over;
	int64_t			 wait_us;	/* before the next try */
};

/* Full jitter: anything between nothing and a limit that doubles. */
static int64_t
backoff_us(int tries, int retry_after_s)
{
	int64_t limit_ms = tries > 5 ? BACKOFF_CAP_MS : (int64_t)BACKOFF_BASE_MS << (tries - 1), wait_us;

	if (limit_ms > BACKOFF_CAP_MS)
		limit_ms = BACKOFF_CAP_MS;
	wait_us = rnd_up_to(&rnd_system, limit_ms * 1000);
	if (retry_after_s <= RETRY_AFTER_SMALL_S && wait_us < (int64_t)retry_after_s * 1000000)
		wait_us = (int64_t)retry_after_s * 1000000;
	return wait_us;
}

/* Whoever waits for minutes hears why, not too often. */
static void
say_waiting(struct question *q, const struct aws_reply *reply)
{
	int64_t now_us = clock_monotonic_us();

	if (now_us < q->say_us)
		return;
	q->say_us = now_us + SAY_EVERY_S * INT64_C(1000000);
	log_event(LOG_WARN, "aws", "%s: %s: %s; asking again for %lld s at most", q->request->operation, reply->code, reply->message,
	    (long long)((q->until_us - now_us) / 1000000));
}

static void
take_reply(void *arg, const struct aws_reply *reply)
{
	struct question *q = arg;

	q->answered = true;
	q->tries++;
	q->wait_us = 0;
	/* cannot go on and on: a provider is asked once in half a minute on AWS's word */
	if (strcmp(reply->code, AWS_CREDENTIALS_RENEWED) == 0)
		return;
	if (reply->outcome == AWS_THROTTLED || reply->outcome == AWS_TRANSIENT) {
		q->wait_us = backoff_us(q->tries, reply->retry_after_s);
		if (clock_monotonic_us() + q->wait_us < q->until_us) {
			say_waiting(q, reply);
			return;
		}
	}
	q->over = true;
	q->rc = q->on_reply(q->arg, reply, q->e);
}

static void
copy_buf(struct buf *to, const struct buf *from)
{
	if (from->data != NULL)
		buf_put(to, from->data, from->len);
	to->failed |= from->failed;
}

/* Until the answer to q is there (NULL: whatever comes), or the time is over. */
static enum err_code
wait_until(struct aws_client *c, const struct question *q, int64_t end_us, struct err *e)
{
	enum err_code rc = ERR_OK;
	int64_t left_us;

	while (rc == ERR_OK && (q == NULL || !q->answered) && (left_us = end_us - clock_monotonic_us()) > 0) {
		if (aws_client_stopped(c))
			return err_set(e, ERR_DRAINING, "stopped while AWS was asked");
		rc = transport_poll(aws_client_transport(c), left_us < POLL_MS * 1000 ? (int)(left_us / 1000) + 1 : POLL_MS, e);
	}
	return rc;
}

static enum err_code
try_once(struct question *q)
{
	struct aws_request copy = *q->request;
	unsigned generation;
	enum err_code rc;

	if ((rc = aws_client_credentials(q->client, &generation, q->e)) != ERR_OK)
		return rc;

	copy.path = copy.query = copy.body = (struct buf){ 0 };
	copy_buf(&copy.path, &q->request->path);
	copy_buf(&copy.query, &q->request->query);
	copy_buf(&copy.body, &q->request->body);
	q->answered = false;
	if ((rc = aws_client_send(q->client, &copy, take_reply, q, q->e)) != ERR_OK)
		return rc;
	rc = wait_until(q->client, q, INT64_MAX, q->e);	/* every call ends by itself */
	aws_client_forget(q->client, q);	/* after an error the call still goes on */
	return rc;
}

enum err_code
aws_client_ask(struct aws_client *c, struct aws_request *r, int patience_s,
    enum err_code (*on_reply)(void *arg, const struct aws_reply *, struct err *), void *arg, struct err *e)
{
	struct question q = {
		.client = c,
		.request = r,
		.until_us = clock_monotonic_us() + (int64_t)patience_s * 1000000,
		.say_us = clock_monotonic_us() + SAY_FIRST_S * INT64_C(1000000),
		.on_reply = on_reply,
		.arg = arg,
		.e = e,
		.rc = ERR_OK,
	};
	enum err_code rc;

	while ((rc = try_once(&q)) == ERR_OK && !q.over)
		if ((rc = wait_until(c, NULL, clock_monotonic_us() + q.wait_us, e)) != ERR_OK)
			break;
	aws_request_done(r);
	return rc != ERR_OK ? rc : q.rc;
}
