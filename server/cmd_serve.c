#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "access/access.h"
#include "access/token.h"
#include "admit.h"
#include "args.h"
#include "base/log.h"
#include "http/tls.h"
#include "line.h"
#include "live.h"
#include "routes.h"
#include "worker.h"

/* One address that it listens on. */
struct door {
	bool			 open;
	char			 address[CONFIG_ADDRESS_BYTES];
	uint16_t		 port;
	struct http_route	*routes;	/* as lineca.conf has switched them on and off */
	struct http_server	*server;
};

struct serve {
	struct home		 home;
	struct line		*line;
	struct door		 plain, secure;
	struct http_tls		*tls;
	struct live		*live;
	int			 lock_fd;
	int			 signal_fd;
};

static enum err_code
door_plan(struct door *d, const char *listen, struct err *e)
{
	d->open = *listen != '\0' && strcmp(listen, CONFIG_LISTEN_NONE) != 0;
	return d->open ? config_parse_listen(listen, d->address, &d->port, e) : ERR_OK;
}

/* Nobody is let in by mistake: what other machines can reach asks for a right, or lineca.conf says in so many words that it does not. */
static enum err_code
check_door(const struct serve *s, const struct door *d, struct err *e)
{
	if (!d->open || config_is_loopback(d->address) || s->home.config.server_enroll != ENROLL_LOOPBACK)
		return ERR_OK;
	return err_set(e, ERR_CONFIG, "%s can be reached by other machines: say in [server] of %s/%s who may enroll: `enroll = token` "
	    "(`lineca token create --role enroll NAME`), `certificate`, `token_or_certificate`, or `enroll = open` for whoever reaches it", d->address,
	    s->home.path, HOME_CONFIG);
}

static enum err_code
check_listen(struct serve *s, const char *listen, const char *listen_tls, struct err *e)
{
	const struct config *c = &s->home.config;
	enum err_code rc;

	if ((rc = door_plan(&s->plain, listen != NULL ? listen : c->server_listen, e)) != ERR_OK ||
	    (rc = door_plan(&s->secure, listen_tls != NULL ? listen_tls : c->tls_listen, e)) != ERR_OK ||
	    (rc = check_door(s, &s->plain, e)) != ERR_OK ||
	    (rc = check_door(s, &s->secure, e)) != ERR_OK)
		return rc;
	if (!s->plain.open && !s->secure.open)
		return err_set(e, ERR_CONFIG, "nothing to listen on: [server] listen is none, and [tls] listen is not set");
	if (s->secure.open && (c->tls_certificate[0] == '\0' || c->tls_key[0] == '\0'))
		return err_set(e, ERR_CONFIG, "TLS needs certificate and key in [tls] of %s/%s: `lineca tls create --name HOST` makes them",
		    s->home.path, HOME_CONFIG);
	if (!s->secure.open && c->server_enroll == ENROLL_CERTIFICATE)
		return err_set(e, ERR_CONFIG, "`enroll = certificate` needs TLS: set listen in [tls] of %s/%s", s->home.path, HOME_CONFIG);
	return ERR_OK;
}

/* Signals come through a descriptor, so that no handler runs between anything. */
static enum err_code
take_signals(struct serve *s, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || (s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return err_set(e, ERR_IO, "signals: %s", strerror(errno));
	return ERR_OK;
}

static void
set_limits(void)
{
	const struct sched_param normal = { 0 };
	struct rlimit none = { 0, 0 }, files;

	/* the CA's key is in memory: it must not reach a core file */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* threads that wake often and work long do not push one another from the processor: larger groups, less switching */
	(void)sched_setscheduler(0, SCHED_BATCH, &normal);
	/* an arena for each of few threads; more only spread the memory */
	(void)mallopt(M_ARENA_MAX, 4);
}

static unsigned
threads_of(const struct config *c)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return c->server_threads > 0 ? (unsigned)c->server_threads : processors > 0 ? (unsigned)processors : 1;
}

