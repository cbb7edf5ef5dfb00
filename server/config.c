#include "config.h"

#include <arpa/inet.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"

enum setting_type { SETTING_NUMBER, SETTING_CHOICE, SETTING_LISTEN };

struct setting {
	const char		*section, *name;
	enum setting_type	 type;
	size_t			 offset;	/* into struct config, or struct profile */
	const char		*fallback;
	int64_t			 min, max;
	const char *const	*choices;	/* SETTING_CHOICE: the value is the index */
	const char		*help;
};

static const char *const enroll_choices[] = { "loopback", "open", NULL };
static const char *const level_choices[] = { "debug", "info", "warn", "error", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };

#define AT(member) offsetof(struct config, member)
#define NUMBER(section, name, member, fallback, min, max, help) \
	{ section, name, SETTING_NUMBER, member, fallback, min, max, NULL, help }
#define CHOICE(section, name, member, fallback, choices, help) \
	{ section, name, SETTING_CHOICE, member, fallback, 0, 0, choices, help }

static const struct setting settings[] = {
	NUMBER("commit", "cache_mib", AT(commit_cache_mib), "16", 1, 1024,
	    "Memory for pages of the ledger that is kept between commits, in MiB."),
	NUMBER("commit", "group_enough", AT(commit_group_enough), "64", 1, 4096,
	    "A group of so many certificates is committed without waiting for more."),
	NUMBER("commit", "group_max", AT(commit_group_max), "128", 1, 4096,
	    "At most so many certificates in one commit."),
	NUMBER("commit", "linger_us", AT(commit_linger_us), "400", 0, 100000,
	    "How long a commit waits for others that are being signed, in microseconds. One station, or two, never wait."),
	NUMBER("commit", "queue", AT(commit_queue), "1024", 1, 65536,
	    "Requests that may be in work at once; more are answered 503 busy."),
	NUMBER("guard", "disk_reserve_mib", AT(guard_disk_reserve_mib), "256", 1, INT64_C(1) << 40,
	    "Issuing stops (507 disk_low) when the disk of the home has less free than this, in MiB; reading goes on."),
	NUMBER("issue", "verify_every", AT(issue_verify_every), "256", 1, 1000000,
	    "Every certificate is read back and compared with its plan; its signature is verified too at the first and then at every N-th."),
	CHOICE("log", "level", AT(log_level), "info", level_choices,
	    "debug, info, warn or error."),
	NUMBER("server", "connections_max", AT(server_connections_max), "1000", 1, 60000,
	    "Connections held at once; more wait at the door until one ends."),
	NUMBER("server", "drain_s", AT(server_drain_s), "10", 1, 3600,
	    "How long a stop waits for what is being answered, in seconds."),
	CHOICE("server", "enroll", AT(server_enroll), "loopback", enroll_choices,
	    "Who may enroll without a right: loopback = only this machine (the server then listens nowhere else);\n"
	    "open = whoever can reach the port. Choose open only on a wire where every machine is trusted."),
	NUMBER("server", "idle_timeout_s", AT(server_idle_timeout_s), "30", 1, 3600,
	    "A connection that sends nothing for so long is closed, in seconds."),
	{ "server", "listen", SETTING_LISTEN, AT(server_listen), "127.0.0.1:8080", 0, 0, NULL,
	    "ADDRESS:PORT, an IPv4 address or an IPv6 one in brackets. serve --listen overrules it." },
	NUMBER("server", "threads", AT(server_threads), "0", 0, 256,
	    "HTTP workers; they also sign. 0: one for each processor."),
};
#undef AT

#define AT(member) offsetof(struct profile, member)
static const struct setting profile_settings[] = {
	NUMBER("profile", "backdate_minutes", AT(backdate_s), "60", 0, 7 * 24 * 60,
	    "notBefore lies so many minutes back, for devices whose clock is behind."),
	CHOICE("profile", "may_outlive_ca", AT(may_outlive_ca), "no", no_yes,
	    "yes: notAfter may lie behind the CA's own; no: it is cut to the CA's."),
	CHOICE("profile", "no_expiry", AT(no_expiry), "no", no_yes,
	    "yes: notAfter is 9999-12-31 (IEEE 802.1AR: no well-defined end); needs may_outlive_ca = yes."),
	NUMBER("profile", "validity_days", AT(validity_s), "3650", 1, 36500,
	    "notAfter lies so many days ahead."),
};
#undef AT

enum {
	SETTINGS = sizeof(settings) / sizeof(settings[0]),
	PROFILE_SETTINGS = sizeof(profile_settings) / sizeof(profile_settings[0])
};

