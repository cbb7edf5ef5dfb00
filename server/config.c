#include "config.h"

#include <arpa/inet.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "config_aws.h"
#include "config_setting.h"
#include "pulse.h"

enum { LINE_BYTES_MAX = INI_MAX_LINE - 2 };	/* without its end, and a NUL behind that */

static const char *const enroll_choices[] = { "loopback", "open", "token", "certificate", "token_or_certificate", NULL };
static const char *const read_choices[] = { "loopback", "open", "token", NULL };
static const char *const est_choices[] = { "tls", "plain", "no", NULL };
static const char *const client_name_choices[] = { "any", "same", NULL };
static const char *const level_choices[] = { "debug", "info", "warn", "error", NULL };

static bool
is_listen(const char *text)
{
	char address[CONFIG_ADDRESS_BYTES];
	uint16_t port;

	return strcmp(text, CONFIG_LISTEN_NONE) == 0 || config_parse_listen(text, address, &port, NULL) == ERR_OK;
}

#define AT(member) offsetof(struct config, member)
#define NUMBER SETTING_IS_NUMBER
#define CHOICE SETTING_IS_CHOICE
#define LISTEN(section, member, fallback, help) \
	{ section, "listen", SETTING_TEXT, AT(member), fallback, 0, 0, NULL, sizeof(((struct config *)NULL)->member), is_listen, \
	    "ADDRESS:PORT is needed, such as 127.0.0.1:8080 or [::1]:8080, or none", help }