static enum err_code
door_open(struct serve *s, struct door *d, struct http_tls *tls, struct err *e)
{
	const struct config *c = &s->home.config;
	struct http_config cf = {
		.address = d->address,
		.port = d->port,
		.threads = threads_of(c),
		.connections_max = (unsigned)c->server_connections_max,
		.connections_per_address = (unsigned)c->limits_connections_per_address,
		.idle_timeout_s = (unsigned)c->server_idle_timeout_s,
		.head_s = (unsigned)c->limits_head_s,
		.body_s = (unsigned)c->limits_body_s,
		.reply_s = (unsigned)c->limits_reply_s,
		.limit_loopback = c->limits_loopback != 0,
		.tls = tls,
		.admit = admit,
		.may_log = access_may_log,
		.app = s->line,
	};

	if (!d->open)
		return ERR_OK;
	if ((d->routes = calloc(routes_count, sizeof(*d->routes))) == NULL)
		return err_set(e, ERR_NOMEM, "routes");
	for (size_t i = 0; i < routes_count; i++)
		d->routes[cf.routes_count++] = route_is_on(&routes[i], c, tls != NULL) ? routes[i] : route_off(&routes[i]);
	cf.routes = d->routes;
	return http_server_start(&cf, &d->server, e);
}

static enum err_code
load_tls(struct serve *s, struct err *e)
{
	const struct config *c = &s->home.config;
	char certificate[HOME_PATH_BYTES], key[HOME_PATH_BYTES];
	struct http_tls_config cf = { certificate, key, c->tls_client_certificates != 0 };
	enum err_code rc;

	if ((rc = home_resolve(&s->home, c->tls_certificate, certificate, e)) != ERR_OK ||
	    (rc = home_resolve(&s->home, c->tls_key, key, e)) != ERR_OK)
		return rc;
	return http_tls_new(&cf, &s->tls, e);
}

static enum err_code
start_http(struct serve *s, struct err *e)
{
	unsigned doors = (s->plain.open ? 1U : 0U) + (s->secure.open ? 1U : 0U);
	enum err_code rc;

	if ((rc = workers_prepare(s->line, doors * threads_of(&s->home.config), e)) != ERR_OK ||
	    (s->secure.open && (rc = load_tls(s, e)) != ERR_OK) ||
	    (rc = door_open(s, &s->plain, NULL, e)) != ERR_OK ||
	    (rc = door_open(s, &s->secure, s->tls, e)) != ERR_OK)
		return rc;
	s->line->http = s->plain.server;
	s->line->https = s->secure.server;
	if ((rc = live_start(s->line, &s->live, e)) != ERR_OK)
		return rc;
	if (s->plain.open && (rc = http_server_accept(s->plain.server, e)) != ERR_OK)
		return rc;
	return s->secure.open ? http_server_accept(s->secure.server, e) : ERR_OK;
}

static enum err_code
serve_start(struct serve *s, struct err *e)
{
	enum err_code rc;

	set_limits();
	log_set_mask(token_mask);
	if ((rc = home_lock(&s->home, HOME_SERVE_LOCK, "a line server", &s->lock_fd, e)) != ERR_OK ||
	    (rc = take_signals(s, e)) != ERR_OK ||
	    (rc = line_new(&s->home, &s->line, e)) != ERR_OK)
		return rc;
	return start_http(s, e);
}

/* SIGHUP: the certificate may be a new one. */
static void
reload(const struct serve *s)
{
	char fingerprint[65];
	struct err e;

	if (s->tls == NULL) {
		log_event(LOG_INFO, "reload", "there is no TLS certificate to read again; settings are read when the server starts");
	} else if (http_tls_reload(s->tls, &e) != ERR_OK) {
		log_err(LOG_ERROR, "reload", &e);
	} else {
		http_tls_fingerprint(s->tls, fingerprint);
		log_event(LOG_INFO, "reload", "new connections get the TLS certificate with SHA-256 %s", fingerprint);
	}
}

/* Until a signal asks for the end (true) or the ledger fails (false). */
static bool
serve_wait(const struct serve *s)
{
	struct pollfd fds[2] = {
		{ .fd = s->signal_fd, .events = POLLIN }, { .fd = s->line->stop_fd, .events = POLLIN }
	};
	struct signalfd_siginfo signal;

	for (;;) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return true;
		if (fds[1].revents != 0)
			return false;
		if (fds[0].revents == 0)
			continue;
		if (read(s->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal) && signal.ssi_signo == SIGHUP)
			reload(s);
		else
			return true;
	}
}