static enum err_code
parse_number(const struct setting *s, const char *value, int64_t *ret, struct err *e)
{
	if (!number_parse(value, s->min, s->max, ret))
		return err_set(e, ERR_CONFIG, "%s = %.40s: a whole number from %lld to %lld is needed", s->name, value,
		    (long long)s->min, (long long)s->max);
	return ERR_OK;
}

static enum err_code
parse_choice(const struct setting *s, const char *value, int64_t *ret, struct err *e)
{
	char list[128] = "";

	for (int64_t i = 0; s->choices[i] != NULL; i++) {
		size_t len = strlen(list);

		if (strcmp(s->choices[i], value) == 0) {
			*ret = i;
			return ERR_OK;
		}
		(void)snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "", s->choices[i]);
	}
	return err_set(e, ERR_CONFIG, "%s = %.40s: one of %s is needed", s->name, value, list);
}

static enum err_code
set_setting(struct config *c, const struct setting *s, const char *value, struct err *e)
{
	char *field = (char *)c + s->offset, address[CONFIG_ADDRESS_BYTES];
	enum err_code rc = ERR_OK;
	int64_t n = 0;
	uint16_t port;

	switch (s->type) {
	case SETTING_NUMBER:
		if ((rc = parse_number(s, value, &n, e)) == ERR_OK)
			memcpy(field, &n, sizeof(n));
		break;
	case SETTING_CHOICE:
		if ((rc = parse_choice(s, value, &n, e)) == ERR_OK)
			memcpy(field, &n, sizeof(n));
		break;
	case SETTING_LISTEN:
		if ((rc = config_parse_listen(value, address, &port, e)) == ERR_OK)
			(void)snprintf(c->server_listen, sizeof(c->server_listen), "%s", value);
		else
			e->code = rc = ERR_CONFIG;
		break;
	}
	return rc;
}

/* The members of a profile have their own types and units. */
static enum err_code
set_profile_setting(struct profile *p, const struct setting *s, const char *value, struct err *e)
{
	enum err_code rc;
	int64_t n;

	rc = s->type == SETTING_NUMBER ? parse_number(s, value, &n, e) : parse_choice(s, value, &n, e);
	if (rc != ERR_OK)
		return rc;
	if (s->offset == offsetof(struct profile, backdate_s))
		p->backdate_s = n * 60;
	else if (s->offset == offsetof(struct profile, validity_s))
		p->validity_s = n * 86400;
	else if (s->offset == offsetof(struct profile, no_expiry))
		p->no_expiry = n != 0;
	else
		p->may_outlive_ca = n != 0;
	return ERR_OK;
}

static bool
name_is_plain(const char *name)
{
	return *name != '\0' && strlen(name) <= LIMIT_NAME_BYTES &&
	    strspn(name, NAME_CHARACTERS) == strlen(name);
}

static struct profile *
profile_named(struct config *c, const char *name, struct err *e)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	if (!name_is_plain(name)) {
		(void)err_set(e, ERR_CONFIG, "[profile %.40s]: a name of 1 to %d of A-Za-z0-9_.- is needed", name, LIMIT_NAME_BYTES);
		return NULL;
	}
	if (c->profiles_count == LIMIT_PROFILES) {
		(void)err_set(e, ERR_CONFIG, "[profile %s]: more than %d profiles", name, LIMIT_PROFILES);
		return NULL;
	}
	c->profiles[c->profiles_count] = profile_default;
	(void)snprintf(c->profiles[c->profiles_count].name, sizeof(c->profiles[0].name), "%s", name);
	return &c->profiles[c->profiles_count++];
}

struct config_reading {
	struct config	*config;
	struct err	*e;
};

static enum err_code
set_in_profile(struct config *c, const char *profile, const char *name, const char *value, struct err *e)
{
	struct profile *p;

	if ((p = profile_named(c, profile, e)) == NULL)
		return e->code;
	for (size_t i = 0; i < PROFILE_SETTINGS; i++)
		if (strcmp(profile_settings[i].name, name) == 0)
			return set_profile_setting(p, &profile_settings[i], value, e);
	return err_set(e, ERR_CONFIG, "[profile %s] has no setting %.40s", profile, name);
}

static enum err_code
set_named(struct config *c, const char *section, const char *name, const char *value, struct err *e)
{
	if (strncmp(section, "profile ", 8) == 0)
		return set_in_profile(c, section + 8, name, value, e);
	for (size_t i = 0; i < SETTINGS; i++)
		/* names are unique, so one above all sections can only mean one thing */
		if (strcmp(settings[i].name, name) == 0 && (*section == '\0' || strcmp(settings[i].section, section) == 0))
			return set_setting(c, &settings[i], value, e);
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].section, section) == 0)
			return err_set(e, ERR_CONFIG, "[%.40s] has no setting %.40s", section, name);
	return err_set(e, ERR_CONFIG, "%.40s stands in [%.40s], and there is no such section: commit, guard, issue, log, server, profile NAME",
	    name, section);
}

