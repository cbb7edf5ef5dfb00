#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool
number_parse(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = text + (*text == '-');
	long long n;

	/* strtoll alone would take white space and a '+' too */
	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0 || n < min || n > max)
		return false;
	*ret = n;
	return true;
}
