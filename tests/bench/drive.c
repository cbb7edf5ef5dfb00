/*
 * drive: puts a server that signs certificate requests under load, and says what it did with it.
 *
 *     drive csr  --out FILE [--key p256|rsa2048] [--count N] [--prefix P]
 *     drive load --csr-file FILE --port N --path /v1/enroll/BATCH [--connections K] [--first N] [--count N] [--pid PID] ...
 *     drive slow --port N --what head|body|handshake [--connections K] ...
 *     drive view --port N --view line|upload|batch [--pages K] ...
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/csrs.h"
#include "tests/bench/dialect.h"
#include "tests/bench/load.h"
#include "tests/bench/slow.h"
#include "tests/bench/viewers.h"

static const char usage_text[] =
    "usage: drive csr  --out FILE [--key p256|rsa2048] [--count N] [--prefix P]\n"
    "       drive load --csr-file FILE --port N --path PATH [--host ADDRESS] [--dialect lineca|cfssl] [--token-file FILE]\n"
    "                  [--connections K] [--first N] [--count N] [--pid SERVER] [--json]\n"
    "                  [--tls 1.2|1.3 --ca FILE [--certificate FILE --cert-key FILE]] [--fresh: a connection for each request]\n"
    "                  [--repeat TOTAL: the same requests again and again] [--seconds N] [--mark N: when was the N-th answered]\n"
    "       drive slow --port N --path PATH --what head|body|handshake [--host ADDRESS] [--connections K] --seconds N\n"
    "                  [--tls 1.2|1.3 --ca FILE]\n"
    "       drive view --port N --view line|upload|batch [--host ADDRESS] [--batch NAME] [--pages K]: until standard input ends\n";

static void __attribute__((noreturn))
usage(void)
{
	(void)fputs(usage_text, stderr);
	exit(2);
}

static size_t
number(const char *text, size_t min, size_t max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v < min || v > max)
		errx(2, "\"%s\" is not a number from %zu to %zu", text, min, max);
	return v;
}

static int
cmd_csr(int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "key", required_argument, NULL, 'k' },
		{ "count", required_argument, NULL, 'n' },
		{ "prefix", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	const char *out = NULL, *prefix = "drive";
	enum csrs_key key = CSRS_P256;
	size_t count = 20000;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			out = optarg;
			break;
		case 'k':
			if (strcmp(optarg, "p256") != 0 && strcmp(optarg, "rsa2048") != 0)
				usage();
			key = strcmp(optarg, "p256") == 0 ? CSRS_P256 : CSRS_RSA2048;
			break;
		case 'n':
			count = number(optarg, 1, 10 * 1000 * 1000);
			break;
		case 'p':
			prefix = optarg;
			break;
		default:
			usage();
		}
	}
	if (out == NULL || optind != argc)
		usage();
	csrs_make(out, key, count, prefix);
	return 0;
}

struct report {
	const struct dialect	*dialect;
	unsigned		 connections;
	bool			 process;	/* the server's use is known */
	bool			 asked_again;
	size_t			 same_again;
};

static double
per_request(int64_t us, const struct load_result *r)
{
	return r->n == 0 ? 0 : (double)us / (double)r->n;
}

static double
percentile_ms(const struct load_result *r, double p)
{
	size_t i = (size_t)(p * (double)r->n);

	if (r->n == 0)
		return 0;
	return (double)r->latency_us[i < r->n ? i : r->n - 1] / 1000;
}

static void
print_statuses(const struct load_result *r, const char *format, const char *between)
{
	const char *sep = "";

	for (int s = 0; s < LOAD_STATUS_MAX; s++) {
		if (r->by_status[s] == 0)
			continue;
		(void)fputs(sep, stdout);
		(void)printf(strcmp(format, "json") == 0 ? "\"%d\":%zu" : "%d: %zu", s, r->by_status[s]);
		sep = between;
	}
}

static void
print_json(const struct report *p, const struct load_result *r)
{
	(void)printf("{\"dialect\":\"%s\",\"connections\":%u,\"requests\":%zu,\"certificates\":%zu,\"elapsed_s\":%.6f,"
	    "\"certificates_per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"driver_cpu_us\":%.2f,"
	    "\"reconnects\":%zu,\"by_status\":{",
	    p->dialect->name, p->connections, r->n, r->good, (double)r->elapsed_us / 1e6,
	    (double)r->good * 1e6 / (double)r->elapsed_us, percentile_ms(r, 0.5), percentile_ms(r, 0.99),
	    percentile_ms(r, 1), per_request(r->driver_cpu_us, r), r->reconnects);
	print_statuses(r, "json", ",");
	(void)printf("}");
	if (r->mark_us != 0)
		(void)printf(",\"mark_s\":%.6f", (double)r->mark_us / 1e6);
	if (p->asked_again)
		(void)printf(",\"asked_again\":%zu,\"same_again\":%zu", r->samples, p->same_again);
	if (p->process)
		(void)printf(",\"server_cpu_us\":%.2f,\"rss_start_kib\":%lld,\"rss_end_kib\":%lld,\"rss_peak_kib\":%lld",
		    per_request(r->after.cpu_us - r->before.cpu_us, r), (long long)r->before.rss_kib,
		    (long long)r->after.rss_kib, (long long)r->after.rss_peak_kib);
	(void)printf("}\n");
}

