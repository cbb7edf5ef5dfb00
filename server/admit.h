/*
 * Who is let in.  What access/ refuses to a station that wants to enroll never becomes an enrolment, and a line stands still for a revoked token as it does
 * for a wrong label: so the page shows it among the refusals.
 */
#ifndef SERVER_ADMIT_H
#define SERVER_ADMIT_H

#include "http/http.h"

/* http_config.admit: access_admit, and what it refuses noted. */
ERR_MUST_CHECK enum err_code	admit(struct http_request *req, void *line, struct err *e);

#endif
