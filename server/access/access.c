#include "access/access.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "access/credential.h"
#include "access/network.h"
#include "access/secret.h"
#include "access/token.h"
#include "base/clock.h"
#include "line.h"
#include "worker.h"

_Static_assert(sizeof(struct actor) <= HTTP_OWN_BYTES, "the actor lies in the request's own memory");

/* What a connection's certificate turned out to be: judged once a connection, a chain costs two verifications. */
struct connection_peer {
	enum { PEER_UNKNOWN, PEER_NONE, PEER_BELIEVED, PEER_REFUSED } state;
	bool			own;		/* by a CA of this line */
	struct trust_peer	peer;
	char			why[160];	/* PEER_REFUSED: in words */
};
_Static_assert(sizeof(struct connection_peer) <= HTTP_CONNECTION_OWN_BYTES, "it lies in the connection's own memory");

const struct actor *
access_actor(struct http_request *req)
{
	return http_request_own(req);
}

/* ---- client certificates */

static struct connection_peer *
judge_certificate(struct http_request *req, struct line *l)
{
	struct connection_peer *p = http_request_connection_own(req);
	struct http_certificate shown[LIMIT_CHAIN_LINKS];
	struct trust_link chain[LIMIT_CHAIN_LINKS];
	struct err e;
	size_t n;

	if (p->state != PEER_UNKNOWN)
		return p;
	p->state = PEER_NONE;
	if (l->trust == NULL || (n = http_request_certificates(req, shown, LIMIT_CHAIN_LINKS)) == 0)
		return p;
	for (size_t i = 0; i < n; i++)
		chain[i] = (struct trust_link){ shown[i].der, shown[i].len };
	if (trust_verify(l->trust, chain, n, clock_now_s(l->clock), &p->peer, &e) != ERR_OK) {
		p->state = PEER_REFUSED;
		(void)snprintf(p->why, sizeof(p->why), "%.*s", (int)sizeof(p->why) - 1, e.client_text);
		return p;
	}
	p->state = PEER_BELIEVED;
	for (size_t i = 0; i < l->cas_count; i++)
		p->own = p->own || memcmp(l->cas[i].facts.fingerprint, p->peer.anchor, sizeof(p->peer.anchor)) == 0;
	/* our CA also signs proofs for AWS, which are no device's */
	if (p->own && p->peer.common_name[0] == '\0')
		p->state = PEER_NONE;
	return p;
}

const struct trust_peer *
access_peer(struct http_request *req, struct line *l, bool *ret_own)
{
	struct connection_peer *p = judge_certificate(req, l);

	if (ret_own != NULL)
		*ret_own = p->own;
	/* a kept connection may outlive its certificate */
	if (p->state != PEER_BELIEVED || p->peer.not_after_s < clock_now_s(l->clock))
		return NULL;
	return &p->peer;
}

static void
take_certificate(struct http_request *req, struct line *l, struct actor *a)
{
	bool own;
	const struct trust_peer *peer = access_peer(req, l, &own);

	if (peer == NULL)
		return;
	a->by = own ? ACTOR_DEVICE : ACTOR_CERTIFICATE;
	(void)snprintf(a->name, sizeof(a->name), "%s", peer->common_name);
}

/* ---- tokens */

static bool
token_is_good(const struct store_token *t, int64_t now_us)
{
	return t->revoked_at_us == 0 && (t->expires_at_us == 0 || t->expires_at_us > now_us);
}

static enum err_code
judge_token(struct http_request *req, const struct store_token *t, int64_t now_us, struct err *e)
{
	if (t->revoked_at_us != 0)
		return err_say(e, ERR_UNAUTHORIZED, "The token %s was revoked. Ask the engineer for a new one.", t->name);
	if (t->expires_at_us != 0 && t->expires_at_us <= now_us)
		return err_say(e, ERR_UNAUTHORIZED, "The token %s has expired. Ask the engineer for a new one.", t->name);
	if (t->network[0] != '\0' && !network_contains(t->network, http_request_peer(req)))
		return err_say(e, ERR_FORBIDDEN, "The token %s is good in the network %s only, and this came from %s.", t->name, t->network,
		    http_request_peer(req));
	return ERR_OK;
}

