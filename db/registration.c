#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "db/store_internal.h"

const char *
registration_state_name(enum registration_state s)
{
	static const char *const	names[] = {
		[REGISTRATION_GOING] = "going",
		[REGISTRATION_DONE] = "done",
		[REGISTRATION_PARKED] = "parked",
	};

	return names[s];
}

void
registration_reason(const struct store_registration *r, char out[STORE_REASON_BYTES + 1])
{
	char	text[sizeof(r->step) + sizeof(r->code) + sizeof(r->message) + 8];
	size_t	len;

	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", r->step, r->step[0] != '\0' && r->code[0] != '\0' ? ": " : "", r->code,
	    (r->step[0] != '\0' || r->code[0] != '\0') && r->message[0] != '\0' ? ": " : "", r->message);
	len = text_fit(text, strlen(text), STORE_REASON_BYTES);
	memcpy(out, text, len);
	out[len] = '\0';
}

enum err_code
registration_row_check(const struct store_registration_row *row, struct err *e)
{
	const struct store_registration	*r = row->registration;

	const int	whole = row->withdrawal ? CERTIFICATE_REVOKED : CERTIFICATE_REGISTERED;

	if (row->settled != -1 && row->settled != whole && row->settled != CERTIFICATE_PARKED)
		return err_set(e, ERR_INTERNAL, "registration of %lld: settled as %d", (long long)r->cert_id, row->settled);
	if (row->settled == whole && (r->state != REGISTRATION_DONE || (row->withdrawal && r->withdrawn_at_us == 0)))
		return err_set(e, ERR_INTERNAL, "registration of %lld: %s by a registration that is %s", (long long)r->cert_id,
		    row->withdrawal ? "withdrawn" : "registered", registration_state_name(r->state));
	return ERR_OK;
}
