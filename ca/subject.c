#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "ca/ossl.h"
#include "ca/oid.h"
#include "ca/stages.h"

/* What a subject may have; everything not named here is refused.  Upper bounds: RFC 5280 A.1. */
static const struct attr_rule {
	const char	*oid;
	size_t		 oid_len;
	const char	*name;
	size_t		 max_chars;
} rules[SUBJECT_ATTRS] = {
#define RULE(oid, name, max) { oid, sizeof(oid) - 1, name, max }
	[SUBJECT_C] = RULE(OID_COUNTRY, "C", 2),
	[SUBJECT_ST] = RULE(OID_STATE, "ST", 128),
	[SUBJECT_L] = RULE(OID_LOCALITY, "L", 128),
	[SUBJECT_O] = RULE(OID_ORGANIZATION, "O", 64),
	[SUBJECT_OU] = RULE(OID_ORGANIZATIONAL_UNIT, "OU", 64),
	[SUBJECT_CN] = RULE(OID_COMMON_NAME, "CN", LIMIT_DEVICE_ID_BYTES),
#undef RULE
};

static const struct attr_rule *
find_rule(struct der oid)
{
	for (size_t i = 0; i < SUBJECT_ATTRS; i++)
		if (der_equal(oid, rules[i].oid, rules[i].oid_len))
			return &rules[i];
	return NULL;
}

/* "emailAddress", or dotted numbers for what OpenSSL has no name for. */
static void
oid_text(struct der oid, char *out, size_t out_size)
{
	uint8_t element[2 + 127];
	const uint8_t *p = element;
	ASN1_OBJECT *o = NULL;
	int nid;

	(void)snprintf(out, out_size, "of an unknown type");
	if (oid.len > 127)
		return;
	element[0] = DER_OID;
	element[1] = (uint8_t)oid.len;
	memcpy(element + 2, oid.p, oid.len);
	if ((o = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len + 2)) != NULL) {
		nid = OBJ_obj2nid(o);
		if (nid != NID_undef)
			(void)snprintf(out, out_size, "%s", OBJ_nid2sn(nid));
		else
			(void)OBJ_obj2txt(out, (int)out_size, o, 1);
	}
	ASN1_OBJECT_free(o);
	ERR_clear_error();
}

/*
 * One character of UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF) off the front.
 * Returns its number, -1 if there is none.
 */