static enum err_code
take_token(struct http_request *req, struct line *l, const struct store_token *t, enum actor_by by, struct err *e)
{
	int64_t now_us = l->clock->now_us(l->clock), wait_us;
	struct actor *a = http_request_own(req);
	enum err_code rc;

	if ((rc = judge_token(req, t, now_us, e)) != ERR_OK) {
		(void)snprintf(a->name, sizeof(a->name), "%s", t->name);	/* no right, but whoever mends it is told whose it is */
		return rc;
	}
	if ((l->home->config.limits_loopback || !http_request_from_loopback(req)) &&
	    (wait_us = throttle_take(l->throttle, THROTTLE_TOKEN, &t->id, sizeof(t->id), clock_monotonic_us())) > 0)
		return err_say(e, ERR_TOO_MANY, "The token %s is used for more requests than lineca.conf allows a second (requests_per_token). "
		    "Wait as Retry-After says, then send it again.", t->name);
	*a = (struct actor){ .by = by, .role = (enum role)t->role, .token_id = t->id };
	(void)snprintf(a->batch, sizeof(a->batch), "%s", t->batch_name);
	(void)snprintf(a->name, sizeof(a->name), "%s", t->name);
	clerk_note_use(l->clerk, t->id, now_us);
	return ERR_OK;
}

static int64_t
take_of_address(struct http_request *req, struct line *l, enum throttle_kind kind)
{
	uint8_t key[HTTP_PEER_KEY_BYTES];

	http_request_peer_key(req, key);
	return throttle_take(l->throttle, kind, key, sizeof(key), clock_monotonic_us());
}

/* A guess costs time; who holds a good token is never kept out by the guesses of a neighbour. */
static enum err_code
wrong_token(struct http_request *req, struct line *l, struct err *e)
{
	int64_t wait_us = take_of_address(req, l, THROTTLE_WRONG_TOKEN);
	char seconds[24];

	if (wait_us == 0)
		return err_say(e, ERR_UNAUTHORIZED, "This token is not known here. Check that it was scanned or copied whole; "
		    "the engineer makes a new one with `lineca token create`.");
	(void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_us / 1000000 + 1));
	http_reply_header(req, "Retry-After", seconds);
	return err_say(e, ERR_TOO_MANY, "Too many wrong tokens came from this address. Wait as Retry-After says, then use one that is known here.");
}

static enum err_code
use_token(struct http_request *req, struct line *l, const char *shown, size_t len, struct err *e)
{
	uint8_t hash[TOKEN_HASH_BYTES];
	struct store_token t;
	struct worker *w;
	enum err_code rc;

	if (!token_hash(shown, len, hash))
		return wrong_token(req, l, e);
	if ((rc = worker_get(l, &w, e)) != ERR_OK)
		return rc;
	if ((rc = l->home->ops->token_find(w->reader, hash, &t, e)) == ERR_NOT_FOUND)
		return wrong_token(req, l, e);
	return rc != ERR_OK ? rc : take_token(req, l, &t, ACTOR_TOKEN, e);
}

/* ---- sessions */

const char *
access_cookie(struct http_request *req, size_t *ret_len)
{
	const char *header = http_request_header(req, "Cookie");

	return header != NULL ? credential_cookie(header, ACCESS_COOKIE, ret_len) : NULL;
}

/* What a browser does on its own must not change anything: the page shows that it is ours by what another site's cannot read. */
static enum err_code
check_csrf(struct http_request *req, const char *csrf, struct err *e)
{
	const char *shown = http_request_header(req, "X-CSRF-Token");

	if (http_request_route(req)->method == HTTP_GET)
		return ERR_OK;
	if (shown != NULL && strlen(shown) == SESSION_TEXT_BYTES && secret_equal(shown, csrf, SESSION_TEXT_BYTES))
		return ERR_OK;
	return err_say(e, ERR_FORBIDDEN, "This change did not come from the page of this server (X-CSRF-Token). Load the page again.");
}

