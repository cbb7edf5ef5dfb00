/* Tokens: who may do what.  A token is printed once; the ledger has its hash. */
#include <stdio.h>
#include <string.h>

#include "access/network.h"
#include "access/role.h"
#include "access/token.h"
#include "args.h"
#include "base/clock.h"
#include "base/number.h"
#include "cmd_who.h"
#include "table.h"
#include "view.h"

enum { DAYS_MAX = 36500, HOURS_MAX = 24 * DAYS_MAX };

#define HOUR_US INT64_C(3600000000)

/* ---- what a token is, in words */

static const char *
token_state(const struct store_token *t)
{
	if (t->revoked_at_us != 0)
		return "revoked";
	return t->expires_at_us != 0 && t->expires_at_us <= clock_system.now_us(&clock_system) ? "expired" : "active";
}

static const char *
role_words(enum role r)
{
	switch (r) {
	case ROLE_ENROLL:
		return "is given certificates for devices";
	case ROLE_VIEWER:
		return "reads batches, certificates and the page";
	case ROLE_TECHNICIAN:
		return "enrolls, reads, makes, opens and closes batches, puts parked certificates back";
	case ROLE_ADMIN:
		return "may do everything, also raise what was ordered";
	case ROLE_NONE:
	case ROLES:
		break;
	}
	return "may do nothing";
}

static void
add_text_or_null(cJSON *o, const char *name, const char *text)
{
	if (text[0] != '\0')
		(void)cJSON_AddStringToObject(o, name, text);
	else
		(void)cJSON_AddNullToObject(o, name);
}

/* Never its hash: nobody needs that to speak of a token. */
static cJSON *
view_token(const struct store_token *t)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "name", t->name);
	(void)cJSON_AddStringToObject(o, "role", role_name((enum role)t->role));
	(void)cJSON_AddStringToObject(o, "state", token_state(t));
	add_text_or_null(o, "batch", t->batch_name);
	add_text_or_null(o, "network", t->network);
	view_time_us(o, "created_at", t->created_at_us);
	view_time_us(o, "expires_at", t->expires_at_us);
	view_time_us(o, "revoked_at", t->revoked_at_us);
	view_time_us(o, "last_used_at", t->last_used_at_us);
	return o;
}

/* ---- create */

/* "90d", "12h", or a time to come. */
static enum err_code
parse_expires(const char *text, int64_t now_us, int64_t *ret_us, struct err *e)
{
	size_t len = strlen(text);
	char digits[8] = "";
	int64_t n, at_us;

	if (len >= 2 && len <= sizeof(digits) && (text[len - 1] == 'd' || text[len - 1] == 'h')) {
		memcpy(digits, text, len - 1);
		if (number_parse(digits, 1, text[len - 1] == 'd' ? DAYS_MAX : HOURS_MAX, &n)) {
			*ret_us = now_us + n * HOUR_US * (text[len - 1] == 'd' ? 24 : 1);
			return ERR_OK;
		}
	}
	if (!clock_parse_us(text, &at_us))
		return err_set(e, ERR_USAGE, "--expires %.40s: a time such as 2026-12-31 or 2026-12-31T18:00:00Z, or a span such as 90d or 12h is "
		    "needed (at most %d days)", text, DAYS_MAX);
	if (at_us <= now_us)
		return err_set(e, ERR_USAGE, "--expires %.40s: that is over already (a date begins at 00:00 UTC)", text);
	*ret_us = at_us;
	return ERR_OK;
}

struct token_wish {
	const char	*name, *role, *batch, *network, *expires;
	bool		 json;
};

/* What can be said without the ledger. */
static enum err_code
plan_token(const struct token_wish *w, struct store_token *ret, struct err *e)
{
	struct store_token t = { .batch_id = -1, .created_at_us = clock_system.now_us(&clock_system) };
	enum role role;
	enum err_code rc;

	if ((rc = args_name("the token's name", w->name, e)) != ERR_OK)
		return rc;
	if (w->role == NULL)
		return err_set(e, ERR_USAGE, "--role is missing: enroll (for devices and stations), viewer, technician or admin");
	if ((rc = role_parse(w->role, &role, e)) != ERR_OK)
		return rc;
	if (w->batch != NULL && role != ROLE_ENROLL)
		return err_set(e, ERR_USAGE, "--batch is for --role enroll: a %s is not bound to one batch", role_name(role));
	if (w->network != NULL && (rc = network_parse(w->network, t.network, e)) != ERR_OK)
		return rc;
	if (w->expires != NULL && (rc = parse_expires(w->expires, t.created_at_us, &t.expires_at_us, e)) != ERR_OK)
		return rc;
	(void)snprintf(t.name, sizeof(t.name), "%s", w->name);
	t.role = (int)role;
	*ret = t;
	return ERR_OK;
}

static enum err_code
find_batch(struct home *h, const char *name, struct store_token *t, struct err *e)
{
	struct store_batch b;
	enum err_code rc;

	if ((rc = h->ops->batch_find(h->reader, name, &b, e)) != ERR_OK)
		return rc;
	t->batch_id = b.id;
	memcpy(t->batch_name, b.name, sizeof(t->batch_name));
	if (b.state != BATCH_OPEN)
		(void)fprintf(stderr, "note: the batch %s is %s; the token is good for it once it is open\n", b.name, batch_state_name(b.state));
	return ERR_OK;
}

