#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/transport_internal.h"

enum {
	TIMEOUT_MS = 60 * 1000,
	CONNECT_TIMEOUT_MS = 10 * 1000,
	LOW_SPEED_S = 30,		/* less than a byte a second for so long: it hangs */
	HEADERS_MAX_BYTES = 64 * 1024	/* of an answer; AWS sends about 500 */
};

/* ---- what may be asked for */

static bool
has_controls(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return true;
	return false;
}

/* Does the address stay on this machine or this link?  169.254/16 and fd00:ec2::/32 are AWS's metadata services. */
static bool
host_is_near(const char *host)
{
	struct in6_addr six;
	struct in_addr four;
	char bare[64];
	size_t len = strlen(host);

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127 || ntohl(four.s_addr) >> 16 == 0xa9fe;
	if (len < 3 || len >= sizeof(bare) || host[0] != '[')
		return false;
	memcpy(bare, host + 1, len - 2);
	bare[len - 2] = '\0';
	return inet_pton(AF_INET6, bare, &six) == 1 &&
	    (IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_LINKLOCAL(&six) || memcmp(&six, "\xfd\x00\x0e\xc2", 4) == 0);
}

static enum err_code
url_check(const char *url, bool *ret_plain, struct err *e)
{
	char *scheme = NULL, *host = NULL;
	CURLU *u = NULL;
	enum err_code rc = ERR_OK;

	if ((u = curl_url()) == NULL) {
		rc = err_set(e, ERR_NOMEM, "no memory for a URL");
		goto out;
	}
	if (has_controls(url) || curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
		rc = err_set(e, ERR_CONFIG, "\"%.100s\" is no URL", url);
		goto out;
	}
	*ret_plain = strcmp(scheme, "https") != 0;
	if (*ret_plain && (strcmp(scheme, "http") != 0 || !host_is_near(host)))
		rc = err_set(e, ERR_CONFIG, "%.20s://%.100s: only https, or http to this machine", scheme, host);
out:
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return rc;
}

/* ---- the request */

static bool
headers_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static enum err_code
headers_copy(const struct transport_request *r, struct curl_slist **list, struct err *e)
{
	bool ok, typed = false;

	/* curl waits a second for "100 Continue" otherwise, which AWS never says */
	ok = headers_add(list, "Expect:");
	for (size_t i = 0; ok && r->headers != NULL && r->headers[i] != NULL; i++) {
		if (has_controls(r->headers[i]))
			return err_set(e, ERR_INTERNAL, "control characters in a header");
		typed |= strncasecmp(r->headers[i], "Content-Type:", 13) == 0;
		ok = headers_add(list, r->headers[i]);
	}
	/* or curl calls every body a form */
	if (ok && !typed)
		ok = headers_add(list, "Content-Type:");
	return ok ? ERR_OK : err_set(e, ERR_NOMEM, "no memory for the headers of a request");
}

enum err_code
transport_call_new(const struct transport_request *r, struct transport_call **ret, struct err *e)
{
	struct transport_call *c = NULL;
	bool plain = true;
	enum err_code rc;

	if ((rc = url_check(r->url, &plain, e)) != ERR_OK)
		return rc;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a request");
	c->plain = plain;
	c->no_proxy = r->no_proxy || plain;
	c->has_body = r->has_body;
	c->body_len = r->has_body ? r->body_len : 0;
	c->timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : TIMEOUT_MS;
	c->connect_timeout_ms = r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	if ((c->method = strdup(r->method)) == NULL || (c->url = strdup(r->url)) == NULL ||
	    (c->body = malloc(c->body_len + 1)) == NULL ||
	    (r->ca_bundle != NULL && *r->ca_bundle != '\0' && (c->ca_bundle = strdup(r->ca_bundle)) == NULL)) {
		rc = err_set(e, ERR_NOMEM, "no memory for a request");
		goto out;
	}
	if (c->body_len > 0)
		memcpy(c->body, r->body, c->body_len);
	if ((rc = headers_copy(r, &c->headers, e)) != ERR_OK)
		goto out;
	*ret = c;
	c = NULL;
out:
	transport_call_free(c);
	return rc;
}

