#include "target.h"

#include <stdio.h>
#include <string.h>

enum { ATTRIBUTES_WITHOUT_TYPE = 3 };	/* AWS IoT quota */

static const struct {
	const char	*name;		/* with its braces */
	size_t		 offset;	/* into struct target_values */
} places[] = {
	{ "{device_id}", offsetof(struct target_values, device_id) },
	{ "{serial}", offsetof(struct target_values, serial) },
	{ "{batch}", offsetof(struct target_values, batch) },
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* As long as every serial is, and as harmless. */
#define ANY_SERIAL "00000000000000000000000000000000"

/* For a dry run: certain to do, so that only the text around it can be at fault. */
static const struct target_values any_values = { "0", ANY_SERIAL, "0" };

/* The place that text begins with, or PLACES. */
static size_t
place_at(const char *text)
{
	size_t i = 0;

	while (i < PLACES && strncmp(text, places[i].name, strlen(places[i].name)) != 0)
		i++;
	return i;
}

/* false: a brace that is no known place, or longer than out.  Then nothing in out is of use. */
static bool
fill(const char *template, size_t len, const struct target_values *v, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < len;) {
		size_t place = place_at(template + i), n = 1;
		const char *from = template + i;

		if (place < PLACES) {
			i += strlen(places[place].name);
			memcpy(&from, (const char *)v + places[place].offset, sizeof(from));
			n = strlen(from);
		} else if (template[i] == '{' || template[i] == '}') {
			return false;
		} else {
			i++;
		}
		if (at + n >= size)
			return false;
		memcpy(out + at, from, n);
		at += n;
	}
	out[at] = '\0';
	return true;
}

enum err_code
target_thing_name(const struct target *t, const struct target_values *v, char out[LIMIT_AWS_NAME_BYTES + 1], struct err *e)
{
	char name[LIMIT_AWS_NAME_BYTES + 1];
	bool fits = fill(t->thing_name, strlen(t->thing_name), v, name, sizeof(name));

	if (fits && iot_is_thing_name(name)) {
		memcpy(out, name, sizeof(name));
		return ERR_OK;
	}
	if (strstr(t->thing_name, "{device_id}") != NULL && !iot_is_thing_name(v->device_id))
		return err_say(e, ERR_SUBJECT, "The device id %s cannot be the name of an AWS IoT thing, and this batch makes things: "
		    "only A-Z a-z 0-9 : _ - may stand in it. Correct the device's id, or ask the line lead.", v->device_id);
	return err_say(e, ERR_SUBJECT, "The thing name for the device %s would be %s (lineca.conf: thing_name), which AWS IoT refuses: "
	    "1 to %d of A-Z a-z 0-9 : _ - are needed. Ask the line lead.", v->device_id, fits ? name : "too long", LIMIT_AWS_NAME_BYTES);
}

/* ---- lists: items with commas between, spaces around them */

/* The next item that is not empty, from *p on.  NULL: no more. */
static const char *
next_item(const char **p, size_t *ret_len)
{
	const char *begin;
	size_t len;

	*p += strspn(*p, ", ");
	begin = *p;
	len = strcspn(begin, ",");
	*p += len;
	while (len > 0 && begin[len - 1] == ' ')
		len--;
	*ret_len = len;
	return len > 0 ? begin : NULL;
}

struct attribute_item {
	const char	*name, *template;
	size_t		 name_len, template_len;
};

/* "name = template" into its parts; false: no "=". */
static bool
split_attribute(const char *item, size_t len, struct attribute_item *ret)
{
	const char *equals = memchr(item, '=', len);

	if (equals == NULL)
		return false;
	*ret = (struct attribute_item){ item, equals + 1, (size_t)(equals - item), len - (size_t)(equals - item) - 1 };
	while (ret->name_len > 0 && item[ret->name_len - 1] == ' ')
		ret->name_len--;
	while (ret->template_len > 0 && *ret->template == ' ') {
		ret->template++;
		ret->template_len--;
	}
	return true;
}

