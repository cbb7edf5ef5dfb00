/* A growing byte buffer for texts that the program makes: JSON, HTML, lists. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char	*data;		/* NUL-terminated once anything was put; NULL before */
	size_t	 len;
	size_t	 room;
	bool	 failed;	/* no memory: everything put later is dropped; ask once, at the end */
};

/* An empty buffer is all zeroes: struct buf b = { 0 }; */
void	buf_put(struct buf *b, const void *data, size_t len);
void	buf_puts(struct buf *b, const char *text);
void	buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The bytes, owned by the caller (free), NULL if anything failed.  The buffer is empty afterwards. */
char	*buf_take(struct buf *b, size_t *ret_len);
void	buf_done(struct buf *b);

#endif
