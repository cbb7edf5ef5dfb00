#include "upload/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

enum {
	BAR_WIDTH = 20,
	LINE_MAX_COLUMNS = 160,
	BAR_EVERY_US = 250 * 1000,
	LINE_EVERY_US = 10 * 1000 * 1000,
	SAMPLE_EVERY_US = 1000 * 1000
};

void
progress_begin(struct progress *p, bool bar, int64_t total, int64_t now_us)
{
	*p = (struct progress){ .bar = bar, .total = total, .begun_us = now_us, .said_us = now_us };
	p->samples[0].at_us = now_us;
	p->samples_count = 1;
}

void
progress_span(int64_t s, char out[PROGRESS_SPAN_BYTES])
{
	if (s < 0)
		out[0] = '\0';
	else if (s < 120)
		(void)snprintf(out, PROGRESS_SPAN_BYTES, "%lld s", (long long)s);
	else if (s < 2 * 3600)
		(void)snprintf(out, PROGRESS_SPAN_BYTES, "%lld min", (long long)((s + 30) / 60));
	else
		(void)snprintf(out, PROGRESS_SPAN_BYTES, "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
}

static void
sample(struct progress *p, int64_t settled, int64_t now_us)
{
	int newest = (p->samples_count - 1) % PROGRESS_SAMPLES;

	if (now_us - p->samples[newest].at_us < SAMPLE_EVERY_US)
		return;
	p->samples[p->samples_count % PROGRESS_SAMPLES].at_us = now_us;
	p->samples[p->samples_count % PROGRESS_SAMPLES].settled = settled;
	p->samples_count++;
}

/* Certificates a second, over the last half minute. */
static double
rate(const struct progress *p, int64_t settled, int64_t now_us)
{
	int oldest = p->samples_count > PROGRESS_SAMPLES ? p->samples_count % PROGRESS_SAMPLES : 0;
	double s = (double)(now_us - p->samples[oldest].at_us) / 1e6;

	return s > 0.1 ? (double)(settled - p->samples[oldest].settled) / s : 0;
}

/* Columns of the terminal, so that the line never wraps: a wrapped one cannot be drawn over. */
static int
columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && size.ws_col < LINE_MAX_COLUMNS)
		return size.ws_col - 1;
	return LINE_MAX_COLUMNS - 1;
}

static void
draw(struct progress *p, int64_t registered, int64_t parked, double per_s, const char *left)
{
	int64_t settled = registered + parked;
	int full = p->total > 0 ? (int)(settled * BAR_WIDTH / p->total) : BAR_WIDTH;
	char bar[BAR_WIDTH + 1], line[LINE_MAX_COLUMNS];

	if (full > BAR_WIDTH)
		full = BAR_WIDTH;
	memset(bar, '#', (size_t)full);
	memset(bar + full, '.', (size_t)(BAR_WIDTH - full));
	bar[BAR_WIDTH] = '\0';
	/* what matters most first: a narrow terminal cuts the end off */
	(void)snprintf(line, sizeof(line), "[%s] %lld/%lld, %lld parked, %.1f/s%s%s", bar, (long long)registered, (long long)p->total,
	    (long long)parked, per_s, *left != '\0' ? ", left " : "", left);
	(void)fprintf(stderr, "\r\033[K%.*s", columns(), line);
	(void)fflush(stderr);
	p->drawn = true;
}

static void
say(const struct progress *p, int64_t registered, int64_t parked, double per_s, const char *left)
{
	struct log_line l;
	char text[24];

	log_begin(&l, LOG_INFO, "upload");
	log_number(&l, "registered", registered);
	log_number(&l, "parked", parked);
	log_number(&l, "of", p->total);
	(void)snprintf(text, sizeof(text), "%.1f", per_s);
	log_text(&l, "per_s", text);
	log_text(&l, "left", left);
	log_end(&l);
}

void
progress_tick(struct progress *p, int64_t registered, int64_t parked, int64_t now_us)
{
	int64_t settled = registered + parked;
	char left[PROGRESS_SPAN_BYTES] = "";
	double per_s;

	sample(p, settled, now_us);
	if (now_us - p->said_us < (p->bar ? BAR_EVERY_US : LINE_EVERY_US))
		return;
	p->said_us = now_us;
	per_s = rate(p, settled, now_us);
	if (per_s > 0)
		progress_span((int64_t)((double)(p->total - settled) / per_s), left);
	if (p->bar)
		draw(p, registered, parked, per_s, left);
	else
		say(p, registered, parked, per_s, left);
}

void
progress_hide(struct progress *p)
{
	if (p->drawn)
		(void)fputs("\r\033[K", stderr);
	p->drawn = false;
}