#define FILE_PATH(section, name, member, help) \
	{ section, name, SETTING_TEXT, AT(member), "", 0, 0, NULL, sizeof(((struct config *)NULL)->member), NULL, NULL, help }

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
	CHOICE("doors", "cfssl", AT(doors_cfssl), "no", setting_no_yes,
	    "yes: answers cfssl's POST /api/v1/cfssl/sign and /api/v1/cfssl/info too."),
	CHOICE("doors", "est", AT(doors_est), "tls", est_choices,
	    "EST (RFC 7030) under /.well-known/est/: tls = where [tls] listens; plain = without TLS too, which is outside the RFC; no."),
	CHOICE("doors", "step_ca", AT(doors_step_ca), "no", setting_no_yes,
	    "yes: answers step-ca's POST /1.0/sign, /health, /roots.pem and /root/SHA256 too; a lineca token is the ott."),
	NUMBER("guard", "disk_reserve_mib", AT(guard_disk_reserve_mib), "256", 1, INT64_C(1) << 40,
	    "Issuing stops (507 disk_low) when the disk of the home has less free than this, in MiB; reading goes on."),
	NUMBER("issue", "verify_every", AT(issue_verify_every), "256", 1, 1000000,
	    "Every certificate is read back and compared with its plan; its signature is verified too at the first and then at every N-th."),
	NUMBER("limits", "body_s", AT(limits_body_s), "10", 1, 3600,
	    "How long a request's body may take to arrive, in seconds; then the connection is cut."),
	NUMBER("limits", "connections_per_address", AT(limits_connections_per_address), "200", 0, 60000,
	    "Connections that one address may have open; 0: as many as there are."),
	NUMBER("limits", "head_s", AT(limits_head_s), "10", 1, 3600,
	    "How long a new connection may take to bring its first request line and headers (and to shake hands), in seconds."),
	CHOICE("limits", "loopback", AT(limits_loopback), "no", setting_no_yes,
	    "yes: the limits per address and per token count for requests from this machine too."),
	NUMBER("limits", "repeats_per_minute", AT(limits_repeats_per_minute), "1200", 0, 1000000,
	    "One device key may ask so often, and 500 times at once; each request beyond that waits a second for its answer. 0: no limit."),
	NUMBER("limits", "reply_s", AT(limits_reply_s), "30", 1, 3600,
	    "How long a client may take to read its answer, in seconds."),
	NUMBER("limits", "requests_per_address", AT(limits_requests_per_address), "1000", 0, 1000000,
	    "Requests a second from one address, twice as many at once; more are answered 429, a second late. 0: no limit."),
	NUMBER("limits", "requests_per_token", AT(limits_requests_per_token), "1000", 0, 1000000,
	    "The same for one token, wherever it is used."),
	NUMBER("limits", "wrong_tokens_per_minute", AT(limits_wrong_tokens_per_minute), "10", 1, 1000000,
	    "So many wrong tokens from one address are answered at once (401), more are answered 429, a second late."),
	CHOICE("log", "level", AT(log_level), "info", level_choices,
	    "debug, info, warn or error."),
	NUMBER("server", "connections_max", AT(server_connections_max), "1000", 1, 60000,
	    "Connections held at once; more wait at the door until one ends. A quarter of them may listen to /v1/live."),
	NUMBER("server", "drain_s", AT(server_drain_s), "10", 1, 3600,
	    "How long a stop waits for what is being answered, in seconds."),
	CHOICE("server", "enroll", AT(server_enroll), "loopback", enroll_choices,
	    "Who may enroll. loopback: whoever is on this machine (the server then listens nowhere else); token, certificate,\n"
	    "token_or_certificate: who shows one (`lineca token create --role enroll NAME`; a client certificate as [tls] says);\n"
	    "open: whoever can reach the port. Choose open only on a wire where every machine is trusted."),
	NUMBER("server", "idle_timeout_s", AT(server_idle_timeout_s), "30", 1, 3600,
	    "A kept connection that brings no whole new request for so long is closed, in seconds."),
	LISTEN("server", server_listen, "127.0.0.1:8080",
	    "ADDRESS:PORT for plain HTTP, an IPv4 address or an IPv6 one in brackets; none: TLS only. serve --listen overrules it."),
	CHOICE("server", "read", AT(server_read), "loopback", read_choices,
	    "Who may read status, batches and certificates: loopback = whoever comes by an address that only this machine reaches, others\n"
	    "with a token (role viewer or more);\n"
	    "token = everyone with a token; open = whoever can reach the port."),
	NUMBER("server", "session_idle_min", AT(server_session_idle_min), "30", 1, 1440,
	    "Who is signed in on the page and does nothing for so many minutes is signed out; after 12 hours in any case."),
	{ "server", "shifts", SETTING_TEXT, AT(server_shifts), "06:00,14:00,22:00", 0, 0, NULL, sizeof(((struct config *)NULL)->server_shifts),
	    pulse_shifts_fit, "times as 06:00,14:00,22:00 are needed, the earlier first", "When shifts begin, by this machine's clock; the page counts by them." },
	NUMBER("server", "threads", AT(server_threads), "0", 0, 256,
	    "HTTP workers; they also sign. 0: one for each processor."),
	FILE_PATH("tls", "certificate", tls_certificate,
	    "PEM file with the server's certificate and the CAs between it and its root; a path in the home, or an absolute one.\n"
	    "`lineca tls create --name HOST` makes one: tls/server.pem."),
	FILE_PATH("tls", "client_ca", tls_client_ca,
	    "PEM file with CAs whose client certificates may enroll (IDevIDs, stations). Certificates of this line count too, each for\n"
	    "its own device; for renewing (EST simplereenroll) whatever enroll says."),
	CHOICE("tls", "client_certificates", AT(tls_client_certificates), "yes", setting_no_yes,
	    "yes: clients are asked for a certificate, and may have none. no: browsers that hold one never ask which."),
	CHOICE("tls", "client_name", AT(tls_client_name), "any", client_name_choices,
	    "same: a certificate of client_ca enrolls only the device of its own common name or serialNumber; any: whichever (a station)."),
	FILE_PATH("tls", "key", tls_key,
	    "PEM file with the certificate's key, not encrypted, mode 600."),
	LISTEN("tls", tls_listen, "",
	    "ADDRESS:PORT for HTTPS, such as 0.0.0.0:8443; empty or none: no TLS. serve --listen-tls overrules it. SIGHUP reads certificate\n"
	    "and key again; client_ca is read when the server starts."),
};
#undef AT

#define AT(member) offsetof(struct profile, member)
static const struct setting profile_settings[] = {
	NUMBER("profile", "backdate_minutes", AT(backdate_s), "60", 0, 7 * 24 * 60,
	    "notBefore lies so many minutes back, for devices whose clock is behind."),
	CHOICE("profile", "may_outlive_ca", AT(may_outlive_ca), "no", setting_no_yes,
	    "yes: notAfter may lie behind the CA's own; no: it is cut to the CA's."),
	CHOICE("profile", "server_keygen", AT(server_keygen), "no", setting_no_yes,
	    "yes: EST's serverkeygen makes a device's key here, over TLS, and forgets it; for firmware that cannot make its own."),
	CHOICE("profile", "no_expiry", AT(no_expiry), "no", setting_no_yes,
	    "yes: notAfter is 9999-12-31 (IEEE 802.1AR: no well-defined end); needs may_outlive_ca = yes."),
	NUMBER("profile", "validity_days", AT(validity_s), "3650", 1, 36500,
	    "notAfter lies so many days ahead."),
};
#undef AT

enum {
	SETTINGS = sizeof(settings) / sizeof(settings[0]),
	PROFILE_SETTINGS = sizeof(profile_settings) / sizeof(profile_settings[0])
};

