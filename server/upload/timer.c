#include "upload/timer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/clock.h"

enum {
	PATIENCE_US = 100 * 1000,
	KEEP_US = 30 * 1000 * 1000
};

struct question {
	bool	answered;
	int64_t	next_us;
};

static int
on_answer(sd_bus_message *m, void *arg, sd_bus_error *bus_error)
{
	struct question *q = arg;
	uint64_t us;

	(void)bus_error;
	q->answered = true;
	/* 0 and the greatest number: a timer that is not running */
	if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_enter_container(m, 'v', "t") > 0 &&
	    sd_bus_message_read(m, "t", &us) > 0 && us < INT64_MAX)
		q->next_us = (int64_t)us;
	return 0;
}

/*
 * Without sd_bus_call: its time limit does not hold for the bus' greeting, and a bus that accepts and says nothing would keep
 * us for a minute and a half.
 */
static int64_t
ask(void)
{
	struct question q = { .answered = false };
	int64_t until_us = clock_monotonic_us() + PATIENCE_US, left_us;
	sd_bus *bus = NULL;
	int r;

	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_call_method_async(bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1/unit/lineca_2dupload_2etimer",
		    "org.freedesktop.DBus.Properties", "Get", on_answer, &q, "ss", "org.freedesktop.systemd1.Timer", "NextElapseUSecRealtime");
	while (r >= 0 && !q.answered && (left_us = until_us - clock_monotonic_us()) > 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, (uint64_t)left_us);
	}
	(void)sd_bus_close_unref(bus);
	return q.next_us;
}

int64_t
upload_timer_next_us(void)
{
	static _Atomic int64_t again_us, next_us;
	int64_t now_us = clock_monotonic_us(), due_us = atomic_load(&again_us);

	/* one asks; the others have what there is */
	if (now_us >= due_us && atomic_compare_exchange_strong(&again_us, &due_us, now_us + KEEP_US))
		atomic_store(&next_us, ask());
	return atomic_load(&next_us);
}
