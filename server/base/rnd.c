#include "base/rnd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static enum err_code
system_fill(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r;
	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_INTERNAL;
		out += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

const struct rnd rnd_system = { .fill = system_fill };

enum err_code
rnd_fill(const struct rnd *r, uint8_t *out, size_t len, struct err *e)
{
	if (r->fill(r, out, len) != ERR_OK)
		return err_set(e, ERR_INTERNAL, "no random bytes: %s", strerror(errno));
	return ERR_OK;
}

int64_t
rnd_up_to(const struct rnd *r, int64_t max)
{
	uint32_t chance;

	if (rnd_fill(r, (uint8_t *)&chance, sizeof(chance), NULL) != ERR_OK)
		return max;
	return (int64_t)((double)chance / (double)UINT32_MAX * (double)max);
}
