/*
 * What went wrong: a code for the program and two texts for people.
 *
 * Every function that can fail returns enum err_code and takes a caller-owned
 * struct err, in which it leaves a text for the log and, where a device or a
 * technician can act on it, a sentence for the client.  Nothing here logs: the
 * function that ends an error logs it, once.
 *
 * The names are the codes of the HTTP interface.  A new code needs an answer
 * to "what would a caller do differently?"; otherwise use an existing one.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define ERR_LIST(X)                                                             \
	X(ERR_OK, "ok")                                                         \
	/* the request itself is at fault: repeating it unchanged is useless */ \
	X(ERR_BAD_REQUEST, "bad_request")                                       \
	X(ERR_CSR_MALFORMED, "csr_malformed")                                   \
	X(ERR_CSR_SIGNATURE, "csr_signature_invalid")                           \
	X(ERR_PRIVATE_KEY, "private_key_posted")                                \
	X(ERR_KEY, "key_rejected")                                              \
	X(ERR_SUBJECT, "subject_rejected")                                      \
	X(ERR_MEDIA_TYPE, "media_type")                                         \
	X(ERR_TOO_LARGE, "body_too_large")                                      \
	X(ERR_METHOD, "method_not_allowed")                                     \
	X(ERR_NOT_FOUND, "not_found")                                           \
	/* who asks, or how often */                                            \
	X(ERR_UNAUTHORIZED, "unauthorized")                                     \
	X(ERR_FORBIDDEN, "forbidden")                                           \
	X(ERR_TOO_MANY, "too_many_requests")                                    \
	/* the request meets a state that a person must change */               \
	X(ERR_BATCH_NOT_FOUND, "batch_not_found")                               \
	X(ERR_BATCH_AMBIGUOUS, "batch_ambiguous")                               \
	X(ERR_BATCH_CLOSED, "batch_closed")                                     \
	X(ERR_BATCH_WAITING, "batch_waiting")   /* for approval */              \
	X(ERR_BATCH_FULL, "batch_full")                                         \
	X(ERR_DEVICE_NOT_LISTED, "device_not_listed")                           \
	X(ERR_DEVICE_EXISTS, "device_exists")                                   \
	X(ERR_KEY_REUSED, "key_reused")                                         \
	/* nothing was issued, and trying again later can help */               \
	X(ERR_BUSY, "busy")                                                     \
	X(ERR_STORAGE, "storage_failed")                                        \
	X(ERR_CLOCK, "clock_invalid")                                           \
	X(ERR_DRAINING, "draining")                                             \
	X(ERR_DISK_LOW, "disk_low")                                             \
	X(ERR_CA_EXPIRED, "ca_expired")                                         \
	/* the command line and the files of the home */                        \
	X(ERR_USAGE, "usage")                                                   \
	X(ERR_CONFLICT, "conflict")     /* exists already, locked, closed */    \
	X(ERR_CONFIG, "config")                                                 \
	X(ERR_PERMISSION, "permission")                                         \
	X(ERR_IO, "io")                                                         \
	/* broken environment, broken program */                                \
	X(ERR_NOMEM, "out_of_memory")                                           \
	X(ERR_INTERNAL, "internal")

enum err_code {
#define X(code, name) code,
	ERR_LIST(X)
#undef X
};

enum {
	ERR_LOG_TEXT_BYTES = 320,
	ERR_CLIENT_TEXT_BYTES = 320
};

struct err {
	enum err_code	code;
	char		log_text[ERR_LOG_TEXT_BYTES];       /* may name files and library errors */
	char		client_text[ERR_CLIENT_TEXT_BYTES]; /* a sentence to act on; "" = the code's own */
};

#define ERR_MUST_CHECK __attribute__((warn_unused_result))

/*
 * Sets code and log text and clears the client text.  Returns code, so that
 * failing is one line: return err_set(e, ERR_IO, "open %s: %s", ...).
 * e may be NULL: then only the code is returned.  Texts too long are cut, between two
 * characters if they are UTF-8.
 */
enum err_code	err_set(struct err *e, enum err_code code, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

/*
 * The same, and the text is fit for the client too: it says what to do and
 * names no file, no library and no secret.
 */
enum err_code	err_say(struct err *e, enum err_code code, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

/* The stable name of a code, for replies and logs: "csr_malformed".  Never NULL. */
const char	*err_name(enum err_code code);

/* Sets e to "no error". */
void		err_clear(struct err *e);

#endif