/* Standard output has the token and nothing else: it goes into a file, a QR code, a label. */
static enum err_code
print_token(const struct store_token *t, const char *text, bool json, struct err *e)
{
	enum err_code rc = ERR_OK;
	cJSON *o;

	if (json) {
		o = view_token(t);
		(void)cJSON_AddStringToObject(o, "token", text);
		rc = view_put(o, e);
	} else
		(void)printf("%s\n", text);
	if (rc == ERR_OK && fflush(stdout) != 0)
		rc = err_set(e, ERR_IO, "standard output could not be written");
	return rc;
}

static void
tell_token(const struct store_token *t)
{
	char ends[CLOCK_TEXT_BYTES];

	clock_format_s(t->expires_at_us / 1000000, ends);
	(void)fprintf(stderr, "token %s, role %s: who shows it %s\n", t->name, role_name((enum role)t->role), role_words((enum role)t->role));
	if (t->role == ROLE_ENROLL)
		(void)fprintf(stderr, "  in     %s%s\n", t->batch_name[0] != '\0' ? "batch " : "every open batch", t->batch_name);
	(void)fprintf(stderr, "  from   %s\n  until  %s\n", t->network[0] != '\0' ? t->network : "any address",
	    t->expires_at_us != 0 ? ends : "it is revoked");
	(void)fprintf(stderr, "It was shown this once and cannot be shown again: the ledger has only its hash.\n"
	    "It is sent as `Authorization: Bearer TOKEN` or as the password of Basic. `lineca token revoke %s` ends it at once.\n", t->name);
}

/* A token that nobody has seen is no use, and a right that nobody knows of. */
static enum err_code
take_back(struct home *h, const struct store_token *t, const struct store_who *who, struct err *e)
{
	struct err why;

	if (h->ops->token_revoke(h->store, t->name, who, &why) != ERR_OK)
		return err_set(e, ERR_IO, "the token could not be printed, nor be taken back (%s): run `lineca token revoke %s`", why.log_text,
		    t->name);
	return err_set(e, ERR_IO, "the token could not be printed, and is revoked: create one with another name");
}

enum err_code
cmd_token_create(struct cmd *c, struct err *e)
{
	struct token_wish wish = { 0 };
	const struct arg_option options[] = {
		{ "role", &wish.role, NULL }, { "batch", &wish.batch, NULL }, { "from", &wish.network, NULL },
		{ "expires", &wish.expires, NULL }, { "json", NULL, &wish.json }, { 0 }
	};
	char text[TOKEN_TEXT_BYTES + 1] = "", actor[STORE_ACTOR_BYTES + 1];
	struct store_token token;
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &wish.name, e)) != ERR_OK || (rc = plan_token(&wish, &token, e)) != ERR_OK)
		return rc;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) != ERR_OK ||
	    (wish.batch != NULL && (rc = find_batch(&h, wish.batch, &token, e)) != ERR_OK) ||
	    (rc = token_make((enum role)token.role, &rnd_system, text, e)) != ERR_OK)
		goto out;
	if (!token_hash(text, TOKEN_TEXT_BYTES, token.hash)) {
		rc = err_set(e, ERR_INTERNAL, "a token of our own has not the form of one");
		goto out;
	}
	/* recorded before it is shown: what was shown is good */
	if ((rc = h.ops->token_create(h.store, &token, &who, e)) != ERR_OK)
		goto out;
	if ((rc = print_token(&token, text, wish.json, e)) == ERR_OK)
		tell_token(&token);
	else
		rc = take_back(&h, &token, &who, e);
out:
	explicit_bzero(text, sizeof(text));
	home_close(&h);
	return rc;
}

/* ---- list */

static enum err_code
list_json(void *arg, const struct store_token *t, struct err *e)
{
	(void)arg;
	return view_put(view_token(t), e);
}

static void
put_time(struct table *table, int64_t us, const char *none)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_s(us / 1000000, text);
	table_text(table, us != 0 ? text : none);
}

static enum err_code
list_row(void *table, const struct store_token *t, struct err *e)
{
	(void)e;
	table_text(table, t->name);
	table_text(table, role_name((enum role)t->role));
	table_text(table, token_state(t));
	table_text(table, t->batch_name[0] != '\0' ? t->batch_name : "any");
	table_text(table, t->network[0] != '\0' ? t->network : "anywhere");
	put_time(table, t->expires_at_us, "never");
	put_time(table, t->last_used_at_us, "not yet");
	put_time(table, t->created_at_us, "");
	return ERR_OK;
}

enum err_code
cmd_token_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = { "NAME", "ROLE", "STATE", "BATCH", "FROM", "EXPIRES", "LAST USED", "CREATED", NULL };
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	const char *none[1];
	struct home h = { 0 };
	struct table table;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK) {
		if (json) {
			rc = h.ops->token_list(h.reader, list_json, NULL, e);
		} else {
			table_begin(&table, titles);
			rc = h.ops->token_list(h.reader, list_row, &table, e);
			table_end(&table);
		}
	}
	home_close(&h);
	return rc;
}

/* ---- revoke */

enum err_code
cmd_token_revoke(struct cmd *c, struct err *e)
{
	const struct arg_option options[] = { { 0 } };
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct home h = { 0 };
	const char *name;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &name, e)) != ERR_OK)
		return rc;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = h.ops->token_revoke(h.store, name, &who, e)) == ERR_OK)
		(void)fprintf(stderr, "token %s is revoked: the server knows at once\n", name);
	home_close(&h);
	return rc;
}
