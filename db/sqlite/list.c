/*
 * Certificates, newest first.  Those in one state may be few among millions, and a certificate is a large row: so the small rows that know the state
 * are walked, and only what is wanted is read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	/* Rows that one place of several is moved down by at once: the others may have newer ones than it then has */
	STRIDE_ROWS = 256,
	/* Rows, of all batches together, that are walked from the oldest on where few are wanted: they are often the oldest */
	UP_ROWS = 2000
};

/* What a listing is asked for, and how far it has come. */
struct listing {
	struct connection			*c;
	const struct store_certificate_filter	*f;
	enum err_code				(*row)(void *, const struct store_certificate *, struct err *);
	void					*arg;
	int64_t					 left, looks;	/* rows that may still be shown, and looked at */
	bool					 ended;		/* nothing older can be wanted */
	struct store_page_end			 end;
};

static bool
list_wants(const struct store_certificate_filter *f, const struct store_certificate *c)
{
	return (f->batch_id < 0 || c->batch_id == f->batch_id) &&
	    (f->state < 0 || (int)c->state == f->state) &&
	    c->issued_at_us >= f->since_us;
}

/* One certificate that was looked at. */
static enum err_code
list_show(struct listing *li, const struct store_certificate *cert, struct err *e)
{
	enum err_code	rc = ERR_OK;

	memcpy(li->end.next, cert->serial, sizeof(li->end.next));
	if ((li->ended = cert->issued_at_us < li->f->since_us - LIST_SINCE_SLACK_US))
		return ERR_OK;
	if (list_wants(li->f, cert)) {
		rc = li->row(li->arg, cert, e);
		li->left--;
	}
	return rc;
}

/* ---- in any state, or of one device: the certificates themselves ------------------------------------------- */

static enum err_code
list_certificates(struct listing *li, struct err *e)
{
	const struct store_certificate_filter	*f = li->f;
	struct connection			*c = li->c;
	const enum statement			 s = f->device_id != NULL ? STATEMENT_LIST_DEVICE
						     : f->batch_id >= 0 ? STATEMENT_LIST_BATCH : STATEMENT_LIST_ALL;
	struct store_certificate		 cert;
	enum err_code				 rc;
	int64_t					 prior;
	bool					 found;

	bind_int(c, s, 1, f->after != NULL ? store_serial_key(f->after) : INT64_MAX);
	if (s == STATEMENT_LIST_DEVICE)
		bind_text(c, s, 2, f->device_id);
	else if (s == STATEMENT_LIST_BATCH)
		bind_int(c, s, 2, f->batch_id);
	do {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		li->looks--;
		if ((rc = certificate_from_row(c, s, &cert, &prior, e)) == ERR_OK)
			rc = list_show(li, &cert, e);
	} while (rc == ERR_OK && !li->ended && li->left > 0 && li->looks > 0);
	li->end.more = !li->ended;
	statement_done(c, s);
	return rc;
}

/* ---- in one state: each batch has its place, the newest of these is next ----------------------------------- */

struct place {
	int64_t	batch_id, mark;		/* -1: of all batches; nothing that is wanted lies at the mark or below */
	int64_t	below;			/* nor here or above */
	int64_t	id;			/* the last row that was looked at; 0: none is left */
	bool	wanted;			/* it is, and was not shown yet */
};

struct places {
	enum statement	 rows;
	struct place	*place;
	size_t		 n, max;
	int64_t		 stride;
	int64_t		 up;		/* of UP_ROWS, what is left */
};

static enum err_code
place_move(struct listing *li, const struct places *ps, struct place *p, int64_t below, int64_t stride, struct err *e)
{
	const enum statement	s = ps->rows;
	enum err_code		rc;
	bool			found = true;

	bind_int(li->c, s, 1, below);
	bind_int(li->c, s, 2, p->batch_id);
	bind_int(li->c, s, 3, p->mark);
	for (p->wanted = false; stride > 0 && !p->wanted; stride--) {
		if ((rc = statement_step(li->c, s, &found, e)) != ERR_OK)
			return rc;
		p->id = found ? column_int(li->c, s, 0) : 0;
		if (!found)
			return ERR_OK;
		p->wanted = column_int(li->c, s, 1) != 0;
		li->looks--;
	}
	statement_done(li->c, s);
	return ERR_OK;
}

/* count certificates of the batch are wanted.  If those are found among its oldest, what is above them need not be walked. */
static enum err_code
place_ceiling(struct listing *li, struct places *ps, struct place *p, int64_t count, struct err *e)
{
	const enum statement	s = STATEMENT_LIST_UP;
	enum err_code		rc;
	int64_t			id = 0;
	bool			found;

	if (count > ps->up)
		return ERR_OK;
	bind_int(li->c, s, 1, p->batch_id);
	bind_int(li->c, s, 2, p->mark);
	bind_int(li->c, s, 3, li->f->state == CERTIFICATE_ISSUED ? OUTBOX_QUEUED : OUTBOX_REGISTERED);
	for (; count > 0 && ps->up > 0; ps->up--) {
		if ((rc = statement_step(li->c, s, &found, e)) != ERR_OK || !found)
			return rc;
		id = column_int(li->c, s, 0);
		count -= column_int(li->c, s, 1);
	}
	statement_done(li->c, s);
	if (count == 0 && id < p->below)
		p->below = id + 1;
	return ERR_OK;
}

