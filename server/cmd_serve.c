#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "args.h"
#include "base/log.h"
#include "line.h"
#include "routes.h"
#include "worker.h"

struct serve {
	struct home		 home;
	struct line		*line;
	struct http_server	*http;
	int			 lock_fd;
	int			 signal_fd;
	char			 address[CONFIG_ADDRESS_BYTES];
	uint16_t		 port;
};

static enum err_code
check_listen(struct serve *s, const char *listen, struct err *e)
{
	const struct config *c = &s->home.config;
	enum err_code rc;

	if ((rc = config_parse_listen(listen != NULL ? listen : c->server_listen, s->address, &s->port, e)) != ERR_OK)
		return rc;
	if (!config_is_loopback(s->address) && c->server_enroll != ENROLL_OPEN)
		return err_set(e, ERR_CONFIG, "%s can be reached by other machines, and whoever reaches it may enroll: "
		    "the server starts there only with `enroll = open` in [server] of %s/%s", s->address, s->home.path, HOME_CONFIG);
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

static enum err_code
start_http(struct serve *s, struct err *e)
{
	const struct config *c = &s->home.config;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct http_config cf = {
		.address = s->address,
		.port = s->port,
		.threads = c->server_threads > 0 ? (unsigned)c->server_threads : processors > 0 ? (unsigned)processors : 1,
		.connections_max = (unsigned)c->server_connections_max,
		.idle_timeout_s = (unsigned)c->server_idle_timeout_s,
		.routes = routes,
		.routes_count = routes_count,
		.app = s->line,
	};

	enum err_code rc;

	if ((rc = workers_prepare(s->line, cf.threads, e)) != ERR_OK ||
	    (rc = http_server_start(&cf, &s->http, e)) != ERR_OK)
		return rc;
	s->line->http = s->http;
	return http_server_accept(s->http, e);
}

static enum err_code
serve_start(struct serve *s, struct err *e)
{
	enum err_code rc;

	set_limits();
	if ((rc = home_lock(&s->home, HOME_SERVE_LOCK, "a line server", &s->lock_fd, e)) != ERR_OK ||
	    (rc = take_signals(s, e)) != ERR_OK ||
	    (rc = line_new(&s->home, &s->line, e)) != ERR_OK)
		return rc;
	return start_http(s, e);
}

/* Until a signal comes (true) or the ledger fails (false). */
static bool
serve_wait(const struct serve *s)
{
	struct pollfd fds[2] = {
		{ .fd = s->signal_fd, .events = POLLIN }, { .fd = s->line->stop_fd, .events = POLLIN }
	};

	while (fds[0].revents == 0 && fds[1].revents == 0)
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			break;
	return fds[1].revents == 0;
}

static void
serve_end(struct serve *s)
{
	if (s->http != NULL)
		http_server_drain(s->http, (unsigned)s->home.config.server_drain_s);
	http_server_free(s->http);
	line_free(s->line);
	home_close(&s->home);
	if (s->signal_fd != -1)
		(void)close(s->signal_fd);
	if (s->lock_fd != -1)
		(void)close(s->lock_fd);
}

static enum err_code
serve_run(struct serve *s, struct err *e)
{
	bool v6 = strchr(s->address, ':') != NULL;
	bool asked;

	(void)printf("listening on http://%s%s%s:%u\n", v6 ? "[" : "", s->address, v6 ? "]" : "", http_server_port(s->http));
	if (fflush(stdout) != 0)
		log_event(LOG_WARN, "start", "standard output cannot be written");
	log_event(LOG_INFO, "start", "lineca %s serves %s on http://%s%s%s:%u", LINECA_VERSION, s->home.path, v6 ? "[" : "", s->address,
	    v6 ? "]" : "", http_server_port(s->http));
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
	const char *listen = NULL, *none[1];
	const struct arg_option options[] = { { "listen", &listen, NULL }, { 0 } };
	struct serve s = { .lock_fd = -1, .signal_fd = -1 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&s.home, c->home, e)) == ERR_OK) {
		log_set_level((enum log_level)s.home.config.log_level);
		if ((rc = check_listen(&s, listen, e)) == ERR_OK && (rc = serve_start(&s, e)) == ERR_OK)
			rc = serve_run(&s, e);
	}
	serve_end(&s);
	if (rc == ERR_OK)
		log_event(LOG_INFO, "stop", "stopped; nothing is held");
	return rc;
}