static void
print_text(const struct report *p, const struct load_result *r)
{
	(void)printf("%zu certificates over %u connections in %.2f s: %.0f/s, p50 %.2f ms, p99 %.2f ms, max %.2f ms; "
	    "driver CPU %.1f us each\n",
	    r->good, p->connections, (double)r->elapsed_us / 1e6, (double)r->good * 1e6 / (double)r->elapsed_us,
	    percentile_ms(r, 0.5), percentile_ms(r, 0.99), percentile_ms(r, 1), per_request(r->driver_cpu_us, r));
	(void)printf("answers by status: ");
	print_statuses(r, "text", ", ");
	(void)printf("; %zu reconnects\n", r->reconnects);
	if (p->asked_again)
		(void)printf("asked again: %zu of %zu got the same bytes\n", p->same_again, r->samples);
	if (p->process)
		(void)printf("server: CPU %.1f us each, RSS %.1f MiB before, %.1f after, %.1f at most\n",
		    per_request(r->after.cpu_us - r->before.cpu_us, r), (double)r->before.rss_kib / 1024,
		    (double)r->after.rss_kib / 1024, (double)r->after.rss_peak_kib / 1024);
}

struct load_options {
	const char		*csr_file, *path, *token_file;
	const struct dialect	*dialect;
	struct load_target	 target;
	enum wire_tls		 tls;
	const char		*ca, *certificate, *key;
	size_t			 first, count;	/* count 0: all from first on */
	bool			 json;
};

static enum wire_tls
tls_version(const char *text)
{
	if (strcmp(text, "1.2") != 0 && strcmp(text, "1.3") != 0)
		usage();
	return strcmp(text, "1.2") == 0 ? WIRE_TLS12 : WIRE_TLS13;
}

static void
load_options_parse(int argc, char **argv, struct load_options *o)
{
	static const struct option options[] = {
		{ "csr-file", required_argument, NULL, 'f' },
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "token-file", required_argument, NULL, 'a' },
		{ "dialect", required_argument, NULL, 'd' },
		{ "connections", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, '1' },
		{ "count", required_argument, NULL, 'n' },
		{ "pid", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "tls", required_argument, NULL, 't' },
		{ "ca", required_argument, NULL, 'A' },
		{ "certificate", required_argument, NULL, 'C' },
		{ "cert-key", required_argument, NULL, 'K' },
		{ "fresh", no_argument, NULL, 'F' },
		{ "repeat", required_argument, NULL, 'R' },
		{ "seconds", required_argument, NULL, 's' },
		{ "mark", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct load_options){ .dialect = dialect_find("lineca"),
	    .target = { .wire = { .host = "127.0.0.1" }, .connections = 16 } };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f': o->csr_file = optarg; break;
		case 'h': o->target.wire.host = optarg; break;
		case 'p': o->target.wire.port = optarg; break;
		case 'u': o->path = optarg; break;
		case 'a': o->token_file = optarg; break;
		case 'd': o->dialect = dialect_find(optarg); break;
		case 'c': o->target.connections = (unsigned)number(optarg, 1, 4096); break;
		case '1': o->first = number(optarg, 0, 10 * 1000 * 1000); break;
		case 'n': o->count = number(optarg, 1, 10 * 1000 * 1000); break;
		case 'i': o->target.server = (pid_t)number(optarg, 1, 1 << 30); break;
		case 'j': o->json = true; break;
		case 't': o->tls = tls_version(optarg); break;
		case 'A': o->ca = optarg; break;
		case 'C': o->certificate = optarg; break;
		case 'K': o->key = optarg; break;
		case 'F': o->target.fresh = true; break;
		case 'R': o->target.total = number(optarg, 1, 10 * 1000 * 1000); break;
		case 's': o->target.limit_s = (unsigned)number(optarg, 1, 3600); break;
		case 'm': o->target.mark = number(optarg, 1, 10 * 1000 * 1000); break;
		default: usage();
		}
	}
	if (o->csr_file == NULL || o->target.wire.port == NULL || o->path == NULL || o->dialect == NULL || optind != argc ||
	    (o->tls != WIRE_PLAIN) != (o->ca != NULL) || (o->certificate != NULL) != (o->key != NULL))
		usage();
}

/* Its first line; from a file, because everyone on the machine reads a command line. */
static void
token_read(const char *path, char *out, int room)
{
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, room, f) == NULL)
		err(1, "%s", path);
	out[strcspn(out, "\r\n")] = '\0';
	(void)fclose(f);
}