/* The members of a profile have their own types and units. */
static enum err_code
set_profile_setting(struct profile *p, const struct setting *s, const char *value, struct err *e)
{
	enum err_code rc;
	int64_t n;

	if ((rc = setting_number(s, value, &n, e)) != ERR_OK)
		return rc;
	if (s->offset == offsetof(struct profile, backdate_s))
		p->backdate_s = n * 60;
	else if (s->offset == offsetof(struct profile, validity_s))
		p->validity_s = n * 86400;
	else if (s->offset == offsetof(struct profile, server_keygen))
		p->server_keygen = n != 0;
	else if (s->offset == offsetof(struct profile, no_expiry))
		p->no_expiry = n != 0;
	else
		p->may_outlive_ca = n != 0;
	return ERR_OK;
}

bool
config_name_is_plain(const char *name)
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
	if (!config_name_is_plain(name)) {
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
	bool		 seen[SETTINGS];
};

static enum err_code
set_in_profile(struct config *c, const char *profile, const char *name, const char *value, struct err *e)
{
	const struct setting *s = setting_find(profile_settings, PROFILE_SETTINGS, name);
	struct profile *p;

	if ((p = profile_named(c, profile, e)) == NULL)
		return e->code;
	if (s != NULL)
		return set_profile_setting(p, s, value, e);
	return err_set(e, ERR_CONFIG, "[profile %s] has no setting %.40s", profile, name);
}

/* Somebody pastes a section at the end, and somebody else changes the line above it: no error, but the server says so at its start. */
static void
note_repeated(struct config *c, bool *seen, const struct setting *s)
{
	if (*seen && c->repeated[0] == '\0')
		(void)snprintf(c->repeated, sizeof(c->repeated), "[%s] %s", s->section, s->name);
	*seen = true;
}

static enum err_code
set_named(struct config *c, bool seen[SETTINGS], const char *section, const char *name, const char *value, struct err *e)
{
	if (strncmp(section, "profile ", 8) == 0)
		return set_in_profile(c, section + 8, name, value, e);
	if (config_aws_is_section(section))
		return config_aws_set(c, section, name, value, e);
	for (size_t i = 0; i < SETTINGS; i++)
		/* one above all sections means the first of that name: listen is the server's */
		if (strcmp(settings[i].name, name) == 0 && (*section == '\0' || strcmp(settings[i].section, section) == 0)) {
			note_repeated(c, &seen[i], &settings[i]);
			return setting_set(c, &settings[i], value, false, e);
		}
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].section, section) == 0)
			return err_set(e, ERR_CONFIG, "[%.40s] has no setting %.40s", section, name);
	return err_set(e, ERR_CONFIG, "%.40s stands in [%.40s], and there is no such section: aws, aws NAME, commit, doors, guard, issue,"
	    " limits, log, server, tls, profile NAME", name, section);
}

/* inih: 1 = go on, 0 = this line is wrong. */
static int
on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct config_reading *r = arg;

	/* the first error is the one worth telling */
	if (r->e->code != ERR_OK)
		return 0;
	return set_named(r->config, r->seen, section, name, value, r->e) == ERR_OK;
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

	memset(c, 0, sizeof(*c));
	c->profiles[0] = profile_default;
	c->profiles_count = 1;
	config_aws_defaults(c);
	for (size_t i = 0; i < SETTINGS; i++)
		if (setting_set(c, &settings[i], settings[i].fallback, false, &e) != ERR_OK)
			abort();	/* a default out of its own bounds: every test run sees it */
}

/* inih takes what is behind its longest line for the next one.  The number of the first line that is longer, 0: none. */
static int
line_too_long(const char *text)
{
	for (int line = 1; *text != '\0'; line++) {
		size_t len = strcspn(text, "\n");

		if (len > LINE_BYTES_MAX)
			return line;
		text += len + (text[len] == '\n');
	}
	return 0;
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
	if ((line = line_too_long(text)) != 0) {
		rc = err_set(e, ERR_CONFIG, "%s, line %d: longer than %d characters; a list can go on in the next line, indented", path, line,
		    LINE_BYTES_MAX);
		goto out;
	}
	reading.config = c;
	line = ini_parse_string(text, on_setting, &reading);
	if (line != 0) {
		rc = err_set(e, ERR_CONFIG, "%s, line %d: %s", path, line,
		    inner.code != ERR_OK ? inner.log_text : "neither a [section], a setting = value nor a comment (is a ] or an = missing?)");
		goto out;
	}
	if ((rc = check_together(c, &inner)) != ERR_OK || (rc = config_aws_finish(c, &inner)) != ERR_OK) {
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
		setting_put(&b, &profile_settings[i]);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(section, settings[i].section) != 0)
			buf_printf(&b, "[%s]\n", settings[i].section);
		section = settings[i].section;
		setting_put(&b, &settings[i]);
	}
	config_aws_put(&b);
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