/* Places with nothing in them are not among them: the batches know. */
static enum err_code
places_read(struct listing *li, enum statement s, struct places *ps, struct err *e)
{
	const int64_t	 below = li->f->after != NULL ? store_serial_key(li->f->after) : INT64_MAX;
	struct place	*more;
	size_t		 max;
	enum err_code	 rc;
	bool		 found;

	bind_int(li->c, s, 1, li->f->batch_id);
	while ((rc = statement_step(li->c, s, &found, e)) == ERR_OK && found) {
		if (ps->n == ps->max) {
			max = ps->max == 0 ? 16 : ps->max * 2;
			if ((more = reallocarray(ps->place, max, sizeof(*more))) == NULL) {
				rc = err_set(e, ERR_NOMEM, "list: %zu batches", max);
				break;
			}
			ps->place = more;
			ps->max = max;
		}
		more = &ps->place[ps->n++];
		*more = (struct place){ .batch_id = column_int(li->c, s, 0), .mark = column_int(li->c, s, 1), .below = below };
		if ((li->f->state == CERTIFICATE_ISSUED || li->f->state == CERTIFICATE_REGISTERED) &&
		    (rc = place_ceiling(li, ps, more, column_int(li->c, s, 2), e)) != ERR_OK)
			break;
	}
	if (rc != ERR_OK)
		statement_done(li->c, s);
	return rc;
}

static struct place *
places_newest(struct places *ps)
{
	struct place	*best = NULL;
	size_t		 i;

	for (i = 0; i < ps->n; i++) {
		if (ps->place[i].id != 0 && (best == NULL || ps->place[i].id > best->id))
			best = &ps->place[i];
	}
	return best;
}

/* Reads one that is wanted, or the last that is looked at, whose serial is asked for. */
static enum err_code
place_show(struct listing *li, int64_t id, struct err *e)
{
	const enum statement		s = STATEMENT_CERTIFICATE_FIND;
	struct store_certificate	cert;
	enum err_code			rc;
	int64_t				prior;
	bool				found;

	bind_int(li->c, s, 1, id);
	if ((rc = statement_step(li->c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: certificate %lld is missing", (long long)id);
	if ((rc = certificate_from_row(li->c, s, &cert, &prior, e)) == ERR_OK)
		rc = list_show(li, &cert, e);
	statement_done(li->c, s);
	return rc;
}

static enum err_code
list_places(struct listing *li, struct places *ps, struct err *e)
{
	struct place	*p;
	enum err_code	 rc;
	size_t		 i;
	int64_t		 looks = li->looks;

	for (i = 0; i < ps->n; i++) {
		if ((rc = place_move(li, ps, &ps->place[i], ps->place[i].below, 1, e)) != ERR_OK)
			return rc;
	}
	/* The first row of each is not counted, and what the strides have looked at too far is a quarter at most: the page gets on, however many batches there are. */
	li->looks = looks;
	ps->stride = ps->n > 0 ? looks / 4 / (int64_t)ps->n : 1;
	ps->stride = ps->stride < 1 ? 1 : ps->stride > STRIDE_ROWS ? STRIDE_ROWS : ps->stride;
	while ((p = places_newest(ps)) != NULL) {
		if ((p->wanted || li->looks <= 0) && (rc = place_show(li, p->id, e)) != ERR_OK)
			return rc;
		if (li->ended || li->left <= 0 || li->looks <= 0) {
			li->end.more = !li->ended;
			return ERR_OK;
		}
		if ((rc = place_move(li, ps, p, p->id, ps->stride, e)) != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
list_state(struct listing *li, struct err *e)
{
	static const struct {
		enum statement	places, rows;
	} of[] = {
		[CERTIFICATE_ISSUED] = { STATEMENT_LIST_QUEUED_PLACES, STATEMENT_LIST_QUEUED },
		[CERTIFICATE_REGISTERED] = { STATEMENT_LIST_REGISTERED_PLACES, STATEMENT_LIST_REGISTERED },
		[CERTIFICATE_PARKED] = { STATEMENT_LIST_PARKED_PLACES, STATEMENT_LIST_PARKED },
		[CERTIFICATE_REVOKED] = { STATEMENT_LIST_REVOKED_PLACES, STATEMENT_LIST_REVOKED },
	};
	struct places	ps = { .rows = of[li->f->state].rows, .up = UP_ROWS };
	enum err_code	rc;

	if ((rc = reading_begin(li->c, e)) != ERR_OK)
		return rc;
	if ((rc = places_read(li, of[li->f->state].places, &ps, e)) == ERR_OK)
		rc = list_places(li, &ps, e);
	free(ps.place);
	reading_end(li->c);
	return rc;
}

enum err_code
sqlite_certificate_page(struct store_reader *r, const struct store_certificate_filter *f, int64_t looks,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct store_page_end *ret, struct err *e)
{
	struct listing	li = { .c = &r->connection, .f = f, .row = row, .arg = arg, .left = f->limit > 0 ? f->limit : INT64_MAX, .looks = looks };
	enum err_code	rc = f->state >= 0 && f->device_id == NULL ? list_state(&li, e) : list_certificates(&li, e);

	if (rc == ERR_OK)
		*ret = li.end;
	return rc;
}

enum err_code
sqlite_certificate_list(struct store_reader *r, const struct store_certificate_filter *f,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	struct store_page_end	end;

	return sqlite_certificate_page(r, f, INT64_MAX, row, arg, &end, e);
}