static enum err_code
fill_attribute(const struct attribute_item *a, const struct target_values *v, struct iot_attribute *out, struct err *e)
{
	(void)snprintf(out->name, sizeof(out->name), "%.*s", (int)a->name_len, a->name);
	if (!fill(a->template, a->template_len, v, out->value, sizeof(out->value)) || !iot_is_attribute_value(out->value))
		return err_say(e, ERR_SUBJECT, "The thing attribute %.40s of the device %s would be one that AWS IoT refuses "
		    "(lineca.conf: thing_attributes): only A-Z a-z 0-9 and _ . , @ / : # = [ ] - may stand in it, at most %zu. Ask the line lead.",
		    out->name, v->device_id, sizeof(out->value) - 1);
	return ERR_OK;
}

enum err_code
target_thing_attributes(const struct target *t, const struct target_values *v, struct iot_attribute out[TARGET_ATTRIBUTES],
    size_t *ret_count, struct err *e)
{
	const char *p = t->thing_attributes, *item;
	struct attribute_item a;
	enum err_code rc;
	size_t n = 0, len;

	while ((item = next_item(&p, &len)) != NULL) {
		if (n == TARGET_ATTRIBUTES || !split_attribute(item, len, &a))
			return err_set(e, ERR_INTERNAL, "thing_attributes: not as target_check left them");
		if ((rc = fill_attribute(&a, v, &out[n++], e)) != ERR_OK)
			return rc;
	}
	*ret_count = n;
	return ERR_OK;
}

enum err_code
target_takes(const struct target *t, const char *device_id, const char *batch, struct err *e)
{
	struct target_values v = { device_id, ANY_SERIAL, batch };
	const char *p = t->thing_attributes, *item;
	char name[LIMIT_AWS_NAME_BYTES + 1];
	struct iot_attribute filled;
	struct attribute_item a;
	enum err_code rc;
	size_t len;

	if (!t->things)
		return ERR_OK;
	if ((rc = target_thing_name(t, &v, name, e)) != ERR_OK)
		return rc;
	while ((item = next_item(&p, &len)) != NULL && split_attribute(item, len, &a))
		if ((rc = fill_attribute(&a, &v, &filled, e)) != ERR_OK)
			return rc;
	return ERR_OK;
}

/* ---- the check */

/* "[aws]" or "[aws NAME]", for the messages. */
struct section_text {
	char	text[TARGET_HEAD_BYTES];
};

static struct section_text
section_of(const struct target *t)
{
	struct section_text s;

	(void)target_head(t, s.text);
	return s;
}
#define SECTION(t) section_of(t).text

#define PLACES_TEXT "{device_id}, {serial} and {batch}"

static enum err_code
check_thing_name(const struct target *t, struct err *e)
{
	char name[LIMIT_AWS_NAME_BYTES + 1];

	if (strstr(t->thing_name, "{device_id}") == NULL && strstr(t->thing_name, "{serial}") == NULL)
		return err_set(e, ERR_CONFIG, "%s thing_name = %.60s: without {device_id} or {serial} all devices would be one thing", SECTION(t),
		    t->thing_name);
	if (!fill(t->thing_name, strlen(t->thing_name), &any_values, name, sizeof(name)) || !iot_is_thing_name(name))
		return err_set(e, ERR_CONFIG, "%s thing_name = %.60s: A-Z a-z 0-9 : _ - and " PLACES_TEXT " may stand in it, at most %d characters",
		    SECTION(t), t->thing_name, LIMIT_AWS_NAME_BYTES);
	return ERR_OK;
}

/* Is this name among the items before it? */
static bool
attribute_repeats(const struct target *t, const char *until, const struct attribute_item *a)
{
	const char *p = t->thing_attributes, *item;
	struct attribute_item other;
	size_t len;

	while ((item = next_item(&p, &len)) != NULL && item < until)
		if (split_attribute(item, len, &other) && other.name_len == a->name_len && memcmp(other.name, a->name, a->name_len) == 0)
			return true;
	return false;
}

