#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/dialect.h"

static const struct dialect dialects[] = {
	{
		.name = "lineca", .content_type = "application/pkcs10",
		.status_new = 201, .status_again = 200,
		.body_begins = "-----BEGIN CERTIFICATE-----\n",
	},
	{
		.name = "cfssl", .content_type = "application/json", .json = true,
		.status_new = 200,
		.body_begins = "{\"success\":true,\"result\":{\"certificate\":\"-----BEGIN CERTIFICATE-----",
	},
};

const struct dialect *
dialect_find(const char *name)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		if (strcmp(dialects[i].name, name) == 0)
			return &dialects[i];
	return NULL;
}

bool
dialect_is_certificate(const struct dialect *d, const struct answer *a)
{
	size_t n = strlen(d->body_begins);

	return a->body_len >= n && memcmp(a->body, d->body_begins, n) == 0;
}

static void
put_body(FILE *f, const struct dialect *d, const char *pem, size_t len)
{
	if (!d->json) {
		(void)fwrite(pem, 1, len, f);
		return;
	}
	(void)fputs("{\"certificate_request\":\"", f);
	for (size_t i = 0; i < len; i++) {
		if (pem[i] == '\n')
			(void)fputs("\\n", f);
		else
			(void)fputc(pem[i], f);
	}
	(void)fputs("\"}", f);
}

static void
put_request(FILE *f, const struct dialect *d, const struct address *to, const char *pem, size_t len)
{
	char *body = NULL;
	size_t body_len = 0;
	FILE *b = open_memstream(&body, &body_len);

	if (b == NULL)
		err(1, NULL);
	put_body(b, d, pem, len);
	if (fclose(b) != 0)
		err(1, NULL);
	(void)fprintf(f, "POST %s HTTP/1.1\r\nHost: %s\r\n", to->path, to->host);
	if (to->token != NULL)
		(void)fprintf(f, "Authorization: Bearer %s\r\n", to->token);
	(void)fprintf(f, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", d->content_type, body_len);
	(void)fwrite(body, 1, body_len, f);
	free(body);
}

void
requests_make(const struct dialect *d, const struct address *to, const struct csrs *c, size_t first, size_t count,
    struct requests *ret)
{
	struct requests r = { .n = count };
	size_t len = 0;
	FILE *f;

	if (first > c->n || count > c->n - first)
		errx(1, "the file holds %zu requests, asked for are %zu from number %zu on", c->n, count, first);
	if ((r.at = calloc(count + 1, sizeof(*r.at))) == NULL || (f = open_memstream(&r.text, &len)) == NULL)
		err(1, NULL);
	for (size_t i = 0; i < count; i++) {
		size_t at = c->at[first + i];

		r.at[i] = (size_t)ftello(f);
		put_request(f, d, to, c->text + at, c->at[first + i + 1] - at);
	}
	r.at[count] = (size_t)ftello(f);
	if (fclose(f) != 0)
		err(1, NULL);
	*ret = r;
}

void
requests_done(struct requests *r)
{
	free(r->text);
	free(r->at);
	*r = (struct requests){ .text = NULL };
}