static enum err_code
use_session(struct http_request *req, struct line *l, const char *cookie, size_t len, struct err *e)
{
	char csrf[SESSION_TEXT_BYTES + 1];
	struct store_token t;
	struct worker *w;
	int64_t token_id;
	enum err_code rc;

	rc = http_request_header(req, ACCESS_REFRESH) != NULL ?
	    session_look(l->sessions, cookie, len, clock_monotonic_us(), &token_id, csrf, e) :
	    session_find(l->sessions, cookie, len, clock_monotonic_us(), &token_id, csrf, e);
	if (rc != ERR_OK) {
		if (rc == ERR_UNAUTHORIZED)
			(void)err_say(e, rc, "You are signed out. Scan your badge to sign in again.");
		return rc;
	}
	if ((rc = check_csrf(req, csrf, e)) != ERR_OK || (rc = worker_get(l, &w, e)) != ERR_OK)
		return rc;
	if ((rc = l->home->ops->token_find_id(w->reader, token_id, &t, e)) != ERR_OK)
		return rc;
	return take_token(req, l, &t, ACTOR_SESSION, e);
}

/* ---- who */

/* with_cookie: false where somebody signs in, whatever a browser still holds of the last time. */
static enum err_code
identify(struct http_request *req, struct line *l, bool with_cookie, struct err *e)
{
	const char *header = http_request_header(req, "Authorization"), *cookie;
	char shown[CREDENTIAL_BYTES];
	struct actor *a = http_request_own(req);
	size_t len;

	*a = (struct actor){ .by = ACTOR_OPEN };
	if (header != NULL) {
		enum err_code rc = ERR_UNAUTHORIZED;

		if (credential_of_header(header, shown))
			rc = use_token(req, l, shown, strlen(shown), e);
		else
			(void)err_say(e, rc, "Send the token as Authorization: Bearer TOKEN, or as the password of Basic.");
		explicit_bzero(shown, sizeof(shown));
		return rc;
	}
	if (with_cookie && (cookie = access_cookie(req, &len)) != NULL)
		return use_session(req, l, cookie, len, e);
	take_certificate(req, l, a);
	return ERR_OK;
}

enum err_code
access_identify(struct http_request *req, struct line *l, struct err *e)
{
	return identify(req, l, true, e);
}

struct access_right
access_right_of(struct http_request *req, struct line *l)
{
	const struct actor *a = access_actor(req);
	struct access_right right = { .token_id = a->token_id };
	const char *cookie;
	size_t len;

	/* one that has ended meanwhile has a number that no session has */
	if (a->by == ACTOR_SESSION && (cookie = access_cookie(req, &len)) != NULL && (right.session = session_number(l->sessions, cookie, len)) == 0)
		right.session = INT64_MAX;
	return right;
}

bool
access_token_lives(int64_t token_id, const struct line *l, struct store_reader *r)
{
	struct store_token t;
	struct err e;
	enum err_code rc = l->home->ops->token_find_id(r, token_id, &t, &e);

	/* a ledger that cannot be read now says nothing of anybody's right, and gives nobody anything to read */
	return rc == ERR_OK ? token_is_good(&t, l->clock->now_us(l->clock)) : rc != ERR_NOT_FOUND;
}

bool
access_right_lives(const struct access_right *right, struct line *l, struct store_reader *r)
{
	if (right->session != 0 && !session_lives(l->sessions, right->session, clock_monotonic_us()))
		return false;
	return right->token_id == 0 || access_token_lives(right->token_id, l, r);
}

/* ---- may they */

