/* What is written down of a person's change: the words, the same whatever keeps them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/text.h"
#include "db/store_internal.h"

enum err_code
event_make(struct store_event *ret, const struct store_who *who, const char *action, const char *object, struct err *e,
    const char *format, ...)
{
	char	detail[STORE_NOTE_BYTES + 1];
	va_list	ap;
	size_t	len = strlen(who->actor);

	if (len == 0 || len > STORE_ACTOR_BYTES)
		return err_set(e, ERR_INTERNAL, "event %s: an actor of %zu bytes", action, len);
	va_start(ap, format);
	(void)vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	memset(ret, 0, sizeof(*ret));
	ret->at_us = who->at_us;
	text_line(who->actor, ret->actor, sizeof(ret->actor));
	text_line(who->address, ret->address, sizeof(ret->address));
	text_line(action, ret->action, sizeof(ret->action));
	text_line(object, ret->object, sizeof(ret->object));
	text_line(detail, ret->detail, sizeof(ret->detail));
	text_line(who->reason, ret->reason, sizeof(ret->reason));
	return ERR_OK;
}

enum err_code
event_batch_create(struct store_event *ret, const struct store_who *who, const struct store_batch *b, struct err *e)
{
	return event_make(ret, who, "batch.create", b->name, e, "quantity %lld, %s%s", (long long)b->quantity,
	    batch_state_name(b->state == BATCH_WAITING ? BATCH_WAITING : BATCH_OPEN), b->listed ? ", only the devices listed" : "");
}

enum err_code
event_batch_state(struct store_event *ret, const struct store_who *who, const char *name, enum batch_state from,
    enum batch_state to, struct err *e)
{
	return event_make(ret, who, to == BATCH_OPEN ? "batch.open" : "batch.close", name, e, "%s -> %s", batch_state_name(from),
	    batch_state_name(to));
}

enum err_code
event_batch_quantity(struct store_event *ret, const struct store_who *who, const char *name, int64_t from, int64_t to,
    struct err *e)
{
	return event_make(ret, who, "batch.quantity", name, e, "quantity %lld -> %lld", (long long)from, (long long)to);
}

enum err_code
event_token_create(struct store_event *ret, const struct store_who *who, const struct store_token *t, const char *batch_name,
    struct err *e)
{
	/* the words of server/access/role.h for the numbers that the ledger keeps: whoever reads this later has no other */
	static const char *const	roles[] = { "none", "enroll", "viewer", "technician", "admin" };
	const char			*role = t->role > 0 && t->role < (int)(sizeof(roles) / sizeof(roles[0])) ? roles[t->role] : "unknown";
	char				 expires[CLOCK_TEXT_BYTES] = "";

	if (t->expires_at_us != 0)
		clock_format_s(t->expires_at_us / 1000000, expires);
	return event_make(ret, who, "token.create", t->name, e, "role %s%s%s%s%s%s%s", role, batch_name[0] != '\0' ? ", batch " : "",
	    batch_name, t->network[0] != '\0' ? ", network " : "", t->network, t->expires_at_us != 0 ? ", expires " : "", expires);
}

static enum err_code
event_certificate(struct store_event *ret, const struct store_who *who, const char *action, const struct store_certificate *c, struct err *e)
{
	char	serial[2 * STORE_SERIAL_BYTES + 1];

	hex_encode(c->serial, sizeof(c->serial), serial);
	return event_make(ret, who, action, c->device_id, e, "serial %s, batch %s, was %s", serial, c->batch_name,
	    certificate_state_name(c->state));
}

enum err_code
event_certificate_revoke(struct store_event *ret, const struct store_who *who, const struct store_certificate *c, struct err *e)
{
	return event_certificate(ret, who, "certificate.revoke", c, e);
}

enum err_code
event_certificate_retry(struct store_event *ret, const struct store_who *who, const struct store_certificate *c, struct err *e)
{
	return event_certificate(ret, who, "certificate.retry", c, e);
}

enum err_code
event_device_rework(struct store_event *ret, const struct store_who *who, const char *device_id, struct err *e)
{
	return event_make(ret, who, "device.rework", device_id, e, "another key, once");
}
