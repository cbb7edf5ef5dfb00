#include "routes.h"

#include <string.h>

#include "access/role.h"
#include "base/limits.h"
#include "change.h"
#include "doors/cfssl.h"
#include "doors/est.h"
#include "doors/native.h"
#include "doors/step.h"
#include "finding.h"
#include "live.h"
#include "page.h"
#include "reading.h"
#include "signin.h"

enum { SMALL_BODY_BYTES = 4096, JSON_CSR_BYTES = 4 * LIMIT_BODY_BYTES };

static const char *const csr_types[] = {
	"application/pkcs10", "application/x-pem-file", "text/plain", "application/octet-stream",
	NULL
};
static const char *const pkcs10[] = { "application/pkcs10", NULL };
static const char *const json[] = { "application/json", NULL };

#define EST "/.well-known/est/"
#define EST_LABEL "/.well-known/est/{}/"

/* The more literal path first. */
const struct http_route routes[] = {
	/* what devices ask */
	{ HTTP_POST, "/v1/enroll", LIMIT_BODY_BYTES, csr_types, true, ACCESS_ENROLL, native_enroll, NULL },
	{ HTTP_POST, "/v1/enroll/{}", LIMIT_BODY_BYTES, csr_types, true, ACCESS_ENROLL, native_enroll, NULL },
	{ HTTP_GET, "/v1/ca/chain.pem", 0, NULL, false, ACCESS_ANYONE, reading_chain, NULL },
	/* what people and programs read */
	{ HTTP_GET, "/v1/status", 0, NULL, false, ACCESS_READ, reading_status, NULL },
	{ HTTP_GET, "/v1/live", 0, NULL, false, ACCESS_READ, live_handle, NULL },
	{ HTTP_GET, "/v1/batches", 0, NULL, false, ACCESS_READ, reading_batches, NULL },
	{ HTTP_GET, "/v1/batches/{}", 0, NULL, false, ACCESS_READ, reading_batch, NULL },
	{ HTTP_GET, "/v1/certificates", 0, NULL, false, ACCESS_READ, reading_certificates, NULL },
	{ HTTP_GET, "/v1/certificates/{}.pem", 0, NULL, false, ACCESS_READ, reading_certificate_pem, NULL },
	{ HTTP_GET, "/v1/certificates/{}", 0, NULL, false, ACCESS_READ, reading_certificate, NULL },
	{ HTTP_POST, "/v1/certificates/{}/revoke", SMALL_BODY_BYTES, json, false, ACCESS_CHANGE, change_revoke, NULL },
	{ HTTP_GET, "/v1/search", 0, NULL, false, ACCESS_READ, finding_search, NULL },
	{ HTTP_GET, "/v1/devices/{}", 0, NULL, false, ACCESS_READ, finding_device, NULL },
	{ HTTP_POST, "/v1/devices/{}/rework", SMALL_BODY_BYTES, json, false, ACCESS_CHANGE, change_rework, NULL },
	{ HTTP_GET, "/v1/batches/{}/devices.csv", 0, NULL, false, ACCESS_READ, finding_csv, NULL },
	{ HTTP_GET, "/v1/uploads/reports/{}", 0, NULL, false, ACCESS_READ, finding_report, NULL },
	{ HTTP_GET, "/v1/uploads", 0, NULL, false, ACCESS_READ, reading_uploads, NULL },
	{ HTTP_GET, "/v1/events", 0, NULL, false, ACCESS_READ, reading_events, NULL },
	/* what people change; the quantity of a batch wants an admin, which change.c asks for */
	{ HTTP_POST, "/v1/batches", LIMIT_CHANGE_BYTES, json, false, ACCESS_CHANGE, change_batch_create, NULL },
	{ HTTP_PATCH, "/v1/batches/{}", SMALL_BODY_BYTES, json, false, ACCESS_CHANGE, change_batch, NULL },
	{ HTTP_POST, "/v1/uploads/retry", SMALL_BODY_BYTES, json, false, ACCESS_CHANGE, change_upload_retry, NULL },
	/* signing in */
	{ HTTP_POST, "/v1/session", SMALL_BODY_BYTES, json, false, ACCESS_SIGN_IN, signin_begin, NULL },
	{ HTTP_GET, "/v1/session", 0, NULL, false, ACCESS_ANYONE, signin_who, NULL },
	{ HTTP_DELETE, "/v1/session", 0, NULL, false, ACCESS_ANYONE, signin_end, NULL },
	/* EST */
	{ HTTP_GET, EST "cacerts", 0, NULL, false, ACCESS_ANYONE, est_cacerts, est_refuse },
	{ HTTP_GET, EST_LABEL "cacerts", 0, NULL, false, ACCESS_ANYONE, est_cacerts, est_refuse },
	{ HTTP_GET, EST "csrattrs", 0, NULL, false, ACCESS_ANYONE, est_csrattrs, est_refuse },
	{ HTTP_GET, EST_LABEL "csrattrs", 0, NULL, false, ACCESS_ANYONE, est_csrattrs, est_refuse },
	{ HTTP_POST, EST "simpleenroll", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_ENROLL, est_simpleenroll, est_refuse },
	{ HTTP_POST, EST_LABEL "simpleenroll", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_ENROLL, est_simpleenroll, est_refuse },
	{ HTTP_POST, EST "simplereenroll", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_RENEW, est_simplereenroll, est_refuse },
	{ HTTP_POST, EST_LABEL "simplereenroll", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_RENEW, est_simplereenroll, est_refuse },
	{ HTTP_POST, EST "serverkeygen", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_ENROLL, est_serverkeygen, est_refuse },
	{ HTTP_POST, EST_LABEL "serverkeygen", LIMIT_BODY_BYTES, pkcs10, true, ACCESS_ENROLL, est_serverkeygen, est_refuse },
	{ HTTP_POST, EST "fullcmc", 0, NULL, false, ACCESS_ANYONE, est_fullcmc, est_refuse },
	{ HTTP_POST, EST_LABEL "fullcmc", 0, NULL, false, ACCESS_ANYONE, est_fullcmc, est_refuse },
	/* step-ca */
	{ HTTP_POST, "/1.0/sign", JSON_CSR_BYTES, NULL, true, ACCESS_ENROLL_BODY, step_sign, step_refuse },
	{ HTTP_POST, "/sign", JSON_CSR_BYTES, NULL, true, ACCESS_ENROLL_BODY, step_sign, step_refuse },
	{ HTTP_GET, "/health", 0, NULL, false, ACCESS_ANYONE, step_health, step_refuse },
	{ HTTP_GET, "/version", 0, NULL, false, ACCESS_ANYONE, step_version, step_refuse },
	{ HTTP_GET, "/roots.pem", 0, NULL, false, ACCESS_ANYONE, step_roots_pem, step_refuse },
	{ HTTP_GET, "/roots", 0, NULL, false, ACCESS_ANYONE, step_roots, step_refuse },
	{ HTTP_GET, "/root/{}", 0, NULL, false, ACCESS_ANYONE, step_root, step_refuse },
	/* cfssl */
	{ HTTP_POST, "/api/v1/cfssl/sign", JSON_CSR_BYTES, NULL, true, ACCESS_ENROLL, cfssl_sign, cfssl_refuse },
	{ HTTP_POST, "/api/v1/cfssl/info", JSON_CSR_BYTES, NULL, false, ACCESS_ANYONE, cfssl_info, cfssl_refuse },
	/* health, documentation, the page */
	{ HTTP_GET, "/healthz", 0, NULL, false, ACCESS_ANYONE, reading_healthz, NULL },
	{ HTTP_GET, "/readyz", 0, NULL, false, ACCESS_ANYONE, reading_readyz, NULL },
	{ HTTP_GET, "/openapi.json", 0, NULL, false, ACCESS_ANYONE, reading_openapi, NULL },
	{ HTTP_GET, "/", 0, NULL, false, ACCESS_ANYONE, page_index, NULL },	/* it asks for ACCESS_READ, and offers to sign in */
	{ HTTP_GET, "/icon.svg", 0, NULL, false, ACCESS_ANYONE, page_asset, NULL },
	{ HTTP_GET, "/app.js", 0, NULL, false, ACCESS_ANYONE, page_asset, NULL },
	{ HTTP_GET, "/style.css", 0, NULL, false, ACCESS_ANYONE, page_asset, NULL },
	{ HTTP_GET, "/js/{}", 0, NULL, false, ACCESS_ANYONE, page_asset, NULL },
	{ HTTP_GET, "/lang/{}", 0, NULL, false, ACCESS_ANYONE, page_asset, NULL },
};