bool
access_is_open(struct http_request *req, const struct line *l, enum access need)
{
	const struct config *c = &l->home->config;
	bool local = http_request_is_local(req) && !credential_host_is_foreign(http_request_header(req, "Host"));

	switch (need) {
	case ACCESS_ANYONE:
		return true;
	case ACCESS_ENROLL:
	case ACCESS_ENROLL_BODY:
	case ACCESS_RENEW:
		return c->server_enroll == ENROLL_OPEN || (c->server_enroll == ENROLL_LOOPBACK && local);
	case ACCESS_READ:
		return c->server_read == READ_OPEN || (c->server_read == READ_LOOPBACK && local);
	case ACCESS_CHANGE:
	case ACCESS_ADMIN:
	case ACCESS_SIGN_IN:
	case ACCESSES:
		break;
	}
	return false;
}

bool
access_enrolls(enum access need)
{
	return need == ACCESS_ENROLL || need == ACCESS_ENROLL_BODY || need == ACCESS_RENEW;
}

static bool
may(struct http_request *req, struct line *l, enum access need)
{
	const struct actor *a = access_actor(req);
	int64_t rule = l->home->config.server_enroll;

	if (access_is_open(req, l, need))
		return true;
	if (!access_enrolls(need))
		return role_may(a->role, need);
	/* RFC 7030 4.2.2: who renews shows what is to be renewed */
	if (need == ACCESS_RENEW && a->by == ACTOR_DEVICE)
		return true;
	/* a certificate counts also where a token stands beside it, which then binds the batch */
	if ((rule == ENROLL_CERTIFICATE || rule == ENROLL_EITHER) && access_peer(req, l, NULL) != NULL)
		return true;
	return rule != ENROLL_CERTIFICATE && role_may(a->role, need);
}

/* The role that has the right and the fewest others. */
static enum role
role_least(enum access need)
{
	unsigned r = ROLE_ENROLL;

	while (r < ROLE_ADMIN && !role_may((enum role)r, need))
		r++;
	return (enum role)r;
}

/* In words: what is missing, and where to get it. */
static enum err_code
deny(struct http_request *req, struct line *l, enum access need, struct err *e)
{
	const struct connection_peer *p = judge_certificate(req, l);
	const struct actor *a = access_actor(req);

	if ((a->by == ACTOR_TOKEN || a->by == ACTOR_SESSION) && access_enrolls(need) && role_may(a->role, need))
		return err_say(e, ERR_FORBIDDEN, "Enrolling needs a client certificate here (enroll = certificate in lineca.conf); a token is not enough.");
	if (a->by == ACTOR_TOKEN || a->by == ACTOR_SESSION)
		return err_say(e, ERR_FORBIDDEN, "The token %s is of the role %s, which may not do this (%s). Ask the engineer for one that may.",
		    a->name, role_name(a->role), access_name(need));
	if (access_enrolls(need) && p->state == PEER_REFUSED)
		return err_say(e, ERR_UNAUTHORIZED, "%s", p->why);
	if (access_enrolls(need) && l->home->config.server_enroll == ENROLL_CERTIFICATE)
		return err_say(e, ERR_UNAUTHORIZED, "Enrolling needs a client certificate that this server trusts (TLS); the engineer says which.");
	if (access_enrolls(need))
		return err_say(e, ERR_UNAUTHORIZED, "Enrolling needs a token: send it as Authorization: Bearer TOKEN, or as the password of Basic. "
		    "The engineer makes one with `lineca token create --role enroll NAME`.");
	if (need == ACCESS_SIGN_IN)
		return err_say(e, ERR_UNAUTHORIZED, "Scan your badge, or type your token, to sign in.");
	return err_say(e, ERR_UNAUTHORIZED, "This needs a token of the role %s: sign in, or send it as Authorization: Bearer TOKEN. "
	    "The engineer makes one with `lineca token create`.", role_name(role_least(need)));
}

