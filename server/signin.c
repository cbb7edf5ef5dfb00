#include "signin.h"

#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "doors/json.h"
#include "view.h"
#include "worker.h"

static void
set_cookie(struct http_request *req, const char *value, bool end)
{
	char text[160];

	(void)snprintf(text, sizeof(text), ACCESS_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s", value,
	    http_request_is_tls(req) ? "; Secure" : "", end ? "; Max-Age=0" : "");
	http_reply_header(req, "Set-Cookie", text);
}

/* What the page needs to know of who uses it. */
static cJSON *
view_actor(struct http_request *req, const struct line *l, const char *csrf)
{
	const struct actor *a = access_actor(req);
	cJSON *o = cJSON_CreateObject(), *may = cJSON_AddObjectToObject(o, "may");

	if (a->name[0] != '\0')
		(void)cJSON_AddStringToObject(o, "name", a->name);
	else
		(void)cJSON_AddNullToObject(o, "name");
	(void)cJSON_AddStringToObject(o, "role", role_name(a->role));
	if (csrf != NULL)
		(void)cJSON_AddStringToObject(o, "csrf", csrf);
	else
		(void)cJSON_AddNullToObject(o, "csrf");
	for (enum access need = ACCESS_ENROLL; need <= ACCESS_ADMIN; need++)
		if (need != ACCESS_ENROLL_BODY && need != ACCESS_RENEW)
			(void)cJSON_AddBoolToObject(may, access_name(need), role_may(a->role, need) || access_is_open(req, l, need));
	return o;
}

static void
reply_actor(struct http_request *req, const struct line *l, unsigned status, const char *csrf)
{
	char *text = view_print(view_actor(req, l, csrf));

	http_reply(req, status, "application/json", text, text != NULL ? strlen(text) : 0);
}

/* {"token": "..."}; *ret stays NULL where it is not there.  Lent by ret_o, which is json_free's. */
static enum err_code
token_of_body(struct http_request *req, cJSON **ret_o, const char **ret, struct err *e)
{
	enum err_code rc;
	size_t len;
	const uint8_t *body = http_request_body(req, &len);

	if (len == 0)
		return ERR_OK;
	if ((rc = json_parse(body, len, ret_o, e)) != ERR_OK)
		return rc;
	return json_text(*ret_o, "token", ret, e);
}

void
signin_begin(struct http_request *req, void *line)
{
	char cookie[SESSION_TEXT_BYTES + 1], csrf[SESSION_TEXT_BYTES + 1];
	const char *token = NULL, *old;
	size_t old_len;
	struct line *l = line;
	cJSON *o = NULL;
	struct err e;
	enum err_code rc;

	if ((rc = token_of_body(req, &o, &token, &e)) == ERR_OK)
		rc = access_body_token(req, l, token, &e);
	json_free(o);
	http_request_wipe_body(req);
	if (rc != ERR_OK ||
	    session_begin(l->sessions, access_actor(req)->token_id, clock_monotonic_us(), cookie, csrf, &e) != ERR_OK) {
		http_refuse(req, &e);
		return;
	}
	if ((old = access_cookie(req, &old_len)) != NULL)
		session_end(l->sessions, old, old_len);
	set_cookie(req, cookie, false);
	explicit_bzero(cookie, sizeof(cookie));
	reply_actor(req, l, 201, csrf);
}

void
signin_who(struct http_request *req, void *line)
{
	char csrf[SESSION_TEXT_BYTES + 1];
	const char *cookie;
	struct line *l = line;
	int64_t token_id;
	struct err e;
	size_t len;
	bool session;

	if (access_identify(req, l, &e) != ERR_OK) {
		/* a cookie of yesterday: the page has to know, and need not be told so with an error for ever */
		if (e.code == ERR_UNAUTHORIZED && access_cookie(req, &len) != NULL)
			set_cookie(req, "", true);
		access_refuse(req, l, &e);
		return;
	}
	session = access_actor(req)->by == ACTOR_SESSION && (cookie = access_cookie(req, &len)) != NULL &&
	    session_look(l->sessions, cookie, len, clock_monotonic_us(), &token_id, csrf, &e) == ERR_OK;
	reply_actor(req, l, 200, session ? csrf : NULL);
}

void
signin_end(struct http_request *req, void *line)
{
	struct line *l = line;
	const char *cookie;
	size_t len;

	if ((cookie = access_cookie(req, &len)) != NULL)
		session_end(l->sessions, cookie, len);
	set_cookie(req, "", true);
	http_reply(req, 204, NULL, strdup(""), 0);
}
