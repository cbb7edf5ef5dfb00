/* The few URLs that lineca is given by people: a scheme, a host, perhaps a port, and no more. */
#ifndef AWS_URL_H
#define AWS_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { URL_HOST_BYTES = 256 };

struct url {
	bool		 https;
	char		 host[URL_HOST_BYTES];	/* lower case; an IPv6 address without its brackets */
	bool		 bracketed;
	int		 port;			/* 0: the scheme's own */
	const char	*rest;			/* what follows: "", or from '/', '?' or '#' on; points into the text */
};

/*
 * Reads the parts up to the path.  NULL: done; otherwise what is wrong with it, as the end of a sentence that begins with the
 * name of a setting: nothing of the text is in it, which may hold a password.
 */
const char	*url_parse(const char *text, struct url *ret);

/* 127.0.0.1, ::1 or localhost */
bool		 url_is_this_machine(const struct url *u);

/* "https://host:8443" without what follows, and without the port that the scheme has anyway.  false: no room. */
bool		 url_format(const struct url *u, char *out, size_t out_size);

#endif
