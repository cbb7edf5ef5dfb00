/*
 * drive: puts a server that signs certificate requests under load, and says what it did with it.
 *
 *     drive csr  --out FILE [--key p256|rsa2048] [--count N] [--prefix P]
 *     drive load --csr-file FILE --port N --path /v1/enroll/BATCH [--connections K] [--first N] [--count N] [--pid PID] ...
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/csrs.h"
#include "tests/bench/dialect.h"
#include "tests/bench/load.h"
#include "tests/bench/process.h"

static const char usage_text[] =
    "usage: drive csr  --out FILE [--key p256|rsa2048] [--count N] [--prefix P]\n"
    "       drive load --csr-file FILE --port N --path PATH [--host ADDRESS] [--dialect lineca|cfssl]\n"
    "                  [--connections K] [--first N] [--count N] [--pid SERVER] [--json]\n";

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
	bool			 process;	/* before and after are known */
	struct process_use	 before, after;
	size_t			 same_again;
};

static double
per_request(int64_t us, const struct load_result *r)
{
	return (double)us / (double)r->n;
}

static double
percentile_ms(const struct load_result *r, double p)
{
	size_t i = (size_t)(p * (double)r->n);

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
	if (p->dialect->status_again != 0)
		(void)printf(",\"asked_again\":%zu,\"same_again\":%zu", r->samples, p->same_again);
	if (p->process)
		(void)printf(",\"server_cpu_us\":%.2f,\"rss_start_kib\":%lld,\"rss_end_kib\":%lld,\"rss_peak_kib\":%lld",
		    per_request(p->after.cpu_us - p->before.cpu_us, r), (long long)p->before.rss_kib,
		    (long long)p->after.rss_kib, (long long)p->after.rss_peak_kib);
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
	if (p->dialect->status_again != 0)
		(void)printf("asked again: %zu of %zu got the same bytes\n", p->same_again, r->samples);
	if (p->process)
		(void)printf("server: CPU %.1f us each, RSS %.1f MiB before, %.1f after, %.1f at most\n",
		    per_request(p->after.cpu_us - p->before.cpu_us, r), (double)p->before.rss_kib / 1024,
		    (double)p->after.rss_kib / 1024, (double)p->after.rss_peak_kib / 1024);
}

struct load_options {
	const char		*csr_file, *path;
	const struct dialect	*dialect;
	struct load_target	 target;
	size_t			 first, count;	/* count 0: all from first on */
	pid_t			 pid;		/* 0: not told */
	bool			 json;
};

static void
load_options_parse(int argc, char **argv, struct load_options *o)
{
	static const struct option options[] = {
		{ "csr-file", required_argument, NULL, 'f' },
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "dialect", required_argument, NULL, 'd' },
		{ "connections", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, '1' },
		{ "count", required_argument, NULL, 'n' },
		{ "pid", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct load_options){ .dialect = dialect_find("lineca"),
	    .target = { .host = "127.0.0.1", .connections = 16 } };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f': o->csr_file = optarg; break;
		case 'h': o->target.host = optarg; break;
		case 'p': o->target.port = optarg; break;
		case 'u': o->path = optarg; break;
		case 'd': o->dialect = dialect_find(optarg); break;
		case 'c': o->target.connections = (unsigned)number(optarg, 1, 4096); break;
		case '1': o->first = number(optarg, 0, 10 * 1000 * 1000); break;
		case 'n': o->count = number(optarg, 1, 10 * 1000 * 1000); break;
		case 'i': o->pid = (pid_t)number(optarg, 1, 1 << 30); break;
		case 'j': o->json = true; break;
		default: usage();
		}
	}
	if (o->csr_file == NULL || o->target.port == NULL || o->path == NULL || o->dialect == NULL || optind != argc)
		usage();
}

static int
cmd_load(int argc, char **argv)
{
	struct load_options o;
	struct requests requests;
	struct load_result result;
	struct csrs csrs;

	load_options_parse(argc, argv, &o);
	csrs_read(o.csr_file, &csrs);
	if (o.first >= csrs.n)
		errx(1, "%s holds only %zu requests", o.csr_file, csrs.n);
	requests_make(o.dialect, o.target.host, o.path, &csrs, o.first, o.count != 0 ? o.count : csrs.n - o.first, &requests);
	csrs_done(&csrs);

	struct report report = { .dialect = o.dialect, .connections = o.target.connections, .process = o.pid != 0 };
	if (o.pid != 0)
		process_use_get(o.pid, &report.before);
	load_run(&o.target, o.dialect, &requests, &result);
	if (o.pid != 0)
		process_use_get(o.pid, &report.after);
	if (o.dialect->status_again != 0)
		report.same_again = load_ask_again(&o.target, o.dialect, &requests, &result);
	(o.json ? print_json : print_text)(&report, &result);

	bool all = result.good == result.n &&
	    (o.dialect->status_again == 0 || report.same_again == result.samples);
	load_result_done(&result);
	requests_done(&requests);
	return all ? 0 : 3;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "csr") == 0)
		return cmd_csr(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "load") == 0)
		return cmd_load(argc - 1, argv + 1);
	usage();
}
