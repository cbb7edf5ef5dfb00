#include "refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

static const int64_t half_us = INT64_C(12) * 3600 * 1000000;

int64_t
refusals_half_us(int64_t at_us)
{
	return at_us / half_us * half_us;
}

static size_t
half_at(struct refusals *r, int64_t from_us)
{
	size_t i = (uint64_t)(from_us / half_us) % 2;

	/* also where the clock was set back: what was written down of the other stays in the ledger */
	if (r->halves[i].from_us != from_us) {
		r->halves[i].from_us = from_us;
		r->halves[i].n = 0;
	}
	return i;
}

static bool
same_text(const struct store_refusal *a, const char *batch, const char *station)
{
	return strcmp(a->batch, batch) == 0 && strcmp(a->station, station) == 0;
}

/* The row of that key; NULL: none, and there is no room for it among limit rows. */
static struct refusal *
row_of(struct refusals *r, size_t half, enum err_code code, const char *batch, const char *station, size_t limit)
{
	struct refusal *row;

	for (size_t i = 0; i < r->halves[half].n; i++) {
		row = &r->halves[half].rows[i];
		if (row->code == code && same_text(&row->row, batch, station))
			return row;
	}
	if (r->halves[half].n >= limit)
		return NULL;
	row = &r->halves[half].rows[r->halves[half].n++];
	*row = (struct refusal){ .code = code, .row = { .from_us = r->halves[half].from_us } };
	(void)snprintf(row->row.code, sizeof(row->row.code), "%s", err_name(code));
	(void)snprintf(row->row.batch, sizeof(row->row.batch), "%s", batch);
	(void)snprintf(row->row.station, sizeof(row->row.station), "%s", station);
	return row;
}

static struct refusal *
row_or_other(struct refusals *r, int64_t from_us, enum err_code code, const char *batch, const char *station)
{
	size_t half = half_at(r, from_us), others = 0;
	struct refusal *row;

	/* the rows of others have room of their own, one for each reason */
	for (size_t i = 0; i < r->halves[half].n; i++)
		others += same_text(&r->halves[half].rows[i].row, "", "");
	if ((row = row_of(r, half, code, batch, station, REFUSAL_KEYS + others)) == NULL)
		row = row_of(r, half, code, "", "", REFUSAL_ROWS);
	return row;
}

/* b's count and times to those of a. */
static void
add(struct store_refusal *a, const struct store_refusal *b)
{
	if (a->count == 0 || b->first_at_us < a->first_at_us)
		a->first_at_us = b->first_at_us;
	if (a->count == 0 || b->last_at_us >= a->last_at_us) {
		a->last_at_us = b->last_at_us;
		memcpy(a->device_id, b->device_id, sizeof(a->device_id));
	}
	a->count += b->count;
}

void
refusals_note(struct refusals *r, const struct store_refusal *one, enum err_code code, uint64_t stamp)
{
	/* a name that there is no batch of is no key: whoever invents names makes no rows */
	const char *batch = code == ERR_BATCH_NOT_FOUND ? "" : one->batch;
	struct refusal *row = row_or_other(r, refusals_half_us(one->last_at_us), code, batch, one->station);

	if (row == NULL)
		return;
	add(&row->row, one);
	memcpy(row->asked, one->batch, sizeof(row->asked));
	row->changed = stamp;
}

void
refusals_recall(struct refusals *r, const struct store_refusal *row, int64_t until_us)
{
	int64_t now_half_us = refusals_half_us(until_us);
	struct refusal *place;

	if (row->from_us != now_half_us && row->from_us != now_half_us - half_us)
		return;
	for (int code = 1; code < TALLY_CODES; code++) {
		if (strcmp(err_name((enum err_code)code), row->code) != 0)
			continue;
		if ((place = row_or_other(r, row->from_us, (enum err_code)code, row->batch, row->station)) == NULL)
			return;
		add(&place->row, row);
		memcpy(place->asked, row->batch, sizeof(place->asked));
	}
}

size_t
refusals_changed(const struct refusals *r, uint64_t since, struct store_refusal *out)
{
	size_t n = 0;

	for (size_t half = 0; half < 2; half++)
		for (size_t i = 0; i < r->halves[half].n; i++)
			if (r->halves[half].rows[i].changed > since)
				out[n++] = r->halves[half].rows[i].row;
	return n;
}

/* ---- shown */

static struct store_refusal *
group_of(struct refusal_groups *groups, const char *code, const char *station, size_t limit)
{
	struct store_refusal *g;

	for (size_t i = 0; i < groups->n; i++)
		if (strcmp(groups->rows[i].code, code) == 0 && strcmp(groups->rows[i].station, station) == 0)
			return &groups->rows[i];
	if (groups->n >= limit)
		return NULL;
	g = &groups->rows[groups->n++];
	*g = (struct store_refusal){ 0 };
	(void)snprintf(g->code, sizeof(g->code), "%s", code);
	(void)snprintf(g->station, sizeof(g->station), "%s", station);
	return g;
}

void
refusals_group_add(struct refusal_groups *groups, const struct store_refusal *row, const char *batch)
{
	struct store_refusal *g = group_of(groups, row->code, row->station, REFUSAL_GROUPS);

	/* the ledger of another program may have reasons that we do not know: then there may be no room for all */
	if (g == NULL && (g = group_of(groups, row->code, "", REFUSAL_GROUPS + TALLY_CODES)) == NULL)
		return;
	add(g, row);
	if (row->last_at_us >= g->last_at_us)
		(void)snprintf(g->batch, sizeof(g->batch), "%s", batch);
}

void
refusals_group(const struct refusals *r, int64_t since_us, const char *batch, struct refusal_groups *groups)
{
	for (size_t half = 0; half < 2; half++) {
		for (size_t i = 0; i < r->halves[half].n; i++) {
			const struct refusal *one = &r->halves[half].rows[i];

			if (one->row.last_at_us > since_us && (batch == NULL || strcmp(one->row.batch, batch) == 0))
				refusals_group_add(groups, &one->row, one->asked);
		}
	}
}

static int
later_first(const void *a, const void *b)
{
	const struct store_refusal *x = a, *y = b;

	return x->last_at_us < y->last_at_us ? 1 : x->last_at_us > y->last_at_us ? -1 : 0;
}

void
refusals_view(struct refusal_groups *groups, cJSON *o)
{
	cJSON *list = cJSON_AddArrayToObject(o, "refusals"), *part;

	qsort(groups->rows, groups->n, sizeof(groups->rows[0]), later_first);
	for (size_t i = 0; i < groups->n; i++) {
		const struct store_refusal *g = &groups->rows[i];

		part = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(part, "code", g->code);
		(void)cJSON_AddStringToObject(part, "station", g->station);
		(void)cJSON_AddNumberToObject(part, "count", (double)g->count);
		view_time_us(part, "first_at", g->first_at_us);
		view_time_us(part, "last_at", g->last_at_us);
		(void)cJSON_AddStringToObject(part, "device_id", g->device_id);
		(void)cJSON_AddStringToObject(part, "batch", g->batch);
		(void)cJSON_AddItemToArray(list, part);
	}
}
