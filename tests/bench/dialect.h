/* How a request is put to one kind of server, and how its answer shows a certificate. */
#ifndef BENCH_DIALECT_H
#define BENCH_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/bench/answer.h"
#include "tests/bench/csrs.h"

struct dialect {
	const char	*name;
	const char	*content_type;
	int		 status_new;	/* a certificate was made */
	int		 status_again;	/* the same one, asked for again; 0: this server makes another */
	const char	*body_begins;	/* of an answer that holds a certificate */
	bool		 json;		/* the request goes as a string in an object */
};

/* NULL: no such dialect. */
const struct dialect	*dialect_find(const char *name);

bool	dialect_is_certificate(const struct dialect *d, const struct answer *a);

/* Where requests go, and by what right. */
struct address {
	const char	*host, *path;
	const char	*token;		/* NULL: none is shown */
};

/* Whole HTTP requests, ready to be sent. */
struct requests {
	char	*text;		/* owned */
	size_t	*at;		/* owned: request i is text[at[i]] up to text[at[i + 1]] */
	size_t	 n;
};

/* The requests first to first + count of c as POSTs. */
void	requests_make(const struct dialect *d, const struct address *to, const struct csrs *c, size_t first, size_t count,
	    struct requests *ret);
void	requests_done(struct requests *r);

#endif