static void
load_requests(const struct load_options *o, struct requests *ret)
{
	struct address to = { .host = o->target.wire.host, .path = o->path };
	char token[256];
	struct csrs csrs;

	if (o->token_file != NULL) {
		token_read(o->token_file, token, sizeof(token));
		to.token = token;
	}
	csrs_read(o->csr_file, &csrs);
	if (o->first >= csrs.n)
		errx(1, "%s holds only %zu requests", o->csr_file, csrs.n);
	requests_make(o->dialect, &to, &csrs, o->first, o->count != 0 ? o->count : csrs.n - o->first, ret);
	csrs_done(&csrs);
}

/* Did every request get what it should?  One that is put again and again is meant to be refused some time. */
static bool
load_is_good(const struct load_options *o, const struct report *p, const struct load_result *r)
{
	if (o->target.total != 0)
		return true;
	return r->good == r->n && (!p->asked_again || p->same_again == r->samples);
}

static int
cmd_load(int argc, char **argv)
{
	struct load_options o;
	struct requests requests;
	struct load_result result;
	bool good;

	load_options_parse(argc, argv, &o);
	load_requests(&o, &requests);
	if (o.tls != WIRE_PLAIN)
		o.target.wire.tls = wire_tls_new(o.tls, o.ca, o.certificate, o.key);

	struct report report = { .dialect = o.dialect, .connections = o.target.connections, .process = o.target.server != 0,
	    .asked_again = o.dialect->status_again != 0 && o.target.total == 0 && o.target.limit_s == 0 };
	load_run(&o.target, o.dialect, &requests, &result);
	if (report.asked_again)
		report.same_again = load_ask_again(&o.target, o.dialect, &requests, &result);
	(o.json ? print_json : print_text)(&report, &result);

	good = load_is_good(&o, &report, &result);
	load_result_done(&result);
	requests_done(&requests);
	SSL_CTX_free(o.target.wire.tls);
	return good ? 0 : 3;
}

static int
cmd_slow(int argc, char **argv)
{
	static const struct option options[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "what", required_argument, NULL, 'w' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "tls", required_argument, NULL, 't' },
		{ "ca", required_argument, NULL, 'A' },
		{ NULL, 0, NULL, 0 },
	};
	struct slow_target t = { .wire = { .host = "127.0.0.1" }, .connections = 100 };
	enum wire_tls tls = WIRE_PLAIN;
	struct slow_result r;
	const char *ca = NULL;
	bool known = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'h': t.wire.host = optarg; break;
		case 'p': t.wire.port = optarg; break;
		case 'u': t.path = optarg; break;
		case 'w': known = slow_part_find(optarg, &t.part); break;
		case 'c': t.connections = (unsigned)number(optarg, 1, 1000); break;
		case 's': t.seconds = (unsigned)number(optarg, 1, 3600); break;
		case 't': tls = tls_version(optarg); break;
		case 'A': ca = optarg; break;
		default: usage();
		}
	}
	if (t.wire.port == NULL || t.path == NULL || !known || t.seconds == 0 || optind != argc ||
	    (tls != WIRE_PLAIN) != (ca != NULL) || (t.part == SLOW_HANDSHAKE && tls == WIRE_PLAIN))
		usage();
	if (tls != WIRE_PLAIN)
		t.wire.tls = wire_tls_new(tls, ca, NULL, NULL);
	slow_run(&t, &r);
	(void)printf("{\"connections\":%u,\"bytes\":%zu,\"cut\":%zu,\"cut_after_s\":%.3f}\n", t.connections, r.bytes, r.cut,
	    r.cut == 0 ? 0 : (double)r.cut_us / (double)r.cut / 1e6);
	SSL_CTX_free(t.wire.tls);
	return 0;
}

static int
cmd_view(int argc, char **argv)
{
	static const struct option options[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "view", required_argument, NULL, 'v' },
		{ "batch", required_argument, NULL, 'b' },
		{ "pages", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct viewers_target t = { .wire = { .host = "127.0.0.1" }, .pages = 50 };
	struct viewers_result r;
	bool known = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'h': t.wire.host = optarg; break;
		case 'p': t.wire.port = optarg; break;
		case 'v': known = viewers_view_find(optarg, &t.view); break;
		case 'b': t.batch = optarg; break;
		case 'c': t.pages = (unsigned)number(optarg, 1, 1000); break;
		default: usage();
		}
	}
	if (t.wire.port == NULL || !known || (t.view == VIEWERS_BATCH) != (t.batch != NULL) || optind != argc)
		usage();
	viewers_run(&t, &r);
	(void)printf("{\"pages\":%u,\"elapsed_s\":%.3f,\"cpu_s\":%.6f,\"events\":%zu,\"asked\":%zu,\"late\":%zu,\"bytes\":%zu}\n", t.pages,
	    (double)r.elapsed_us / 1e6, (double)r.cpu_us / 1e6, r.events, r.asked, r.late, r.bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "csr") == 0)
		return cmd_csr(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "load") == 0)
		return cmd_load(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "slow") == 0)
		return cmd_slow(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "view") == 0)
		return cmd_view(argc - 1, argv + 1);
	usage();
}
