/* Just enough of HTTP/1.1 (RFC 9112) to know where an answer ends and what it says. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
	int		 status;
	const char	*body;		/* in the buffer that was parsed */
	size_t		 body_len;
	bool		 last;		/* the server closes the connection after it */
};

enum answer_state { ANSWER_PART, ANSWER_WHOLE, ANSWER_BROKEN };

/*
 * What the len bytes at buf are.  Writes *ret only when the answer is whole.  ANSWER_BROKEN: no HTTP/1.1, or a body
 * without Content-Length, which no server measured here sends.
 */
enum answer_state	answer_parse(const char *buf, size_t len, struct answer *ret);

#endif