/* inih: 1 = go on, 0 = this line is wrong. */
static int
on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct config_reading *r = arg;

	/* the first error is the one worth telling */
	if (r->e->code != ERR_OK)
		return 0;
	return set_named(r->config, section, name, value, r->e) == ERR_OK;
}

/* What no single setting can know. */
static enum err_code
check_together(const struct config *c, struct err *e)
{
	if (c->commit_group_enough > c->commit_group_max)
		return err_set(e, ERR_CONFIG, "[commit] group_enough = %lld is more than group_max = %lld",
		    (long long)c->commit_group_enough, (long long)c->commit_group_max);
	for (size_t i = 0; i < c->profiles_count; i++)
		if (c->profiles[i].no_expiry && !c->profiles[i].may_outlive_ca)
			return err_set(e, ERR_CONFIG, "[profile %s] no_expiry = yes needs may_outlive_ca = yes",
			    c->profiles[i].name);
	return ERR_OK;
}

void
config_defaults(struct config *c)
{
	struct err e = { 0 };

	*c = (struct config){ .profiles = { profile_default }, .profiles_count = 1 };
	for (size_t i = 0; i < SETTINGS; i++)
		if (set_setting(c, &settings[i], settings[i].fallback, &e) != ERR_OK)
			abort();	/* a default out of its own bounds: every test run sees it */
}

enum err_code
config_load(const char *path, struct config *ret, struct err *e)
{
	struct config *c = NULL;
	char *text = NULL;
	struct err inner = { 0 };
	struct config_reading reading = { .e = &inner };
	enum err_code rc;
	size_t len;
	int line;

	if ((c = malloc(sizeof(*c))) == NULL) {
		rc = err_set(e, ERR_NOMEM, "configuration");
		goto out;
	}
	config_defaults(c);
	if ((rc = file_read(path, LIMIT_CONFIG_BYTES, &text, &len, e)) != ERR_OK)
		goto out;
	reading.config = c;
	line = ini_parse_string(text, on_setting, &reading);
	if (line != 0) {
		rc = err_set(e, ERR_CONFIG, "%s, line %d: %s", path, line,
		    inner.code != ERR_OK ? inner.log_text : "neither a [section], a setting = value nor a comment (is a ] or an = missing?)");
		goto out;
	}
	if ((rc = check_together(c, &inner)) != ERR_OK) {
		rc = err_set(e, rc, "%s: %s", path, inner.log_text);
		goto out;
	}
	*ret = *c;
	rc = ERR_OK;
out:
	free(text);
	free(c);
	return rc;
}

/* The help as comment lines, then the setting at its default. */
static void
put_setting(struct buf *b, const struct setting *s)
{
	const char *line = s->help;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		buf_printf(b, "; %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	buf_printf(b, "%s = %s\n\n", s->name, s->fallback);
}

char *
config_text(size_t *ret_len)
{
	const char *section = "";
	struct buf b = { 0 };

	buf_puts(&b, "; lineca.conf: the settings of this line server. Every setting stands here at its default.\n"
	    "; A change takes effect when the server starts again.\n\n");
	buf_puts(&b, "; A profile says what a batch's certificates are like; `lineca batch create --profile NAME` chooses one.\n"
	    "[profile default]\n");
	for (size_t i = 0; i < PROFILE_SETTINGS; i++)
		put_setting(&b, &profile_settings[i]);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(section, settings[i].section) != 0)
			buf_printf(&b, "[%s]\n", settings[i].section);
		section = settings[i].section;
		put_setting(&b, &settings[i]);
	}
	return buf_take(&b, ret_len);
}

const struct profile *
config_profile(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	return NULL;
}

enum err_code
config_parse_listen(const char *text, char address[CONFIG_ADDRESS_BYTES], uint16_t *ret_port, struct err *e)
{
	const char *colon = strrchr(text, ':'), *begin = text;
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	struct in6_addr any;
	char *end;
	unsigned long port;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		begin = text + 1;
		len -= 2;
	}
	if (len == 0 || len >= CONFIG_ADDRESS_BYTES || colon[1] < '0' || colon[1] > '9')
		goto bad;
	memcpy(address, begin, len);
	address[len] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535 ||
	    inet_pton(begin == text ? AF_INET : AF_INET6, address, &any) != 1)
		goto bad;
	*ret_port = (uint16_t)port;
	return ERR_OK;
bad:
	return err_set(e, ERR_USAGE, "listen %.60s: ADDRESS:PORT is needed, such as 127.0.0.1:8080 or [::1]:8080", text);
}

bool
config_is_loopback(const char *address)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, address, &in) == 1)
		return ntohl(in.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}