void
transport_call_free(struct transport_call *c)
{
	if (c == NULL)
		return;
	/* tokens and signatures; credentials also come in answers */
	for (struct curl_slist *h = c->headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(c->headers);
	if (c->answer.data != NULL)
		explicit_bzero(c->answer.data, c->answer.len);
	buf_done(&c->answer);
	free(c->method);
	free(c->url);
	free(c->ca_bundle);
	free(c->body);
	free(c);
}

/* ---- what curl calls */

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	struct transport_call *c = arg;
	size_t len = size * count;

	if (len > LIMIT_AWS_ANSWER_BYTES - c->answer.len) {
		c->too_large = true;
		return 0;
	}
	buf_put(&c->answer, data, len);
	return c->answer.failed ? 0 : len;
}

/* Counts, and sees their end, for curl takes a connection cut within the headers for one.  The few that matter are asked for later. */
static size_t
take_header(char *data, size_t size, size_t count, void *arg)
{
	struct transport_call *c = arg;
	size_t len = size * count;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		c->headers_whole = false;	/* after "100 Continue"; trailers, though, leave it as it is */
	else if ((len == 2 && memcmp(data, "\r\n", 2) == 0) || (len == 1 && *data == '\n'))
		c->headers_whole = true;
	c->header_bytes += len;
	if (c->header_bytes > HEADERS_MAX_BYTES) {
		c->too_large = true;
		return 0;
	}
	return len;
}

/* Between the handshake and the first byte of the request, on new and on kept connections: from here on it may take effect. */
static int
begins(void *arg, char *server, char *own, int server_port, int own_port)
{
	struct transport_call *c = arg;

	(void)server;
	(void)own;
	(void)server_port;
	(void)own_port;
	c->begun = true;
	return CURL_PREREQFUNC_OK;
}

#define SET(option, value) (curl_easy_setopt(c->easy, option, value) == CURLE_OK)

static bool
setup_method(struct transport_call *c)
{
	bool get = strcmp(c->method, "GET") == 0;

	if (get && !c->has_body)
		return SET(CURLOPT_HTTPGET, 1L);
	/* a body of length 0 is one: "Content-Length: 0" */
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDS, c->body) &&
	    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len) &&
	    (strcmp(c->method, "POST") == 0 || SET(CURLOPT_CUSTOMREQUEST, c->method));
}

static bool
setup_trust(struct transport_call *c)
{
	if (!SET(CURLOPT_SSL_VERIFYPEER, 1L) || !SET(CURLOPT_SSL_VERIFYHOST, 2L) ||
	    !SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2))
		return false;
	/* the directory goes too: the bundle is instead of the system's, not beside it */
	return c->ca_bundle == NULL || (SET(CURLOPT_CAINFO, c->ca_bundle) && SET(CURLOPT_CAPATH, NULL));
}

static bool
setup_limits(struct transport_call *c)
{
	return SET(CURLOPT_TIMEOUT_MS, (long)c->timeout_ms) && SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms) &&
	    SET(CURLOPT_LOW_SPEED_LIMIT, 1L) && SET(CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_S) &&
	    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LIMIT_AWS_ANSWER_BYTES) && SET(CURLOPT_NOSIGNAL, 1L) &&
	    /* or every limit waits for getaddrinfo's own, and all calls with it: its thread is let go, and ends by itself */
	    SET(CURLOPT_QUICK_EXIT, 1L);
}

