#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/process.h"

/* The value of a line "VmRSS:     1234 kB" of /proc/PID/status. */
static int64_t
status_kib(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	if (p == NULL)
		errx(1, "/proc shows no %s", name);
	return strtoll(p + strlen(name), NULL, 10);
}

void
process_use_get(pid_t pid, struct process_use *ret)
{
	char path[64], text[8192];
	struct timespec ts;
	clockid_t clock;
	size_t len;
	FILE *f;

	/* nanoseconds of the scheduler: /proc/PID/stat counts in hundredths of a second */
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		errx(1, "process %d does not run", (int)pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		err(1, "%s", path);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	(void)fclose(f);
	*ret = (struct process_use){
		.cpu_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000,
		.rss_kib = status_kib(text, "VmRSS:"),
		.rss_peak_kib = status_kib(text, "VmHWM:"),
	};
}
