/* One call of the transport: what is sent, what came, and what libcurl is told.  The inside of aws/transport.c. */
#ifndef AWS_TRANSPORT_INTERNAL_H
#define AWS_TRANSPORT_INTERNAL_H

#include <curl/curl.h>

#include "aws/transport.h"
#include "base/buf.h"
#include "base/limits.h"

struct transport_call {
	struct transport_call	 *next;
	struct transport_call	**link;		/* what points at this one, while it is in the multi */
	CURL			 *easy;		/* lent by the pool while it is in the multi */
	transport_done		 *done;
	void			 *arg;

	/* the request, copied */
	char			 *method, *url;
	char			 *ca_bundle;	/* NULL: the system's */
	char			 *body;
	size_t			  body_len;
	struct curl_slist	 *headers;
	int			  timeout_ms, connect_timeout_ms;
	bool			  has_body, no_proxy, plain;

	/* what came of it */
	bool			  begun;	/* bytes of the request may have left */
	bool			  too_large;
	bool			  headers_whole;	/* the empty line after them came */
	size_t			  header_bytes;
	struct buf		  answer;
	struct transport_reply	  reply;
	char			  text[CURL_ERROR_SIZE + 128];
	char			  error_buffer[CURL_ERROR_SIZE];
	char			  error_type[256];
	char			  request_id[LIMIT_AWS_REQUEST_ID_BYTES + 1];
	char			  content_type[128];
	char			  date[64];
	char			  retry_after[32];
};

/* Copies a request; the errors of transport_send. */
ERR_MUST_CHECK enum err_code	transport_call_new(const struct transport_request *r, struct transport_call **ret, struct err *e);
void				transport_call_free(struct transport_call *c);	/* wipes the headers; takes NULL; easy must be NULL */

/* Sets every option of c->easy, which is new or was reset.  false: no memory, or a libcurl that lacks one. */
bool				transport_call_setup(struct transport_call *c);

/* Fills c->reply with what curl says; c->easy is still there. */
void				transport_call_finish(struct transport_call *c, CURLcode result);

/* Fills c->reply for a call that never began. */
void				transport_call_fail(struct transport_call *c, const char *text);

#endif