static int32_t
take_utf8(struct der *in)
{
	static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	int32_t c = in->p[0];
	size_t more;

	if (c < 0x80)
		more = 0;
	else if (c >= 0xc2 && c <= 0xdf)
		more = 1, c &= 0x1f;
	else if (c >= 0xe0 && c <= 0xef)
		more = 2, c &= 0x0f;
	else if (c >= 0xf0 && c <= 0xf4)
		more = 3, c &= 0x07;
	else
		return -1;
	if (in->len < 1 + more)
		return -1;
	for (size_t i = 1; i <= more; i++) {
		if ((in->p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (in->p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	in->p += 1 + more;
	in->len -= 1 + more;
	return c;
}

/* X.680 41.4 */
static bool
printable_char(int32_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c > 0 && c < 0x80 && strchr(" '()+,-./:=?", (int)c) != NULL);
}

static enum err_code
check_text(const struct attr_rule *r, uint8_t tag, struct der value, struct err *e)
{
	size_t chars = 0;

	if (value.len == 0)
		return err_say(e, ERR_SUBJECT, "The subject attribute %s is empty; leave it out or fill it in.", r->name);
	for (; value.len > 0; chars++) {
		int32_t c = take_utf8(&value);

		if (c < 0)
			return err_say(e, ERR_SUBJECT, "The subject attribute %s is not valid UTF-8.", r->name);
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return err_say(e, ERR_SUBJECT, "The subject attribute %s holds a control character.", r->name);
		if (tag == DER_PRINTABLE_STRING && !printable_char(c))
			return err_say(e, ERR_SUBJECT, "The subject attribute %s is a PrintableString with a character"
			    " that type does not have; encode it as UTF8String.", r->name);
	}
	if (chars > r->max_chars)
		return err_say(e, ERR_SUBJECT, "The subject attribute %s has %zu characters; at most %zu are allowed.",
		    r->name, chars, r->max_chars);
	return ERR_OK;
}

static bool
ascii_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static enum err_code
check_country(struct der c, struct err *e)
{
	if (c.len != 2 || !ascii_letter(c.p[0]) || !ascii_letter(c.p[1]))
		return err_say(e, ERR_SUBJECT, "The subject attribute C must be a country code of two letters, such as DE.");
	return ERR_OK;
}

enum err_code
device_id_check(const char *id, size_t len, struct err *e)
{
	size_t hex = 0;

	if (len < 1 || len > LIMIT_DEVICE_ID_BYTES)
		return err_say(e, ERR_SUBJECT, "The device id (the subject's CN) has %zu characters; 1 to %d are allowed.", len,
		    LIMIT_DEVICE_ID_BYTES);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)id[i];

		if (!ascii_letter(c) && !(c >= '0' && c <= '9') && (c == '\0' || strchr(":_.-", c) == NULL))
			return err_say(e, ERR_SUBJECT, "The device id (the subject's CN) may hold letters, digits and : _ . -"
			    " only; its character number %zu is %s.", i + 1, c == ' ' ? "a space" : "another");
		hex += hex_digit(id[i]);
	}
	if (id[0] == '.' && (len == 1 || (len == 2 && id[1] == '.')))
		return err_say(e, ERR_SUBJECT, "The device id (the subject's CN) may not be %s: no address of a web page can end so;"
		    " give the device another id.", len == 1 ? "one dot" : "two dots");
	if (len == LIMIT_REGISTRATION_CODE_BYTES && hex == len)
		return err_say(e, ERR_SUBJECT, "The device id (the subject's CN) is 64 hexadecimal digits, which is the form of"
		    " an AWS IoT registration code; give the device another id.");
	return ERR_OK;
}

static enum err_code
check_attribute(struct csr *c, struct der atv, struct err *e)
{
	const struct attr_rule *r;
	struct der oid, value;
	uint8_t tag;
	char name[64];
	enum err_code rc;

	if (!der_take(&atv, DER_OID, &oid) || !der_next(&atv, &tag, &value))
		return err_set(e, ERR_INTERNAL, "subject: csr_parse let a broken attribute pass");
	if ((r = find_rule(oid)) == NULL) {
		oid_text(oid, name, sizeof(name));
		return err_say(e, ERR_SUBJECT, "The subject holds the attribute %s; only C, ST, L, O, OU and CN are allowed.",
		    name);
	}
	if (c->attr[r - rules].len > 0)
		return err_say(e, ERR_SUBJECT, "The subject holds %s more than once.", r->name);
	if (tag != DER_UTF8_STRING && tag != DER_PRINTABLE_STRING)
		return err_say(e, ERR_SUBJECT, "The subject attribute %s must be a UTF8String or a PrintableString.", r->name);
	if ((rc = check_text(r, tag, value, e)) != ERR_OK)
		return rc;
	c->attr[r - rules] = value;
	if (r == &rules[SUBJECT_C])
		return check_country(value, e);
	if (r == &rules[SUBJECT_CN])
		return device_id_check((const char *)value.p, value.len, e);
	return ERR_OK;
}

enum err_code
subject_check(struct csr *c, struct err *e)
{
	struct der name = c->subject, rdn, atv;
	enum err_code rc;

	memset(c->attr, 0, sizeof(c->attr));
	while (name.len > 0) {
		if (!der_take(&name, DER_SET, &rdn) || !der_take(&rdn, DER_SEQUENCE, &atv))
			return err_set(e, ERR_INTERNAL, "subject: csr_parse let a broken name pass");
		if (rdn.len > 0)
			return err_say(e, ERR_SUBJECT, "The subject holds a multi-valued RDN (two attributes joined by +);"
			    " give each attribute an RDN of its own.");
		if ((rc = check_attribute(c, atv, e)) != ERR_OK)
			return rc;
	}
	if (c->attr[SUBJECT_CN].len == 0)
		return err_say(e, ERR_SUBJECT, "The subject holds no CN; the CN is the device id.");
	memcpy(c->device_id, c->attr[SUBJECT_CN].p, c->attr[SUBJECT_CN].len);
	c->device_id[c->attr[SUBJECT_CN].len] = '\0';
	c->checks |= CSR_SUBJECT_OK;
	return ERR_OK;
}
