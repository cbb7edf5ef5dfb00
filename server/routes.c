#include "routes.h"

#include "base/limits.h"
#include "enroll.h"
#include "page.h"
#include "reading.h"

static const char *const csr_media_types[] = {
	"application/pkcs10", "application/x-pem-file", "text/plain", "application/octet-stream",
	NULL
};

const struct http_route routes[] = {
	{ HTTP_POST, "/v1/enroll", LIMIT_BODY_BYTES, csr_media_types, true, enroll_handle },
	{ HTTP_POST, "/v1/enroll/{}", LIMIT_BODY_BYTES, csr_media_types, true, enroll_handle },
	{ HTTP_GET, "/v1/ca/chain.pem", 0, NULL, false, reading_chain },
	{ HTTP_GET, "/v1/status", 0, NULL, false, reading_status },
	{ HTTP_GET, "/v1/batches", 0, NULL, false, reading_batches },
	{ HTTP_GET, "/v1/batches/{}", 0, NULL, false, reading_batch },
	{ HTTP_GET, "/v1/certificates", 0, NULL, false, reading_certificates },
	{ HTTP_GET, "/v1/certificates/{}.pem", 0, NULL, false, reading_certificate_pem },
	{ HTTP_GET, "/v1/certificates/{}", 0, NULL, false, reading_certificate },
	{ HTTP_GET, "/v1/uploads", 0, NULL, false, reading_uploads },
	{ HTTP_GET, "/healthz", 0, NULL, false, reading_healthz },
	{ HTTP_GET, "/readyz", 0, NULL, false, reading_readyz },
	{ HTTP_GET, "/", 0, NULL, false, page_index },
	{ HTTP_GET, "/icon.svg", 0, NULL, false, page_asset },
	{ HTTP_GET, "/app.js", 0, NULL, false, page_asset },
	{ HTTP_GET, "/style.css", 0, NULL, false, page_asset },
};

const size_t routes_count = sizeof(routes) / sizeof(routes[0]);