static void
serve_end(struct serve *s)
{
	unsigned wait_s = (unsigned)s->home.config.server_drain_s;

	live_stop(s->live);
	if (s->plain.server != NULL)
		http_server_drain(s->plain.server, wait_s);
	if (s->secure.server != NULL)
		http_server_drain(s->secure.server, wait_s);
	http_server_free(s->plain.server);
	http_server_free(s->secure.server);
	free(s->plain.routes);
	free(s->secure.routes);
	http_tls_free(s->tls);
	line_free(s->line);
	home_close(&s->home);
	if (s->signal_fd != -1)
		(void)close(s->signal_fd);
	if (s->lock_fd != -1)
		(void)close(s->lock_fd);
}

static void
tell_door(const struct serve *s, const struct door *d, const char *scheme)
{
	bool v6 = strchr(d->address, ':') != NULL;

	if (!d->open)
		return;
	(void)printf("listening on %s://%s%s%s:%u\n", scheme, v6 ? "[" : "", d->address, v6 ? "]" : "", http_server_port(d->server));
	log_event(LOG_INFO, "start", "lineca %s serves %s on %s://%s%s%s:%u", LINECA_VERSION, s->home.path, scheme, v6 ? "[" : "", d->address,
	    v6 ? "]" : "", http_server_port(d->server));
}

static void
tell(const struct serve *s)
{
	char fingerprint[65], end[CLOCK_TEXT_BYTES];

	tell_door(s, &s->plain, "http");
	tell_door(s, &s->secure, "https");
	if (fflush(stdout) != 0)
		log_event(LOG_WARN, "start", "standard output cannot be written");
	if (s->plain.open && !config_is_loopback(s->plain.address))
		log_event(LOG_WARN, "start", "plain HTTP on %s: whoever is on that wire reads tokens and can change what is sent; "
		    "[tls] in lineca.conf has HTTPS", s->plain.address);
	if (s->home.config.repeated[0] != '\0')
		log_event(LOG_WARN, "start", "%s stands in lineca.conf more than once; the last one counts", s->home.config.repeated);
	if (s->home.config.server_enroll == ENROLL_OPEN)
		log_event(LOG_WARN, "start", "enroll = open: whoever reaches this server gets certificates");
	if (s->tls == NULL)
		return;
	http_tls_fingerprint(s->tls, fingerprint);
	clock_format_s(http_tls_not_after_s(s->tls), end);
	log_event(http_tls_not_after_s(s->tls) < clock_now_s(s->line->clock) + 30 * 86400 ? LOG_WARN : LOG_INFO, "start",
	    "TLS certificate with SHA-256 %s, good until %s", fingerprint, end);
}

static enum err_code
serve_run(struct serve *s, struct err *e)
{
	bool asked;

	tell(s);
	if (line_ready(s->line, e) != ERR_OK)
		log_err(LOG_WARN, "not_issuing", e);
	asked = serve_wait(s);
	log_event(LOG_INFO, "stop", "%s: finishing what is held", asked ? "asked to stop" : "the ledger failed");
	if (!asked)
		return err_set(e, ERR_STORAGE, "the ledger could not be written; the reason is in the log. Nothing that was answered is lost");
	return ERR_OK;
}

enum err_code
cmd_serve(struct cmd *c, struct err *e)
{
	const char *listen = NULL, *listen_tls = NULL, *none[1];
	const struct arg_option options[] = { { "listen", &listen, NULL }, { "listen-tls", &listen_tls, NULL }, { 0 } };
	struct serve s = { .lock_fd = -1, .signal_fd = -1 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&s.home, c->home, e)) == ERR_OK) {
		log_set_level((enum log_level)s.home.config.log_level);
		if ((rc = check_listen(&s, listen, listen_tls, e)) == ERR_OK && (rc = serve_start(&s, e)) == ERR_OK)
			rc = serve_run(&s, e);
	}
	serve_end(&s);
	if (rc == ERR_OK)
		log_event(LOG_INFO, "stop", "stopped; nothing is held");
	return rc;
}