/* A page of another site can make a browser on this network post here: browsers say whose page it was (Fetch Metadata, RFC 6454). */
static enum err_code
check_site(struct http_request *req, struct err *e)
{
	const char *site = http_request_header(req, "Sec-Fetch-Site"), *origin = http_request_header(req, "Origin");
	const char *host = http_request_header(req, "Host");

	if (http_request_route(req)->method == HTTP_GET)
		return ERR_OK;
	if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return err_say(e, ERR_FORBIDDEN, "This was asked by the page of another site. Use this server's own page.");
	if (origin != NULL && !credential_origin_is(origin, host))
		return err_say(e, ERR_FORBIDDEN, "This was asked by the page of another site. Use this server's own page.");
	return ERR_OK;
}

const char *
access_station(struct http_request *req)
{
	const struct actor *a = access_actor(req);
	bool by_certificate = a->by == ACTOR_CERTIFICATE || a->by == ACTOR_DEVICE;

	return a->name[0] != '\0' && !by_certificate ? a->name : http_request_peer(req);
}

bool
access_shows_nothing(struct http_request *req)
{
	struct http_certificate leaf;
	size_t len;

	return http_request_header(req, "Authorization") == NULL && access_cookie(req, &len) == NULL &&
	    http_request_certificates(req, &leaf, 1) == 0;
}

static enum err_code
check_rate(struct http_request *req, struct line *l, struct err *e)
{
	if (!l->home->config.limits_loopback && http_request_from_loopback(req))
		return ERR_OK;
	if (take_of_address(req, l, THROTTLE_ADDRESS) == 0)
		return ERR_OK;
	return err_say(e, ERR_TOO_MANY, "More requests come from this address than lineca.conf allows a second (requests_per_address). "
	    "Wait as Retry-After says, then send it again.");
}

/* Refusals of one address are logged a few times a minute: who guesses tokens fills no disk. */
bool
access_may_log(struct http_request *req, void *line)
{
	return take_of_address(req, line, THROTTLE_LOG) == 0;
}

void
access_log_seldom(struct http_request *req, struct line *l)
{
	if (!access_may_log(req, l))
		http_request_set_quiet(req);
}

void
access_refuse(struct http_request *req, struct line *l, const struct err *e)
{
	access_log_seldom(req, l);
	http_refuse(req, e);
}

enum err_code
access_require(struct http_request *req, struct line *l, enum access need, struct err *e)
{
	return may(req, l, need) ? ERR_OK : deny(req, l, need, e);
}

enum err_code
access_admit(struct http_request *req, void *line, struct err *e)
{
	const struct http_route *route = http_request_route(req);
	struct line *l = line;
	enum access need;
	enum err_code rc;

	if ((rc = check_rate(req, l, e)) != ERR_OK || http_request_is_refused(req))
		return rc;
	need = (enum access)route->access;
	if ((rc = check_site(req, e)) != ERR_OK || need == ACCESS_ANYONE)
		return rc;
	if ((rc = identify(req, l, need != ACCESS_SIGN_IN, e)) != ERR_OK)
		return rc;
	/* a token in the body is judged when the body is there; one in the head counts as well */
	if ((need == ACCESS_ENROLL_BODY || need == ACCESS_SIGN_IN) && access_actor(req)->role == ROLE_NONE)
		return ERR_OK;
	return access_require(req, l, need, e);
}

enum err_code
access_body_token(struct http_request *req, struct line *l, const char *token, struct err *e)
{
	enum access need = (enum access)http_request_route(req)->access;
	enum err_code rc = ERR_OK;

	if (token != NULL && *token != '\0' && access_actor(req)->role == ROLE_NONE)
		rc = use_token(req, l, token, strlen(token), e);
	if (rc == ERR_OK)
		rc = access_require(req, l, need, e);
	if (rc != ERR_OK)
		access_log_seldom(req, l);
	return rc;
}

void
access_who(struct http_request *req, const char *reason, char actor[STORE_ACTOR_BYTES + 1], struct store_who *ret)
{
	const struct actor *a = access_actor(req);

	(void)snprintf(actor, STORE_ACTOR_BYTES + 1, "token:%s", a->name);
	*ret = (struct store_who){ .actor = actor, .address = http_request_peer(req), .reason = reason,
		.at_us = clock_system.now_us(&clock_system) };
}
