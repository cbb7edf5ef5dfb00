/* The files of this folder as bytes of the program. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

struct asset {
	const char	*path;		/* as the browser asks for it */
	const char	*media_type;
	const char	*data;
	const char	*end;		/* one past the last byte; there stands a NUL */
	const char	*gzip;		/* the same, compressed */
	const char	*gzip_end;
	const char	*sum;		/* of data: half of its SHA-256 in hexadecimal digits */
};

/* The asset of that path; NULL if there is none. */
const struct asset	*asset_find(const char *path);

#endif