const size_t routes_count = sizeof(routes) / sizeof(routes[0]);

static void
door_is_off(struct http_request *req, void *line)
{
	const char *path = http_request_path(req);
	struct err e;

	(void)line;
	if (strncmp(path, EST, sizeof(EST) - 1) == 0)
		(void)err_say(&e, ERR_NOT_FOUND, "EST is not answered here: over TLS only (https), or not at all; [doors] est in lineca.conf says.");
	else
		(void)err_say(&e, ERR_NOT_FOUND, "This door is switched off; [doors] %s = yes in lineca.conf switches it on.",
		    strncmp(path, "/api/", 5) == 0 ? "cfssl" : "step_ca");
	http_refuse(req, &e);
}

struct http_route
route_off(const struct http_route *r)
{
	return (struct http_route){ r->method, r->path, 0, NULL, false, ACCESS_ANYONE, door_is_off, NULL };
}

/* A door is known by how it refuses. */
bool
route_is_on(const struct http_route *r, const struct config *c, bool tls)
{
	if (r->refuse == est_refuse)
		return c->doors_est == EST_PLAIN || (c->doors_est == EST_TLS && tls);
	if (r->refuse == step_refuse)
		return c->doors_step_ca != 0;
	if (r->refuse == cfssl_refuse)
		return c->doors_cfssl != 0;
	return true;
}