bool
transport_call_setup(struct transport_call *c)
{
	return SET(CURLOPT_URL, c->url) && SET(CURLOPT_PATH_AS_IS, 1L) &&
	    SET(CURLOPT_PROTOCOLS_STR, c->plain ? "http" : "https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	    SET(CURLOPT_USERAGENT, "lineca/" LINECA_VERSION) && SET(CURLOPT_HTTPHEADER, c->headers) &&
	    /* what is for AWS is not for a proxy, and what a proxy says is not AWS's */
	    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) && SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
	    (!c->no_proxy || SET(CURLOPT_NOPROXY, "*")) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
	    setup_method(c) && setup_trust(c) && setup_limits(c) &&
	    SET(CURLOPT_ERRORBUFFER, c->error_buffer) && SET(CURLOPT_PRIVATE, (void *)c) &&
	    SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, (void *)c) &&
	    SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, (void *)c) &&
	    SET(CURLOPT_PREREQFUNCTION, begins) && SET(CURLOPT_PREREQDATA, (void *)c);
}

#undef SET

/* ---- what came */

static void
copy_header(const struct transport_call *c, const char *name, char *out, size_t size)
{
	struct curl_header *h;

	out[0] = '\0';
	if (curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
		(void)snprintf(out, size, "%s", h->value);
}

static void
fill_reply(struct transport_call *c, enum transport_result result, const char *text)
{
	struct transport_reply *r = &c->reply;

	(void)snprintf(c->text, sizeof(c->text), "%s", text);
	*r = (struct transport_reply){
		.result = result,
		.text = c->text,
		.body = c->answer.data != NULL ? c->answer.data : "",
		.body_len = c->answer.len,
		.error_type = c->error_type,
		.request_id = c->request_id,
		.content_type = c->content_type,
		.date = c->date,
		.retry_after = c->retry_after,
	};
}

static enum transport_result
judge(const struct transport_call *c, CURLcode result)
{
	if (result == CURLE_OK && c->headers_whole)
		return TRANSPORT_ANSWERED;
	if (c->too_large || result == CURLE_FILESIZE_EXCEEDED)
		return TRANSPORT_TOO_LARGE;
	/* also when curl sent it over a dead connection first and failed to make another */
	if (c->begun)
		return TRANSPORT_LOST;
	if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
	    result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_INVALIDCERTSTATUS)
		return TRANSPORT_UNTRUSTED;
	return TRANSPORT_NOT_SENT;
}

void
transport_call_finish(struct transport_call *c, CURLcode result)
{
	const char *words = c->error_buffer[0] != '\0' ? c->error_buffer : curl_easy_strerror(result);
	enum transport_result judged = judge(c, result);
	char text[sizeof(c->text)] = "";
	long status = 0;

	copy_header(c, "x-amzn-ErrorType", c->error_type, sizeof(c->error_type));
	copy_header(c, "x-amzn-RequestId", c->request_id, sizeof(c->request_id));
	copy_header(c, "Content-Type", c->content_type, sizeof(c->content_type));
	copy_header(c, "Date", c->date, sizeof(c->date));
	copy_header(c, "Retry-After", c->retry_after, sizeof(c->retry_after));
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (judged == TRANSPORT_TOO_LARGE)
		(void)snprintf(text, sizeof(text), "the answer is longer than %d bytes", LIMIT_AWS_ANSWER_BYTES);
	else if (result == CURLE_SSL_CACERT_BADFILE && c->ca_bundle == NULL)
		(void)snprintf(text, sizeof(text), "%s; is the package ca-certificates installed?", words);
	else if (result == CURLE_SSL_CACERT_BADFILE)
		(void)snprintf(text, sizeof(text), "%s; see AWS_CA_BUNDLE or ca_bundle", words);
	else if (result != CURLE_OK)
		(void)snprintf(text, sizeof(text), "%s", words);
	else if (judged != TRANSPORT_ANSWERED)
		(void)snprintf(text, sizeof(text), "the connection ended within the headers of the answer");
	fill_reply(c, judged, text);
	c->reply.status = judged == TRANSPORT_ANSWERED ? (int)status : 0;
}

void
transport_call_fail(struct transport_call *c, const char *text)
{
	fill_reply(c, TRANSPORT_NOT_SENT, text);
}