static enum err_code
check_attribute(const struct target *t, const char *item, size_t len, struct err *e)
{
	struct iot_attribute filled;
	struct attribute_item a;
	char name[LIMIT_AWS_NAME_BYTES + 1];

	if (!split_attribute(item, len, &a))
		return err_set(e, ERR_CONFIG, "%s thing_attributes: %.*s: NAME=VALUE is needed", SECTION(t), len < 60 ? (int)len : 60, item);
	(void)snprintf(name, sizeof(name), "%.*s", (int)a.name_len, a.name);
	if (a.name_len >= sizeof(name) || !iot_is_attribute_name(name))
		return err_set(e, ERR_CONFIG, "%s thing_attributes: the name %.60s: 1 to %d of A-Z a-z 0-9 _ . , @ / : # - are needed", SECTION(t), name,
		    LIMIT_AWS_NAME_BYTES);
	if (attribute_repeats(t, item, &a))
		return err_set(e, ERR_CONFIG, "%s thing_attributes: %.60s stands there twice", SECTION(t), name);
	if (a.template_len == 0 || fill_attribute(&a, &any_values, &filled, e) != ERR_OK)
		return err_set(e, ERR_CONFIG, "%s thing_attributes: %.60s=%.*s: 1 to %zu of A-Z a-z 0-9 _ . @ / : # = [ ] - and " PLACES_TEXT
		    " may stand there", SECTION(t), name, a.template_len < 60 ? (int)a.template_len : 60, a.template, sizeof(filled.value) - 1);
	return ERR_OK;
}

static enum err_code
check_attributes(const struct target *t, struct err *e)
{
	size_t max = t->thing_type[0] != '\0' ? TARGET_ATTRIBUTES : ATTRIBUTES_WITHOUT_TYPE, n = 0, len;
	const char *p = t->thing_attributes, *item;
	enum err_code rc;

	while ((item = next_item(&p, &len)) != NULL) {
		if ((rc = check_attribute(t, item, len, e)) != ERR_OK)
			return rc;
		if (++n > max)
			return err_set(e, ERR_CONFIG, "%s thing_attributes: more than %zu; AWS IoT takes %d without a thing_type, %d with one",
			    SECTION(t), max, ATTRIBUTES_WITHOUT_TYPE, TARGET_ATTRIBUTES);
	}
	return ERR_OK;
}

static enum err_code
read_policies(struct target *t, struct err *e)
{
	const char *p = t->policies_text, *item;
	char name[LIMIT_AWS_NAME_BYTES + 2];
	size_t len;

	t->policies_count = 0;
	while ((item = next_item(&p, &len)) != NULL) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name)), item);
		if (!iot_is_policy_name(name))
			return err_set(e, ERR_CONFIG, "%s policies: %.60s: 1 to %d of A-Z a-z 0-9 _ + = . @ - are needed", SECTION(t), name,
			    LIMIT_AWS_NAME_BYTES);
		for (size_t i = 0; i < t->policies_count; i++)
			if (strcmp(t->policies[i], name) == 0)
				return err_set(e, ERR_CONFIG, "%s policies: %.60s stands there twice", SECTION(t), name);
		if (t->policies_count == LIMIT_POLICIES)
			return err_set(e, ERR_CONFIG, "%s policies: more than %d, and AWS IoT takes no more on one certificate", SECTION(t), LIMIT_POLICIES);
		memcpy(t->policies[t->policies_count++], name, LIMIT_AWS_NAME_BYTES + 1);
	}
	return ERR_OK;
}

/* Settings of things where no things are made: one of the two was not meant. */
static const char *
thing_setting(const struct target *t)
{
	if (strcmp(t->thing_name, "{device_id}") != 0)
		return "thing_name";
	if (t->thing_type[0] != '\0')
		return "thing_type";
	if (t->thing_group[0] != '\0')
		return "thing_group";
	if (t->thing_attributes[0] != '\0')
		return "thing_attributes";
	return t->thing_exists != TARGET_PARK ? "thing_exists" : NULL;
}

enum err_code
target_check(struct target *t, struct err *e)
{
	const char *useless = thing_setting(t);
	enum err_code rc;

	if (!t->things && useless != NULL)
		return err_set(e, ERR_CONFIG, "%s %s needs things = yes", SECTION(t), useless);
	if ((rc = check_thing_name(t, e)) != ERR_OK || (rc = check_attributes(t, e)) != ERR_OK)
		return rc;
	return read_policies(t, e);
}

const char *
target_head(const struct target *t, char out[TARGET_HEAD_BYTES])
{
	(void)snprintf(out, TARGET_HEAD_BYTES, "[aws%s%s]", t->name[0] != '\0' ? " " : "", t->name);
	return out;
}
