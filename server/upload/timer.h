/* When the machine's timer starts the upload the next time: systemd knows, and is asked over D-Bus. */
#ifndef UPLOAD_TIMER_H
#define UPLOAD_TIMER_H

#include <stdint.h>

/*
 * The next start of lineca-upload.timer (deploy/lineca-upload.timer) in wall time, microseconds; 0: the timer is not on, or nobody can say,
 * as on a machine without systemd.  What was asked is kept for half a minute.  A bus that does not answer costs one caller a tenth of a
 * second in that time, and nobody else.  Any thread.
 *
 * Source: org.freedesktop.systemd1(5), "Timer Unit Objects", NextElapseUSecRealtime.
 */
int64_t		upload_timer_next_us(void);

#endif
