/*
 * The running line server: what every request needs and all workers share.  Made once by cmd_serve, immutable afterwards but
 * for the members that say so.
 */
#ifndef SERVER_LINE_H
#define SERVER_LINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/session.h"
#include "access/throttle.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "ca/issuer.h"
#include "ca/serial.h"
#include "ca/trust.h"
#include "clerk.h"
#include "db/writer.h"
#include "guard.h"
#include "home.h"
#include "http/http.h"
#include "kept.h"
#include "pulse.h"
#include "tally.h"

struct line_ca {
	struct store_ca	 row;
	struct issuer	*issuer;	/* NULL: its key is not here, so it issues nothing */
	struct ca_facts	 facts;
};

struct line {
	struct home		*home;		/* borrowed */
	const struct clock	*clock;
	const struct rnd	*rnd;
	struct writer		*writer;
	struct line_ca		 cas[LIMIT_CAS];
	size_t			 cas_count;
	struct serial_source	 serials;	/* its own lock-free state */
	struct guard		 guard;		/* its own lock-free state */
	struct tally		 tally;		/* its own lock-free state */
	struct pulse		*pulse;		/* its own lock */
	struct throttle		*throttle;	/* its own lock */
	struct kept		 uploads;	/* its own lock: GET /v1/uploads */
	struct sessions		*sessions;	/* its own lock */
	struct trust		*trust;		/* whose client certificates count: [tls] client_ca, and our own CAs */
	struct clerk		*clerk;		/* its own thread; so has */
	struct clerk		*keymaker;	/* which makes devices' keys, and nobody's change waits for one */
	atomic_uint		 keys_in_work;
	struct http_server	*http, *https;	/* NULL: not listening there.  Set before the first request is answered */
	char			*openapi;	/* GET /openapi.json */
	size_t			 openapi_len;
	int64_t			 started_us;	/* wall */
	pthread_key_t		 worker_key;
	pthread_mutex_t		 workers_mu;	/* protects the two lists */
	struct worker		*workers, *workers_idle;	/* those a thread has taken, and those none has */
	int			 stop_fd;	/* eventfd: the main thread waits here for a reason to stop */
};

/* Loads the CAs, checks their keys, starts the writer.  Borrows home, which must be open.  line_free afterwards. */
ERR_MUST_CHECK enum err_code	line_new(struct home *home, struct line **ret, struct err *e);

/* The HTTP server must be drained and freed before.  Takes NULL. */
void				line_free(struct line *l);

/* NULL: no such CA. */
const struct line_ca		*line_ca_by_id(const struct line *l, int64_t ca_id);

/* Asks the main thread to stop the server: the ledger failed. */
void				line_stop(struct line *l);

/* Could a certificate be issued now, by any CA?  The reason if not. */
ERR_MUST_CHECK enum err_code	line_ready(struct line *l, struct err *e);

#endif
