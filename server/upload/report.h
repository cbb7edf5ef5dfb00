/*
 * The report of a run: a row for each certificate and target that the run finished or parked, and one for each time that it gave
 * up for now what kept failing (the last row of a certificate counts).  What only waits, for a CA or an account, has none.  As CSV (RFC
 * 4180) and as JSON lines, side by side, written while the run goes: what a killed run had written is there.
 */
#ifndef UPLOAD_REPORT_H
#define UPLOAD_REPORT_H

#include <stdio.h>

#include "home.h"
#include "upload/task.h"

struct report {
	FILE	*csv, *jsonl;
	bool	 failed;
	char	 csv_path[1100], jsonl_path[1100];
};

/* Makes PREFIX.csv and PREFIX.jsonl.  ERR_CONFLICT: one exists; ERR_IO, ERR_PERMISSION.  r is all zeroes before. */
ERR_MUST_CHECK enum err_code	report_open(struct report *r, const char *prefix, struct err *e);

/* The same under a new name in the home's reports/; they are the home's owner's. */
ERR_MUST_CHECK enum err_code	report_open_in_home(struct report *r, const struct home *h, struct err *e);

/* A task that has ended; site names account and region. */
void				report_task(struct report *r, const struct task *t);

/* ERR_IO: the files are not whole.  Takes one that was never opened. */
ERR_MUST_CHECK enum err_code	report_close(struct report *r, struct err *e);

#endif
