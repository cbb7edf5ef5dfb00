#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
system_now_us(const struct clock *c)
{
	struct timespec ts;

	(void)c;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
fixed_now_us(const struct clock *c)
{
	return c->fixed_us;
}

const struct clock clock_system = { .now_us = system_now_us };

struct clock
clock_fixed(int64_t now_us)
{
	return (struct clock){ .now_us = fixed_now_us, .fixed_us = now_us };
}

int64_t
clock_now_s(const struct clock *c)
{
	return c->now_us(c) / 1000000;
}

int64_t
clock_monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_monotonic_coarse_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Days since 1970-01-01 and back: eras of 400 years, the year beginning in March. */
static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

struct civil
clock_civil(int64_t s)
{
	int64_t days = s >= 0 ? s / 86400 : -((-s + 86399) / 86400);
	int64_t rest = s - days * 86400;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)(yoe + era * 400 + (c.month <= 2 ? 1 : 0));
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest % 3600 / 60);
	c.second = (int)(rest % 60);
	return c;
}

int64_t
clock_from_civil(const struct civil *c)
{
	return days_from_civil(c->year, c->month, c->day) * 86400 +
	    c->hour * 3600 + c->minute * 60 + c->second;
}

/* Two or four digits, without printf: a log line has one of these on the hot path. */
static char *
put_digits(char *p, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return p + digits;
}

static char *
put_seconds(char *p, int64_t s)
{
	struct civil c = clock_civil(s);

	p = put_digits(p, c.year, 4);
	*p++ = '-';
	p = put_digits(p, c.month, 2);
	*p++ = '-';
	p = put_digits(p, c.day, 2);
	*p++ = 'T';
	p = put_digits(p, c.hour, 2);
	*p++ = ':';
	p = put_digits(p, c.minute, 2);
	*p++ = ':';
	return put_digits(p, c.second, 2);
}

void
clock_format_s(int64_t s, char *out)
{
	memcpy(put_seconds(out, s), "Z", 2);
}

void
clock_format_us(int64_t us, char *out)
{
	int64_t s = us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000);
	char *p = put_seconds(out, s);

	*p++ = '.';
	p = put_digits(p, (int)(us - s * 1000000), 6);
	memcpy(p, "Z", 2);
}

/* Exactly n digits at *p, moved past. */
static bool
take_digits(const char **p, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return true;
}

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool
civil_exists(const struct civil *c)
{
	struct civil back = clock_civil(clock_from_civil(c));

	return c->month >= 1 && c->month <= 12 && c->hour < 24 && c->minute < 60 && c->second < 60 &&
	    back.day == c->day && back.month == c->month;
}

/* ".5" to microseconds; further digits are dropped. */
static bool
take_decimals(const char **p, int64_t *ret_us)
{
	int64_t us = 0, unit = 100000;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		us += unit * (**p - '0');
	*ret_us = us;
	return true;
}

static bool
take_offset(const char **p, int64_t *ret_s)
{
	int sign, hours, minutes;

	if (take_char(p, 'Z')) {
		*ret_s = 0;
		return true;
	}
	sign = **p == '-' ? -1 : 1;
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!take_digits(p, 2, &hours) || !take_char(p, ':') || !take_digits(p, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool
clock_parse_us(const char *text, int64_t *ret_us)
{
	struct civil c = { 0 };
	const char *p = text;
	int64_t decimals_us = 0, offset_s = 0;

	if (!take_digits(&p, 4, &c.year) || !take_char(&p, '-') || !take_digits(&p, 2, &c.month) ||
	    !take_char(&p, '-') || !take_digits(&p, 2, &c.day))
		return false;
	if (*p != '\0') {
		if (!take_char(&p, 'T') || !take_digits(&p, 2, &c.hour) || !take_char(&p, ':') ||
		    !take_digits(&p, 2, &c.minute) || !take_char(&p, ':') || !take_digits(&p, 2, &c.second))
			return false;
		if (*p == '.' && (p++, !take_decimals(&p, &decimals_us)))
			return false;
		if (!take_offset(&p, &offset_s) || *p != '\0')
			return false;
	}
	if (!civil_exists(&c))
		return false;
	*ret_us = (clock_from_civil(&c) - offset_s) * 1000000 + decimals_us;
	return true;
}
