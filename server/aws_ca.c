#include "aws_ca.h"

#include <string.h>

#include "base/hex.h"
#include "ca/issuer.h"

static enum err_code
unexpected(const char *operation, struct err *e)
{
	return err_set(e, ERR_IO, "%s: AWS answered something else; is the endpoint right?", operation);
}

enum err_code
aws_ca_id(const uint8_t *der, size_t der_len, char out[AWS_CA_ID_BYTES], struct err *e)
{
	struct ca_facts facts;
	enum err_code rc;

	if ((rc = ca_facts_read(der, der_len, &facts, e)) == ERR_OK)
		hex_encode(facts.fingerprint, sizeof(facts.fingerprint), out);
	return rc;
}

struct description {
	struct iot_ca	*ret;
	bool		*found;
};

static enum err_code
on_description(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct description *d = arg;

	*d->found = false;
	if (reply->outcome == AWS_NOT_FOUND)
		return ERR_OK;
	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "DescribeCACertificate", e);
	if (!iot_ca_read(reply, d->ret))
		return unexpected("DescribeCACertificate", e);
	*d->found = true;
	return ERR_OK;
}

enum err_code
aws_ca_describe(struct aws_session *s, const char *id, struct iot_ca *ret, bool *ret_found, struct err *e)
{
	struct description d = { ret, ret_found };
	struct aws_request r = { 0 };

	iot_describe_ca_certificate(&r, id);
	return aws_session_ask(s, &r, on_description, &d, e);
}

static enum err_code
on_code(void *code, const struct aws_reply *reply, struct err *e)
{
	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "GetRegistrationCode", e);
	return iot_registration_code_read(reply, code) ? ERR_OK : unexpected("GetRegistrationCode", e);
}

enum err_code
aws_ca_registration_code(struct aws_session *s, char code[65], struct err *e)
{
	struct aws_request r = { 0 };

	iot_get_registration_code(&r);
	return aws_session_ask(s, &r, on_code, code, e);
}

static enum err_code
on_registered(void *arg, const struct aws_reply *reply, struct err *e)
{
	(void)arg;
	if (reply->outcome == AWS_DONE || reply->outcome == AWS_EXISTS)
		return ERR_OK;
	if (strcmp(reply->code, "RegistrationCodeValidationException") == 0)
		return err_set(e, ERR_CONFLICT, "AWS refuses the verification certificate (%s): it must be made with this account's and region's code: "
		    "`lineca aws registration-code`, then `lineca ca verification-cert --code CODE` on the line, within a day", reply->message);
	return aws_reply_fail(reply, "RegisterCACertificate", e);
}

enum err_code
aws_ca_register(struct aws_session *s, const struct iot_ca_registration *ca, struct err *e)
{
	struct aws_request r = { 0 };

	iot_register_ca_certificate(&r, ca);
	return aws_session_ask(s, &r, on_registered, NULL, e);
}

static enum err_code
on_updated(void *arg, const struct aws_reply *reply, struct err *e)
{
	(void)arg;
	return reply->outcome == AWS_DONE ? ERR_OK : aws_reply_fail(reply, "UpdateCACertificate", e);
}

enum err_code
aws_ca_set_active(struct aws_session *s, const char *id, bool active, struct err *e)
{
	struct aws_request r = { 0 };

	iot_update_ca_certificate(&r, id, active);
	return aws_session_ask(s, &r, on_updated, NULL, e);
}

struct page {
	int64_t	count;
	char	marker[IOT_MARKER_BYTES];
};

static enum err_code
on_page(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct page *p = arg;

	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "ListCertificatesByCA", e);
	return iot_page_read(reply, NULL, NULL, &p->count, p->marker) ? ERR_OK : unexpected("ListCertificatesByCA", e);
}

enum err_code
aws_ca_count(struct aws_session *s, const char *id, int64_t max, int64_t *ret, bool *ret_more, struct err *e)
{
	struct page p = { 0 };
	int64_t sum = 0, pages = 0;
	enum err_code rc;

	do {
		struct aws_request r = { 0 };

		iot_list_certificates_by_ca(&r, id, p.marker);
		if ((rc = aws_session_ask(s, &r, on_page, &p, e)) != ERR_OK)
			return rc;
		sum += p.count;
	} while (p.marker[0] != '\0' && sum < max && ++pages < max);	/* a page may be empty and not the last */
	*ret = sum;
	*ret_more = p.marker[0] != '\0';
	return ERR_OK;
}
