#include "upload/stop.h"

#include <signal.h>
#include <stddef.h>

#include "base/clock.h"

static volatile sig_atomic_t	signals_caught;
static const char		*reason;	/* to stop; NULL: none yet */
static int64_t			deadline;	/* wall clock, microseconds; 0: none */

static void
on_signal(int signum)
{
	(void)signum;
	signals_caught++;
}

void
stop_watch(int64_t deadline_us)
{
	const struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART: a wait ends */
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	signals_caught = 0;
	reason = NULL;
	deadline = deadline_us;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

const char *
stop_reason(void)
{
	/* once is for ever: a clock that is set back does not take it back */
	if (reason == NULL && signals_caught > 0)
		reason = "a signal";
	if (reason == NULL && deadline != 0 && clock_system.now_us(&clock_system) >= deadline)
		reason = "the deadline";
	return reason;
}

bool
stop_wanted(void)
{
	return stop_reason() != NULL;
}

bool
stop_insists(void)
{
	return signals_caught > 1;
}
