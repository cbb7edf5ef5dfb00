/* What people have changed, as the ledger wrote it down. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/clock.h"
#include "table.h"
#include "view.h"

enum { LIST_ROWS = 100 };	/* without --limit: two screens */

static enum err_code
print_json(void *arg, const struct store_event *ev, struct err *e)
{
	(void)arg;
	return view_put(view_event(ev), e);
}

static enum err_code
print_row(void *table, const struct store_event *ev, struct err *e)
{
	char at[CLOCK_TEXT_BYTES], who[sizeof(ev->actor) + sizeof(ev->address) + 1];

	clock_format_s(ev->at_us / 1000000, at);
	(void)snprintf(who, sizeof(who), "%s%s%s", ev->actor, ev->address[0] != '\0' ? "@" : "", ev->address);
	table_text(table, at);
	table_text(table, who);
	table_text(table, ev->action);
	table_text(table, ev->object);
	table_text(table, ev->detail);
	table_text(table, ev->reason);
	return ferror(stdout) ? err_set(e, ERR_IO, "standard output could not be written") : ERR_OK;
}

enum err_code
cmd_event_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = { "WHEN", "WHO", "WHAT", "ON", "DETAIL", "REASON", NULL };
	const char *limit_text = NULL, *none[1];
	bool json = false;
	const struct arg_option options[] = { { "limit", &limit_text, NULL }, { "json", NULL, &json }, { 0 } };
	int64_t limit = LIST_ROWS;
	struct home h = { 0 };
	struct table table;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK ||
	    (limit_text != NULL && (rc = args_number("--limit", limit_text, 1, INT64_MAX, &limit, e)) != ERR_OK))
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK) {
		if (json) {
			rc = h.ops->event_list(h.reader, 0, limit, NULL, print_json, NULL, e);
		} else {
			table_begin(&table, titles);
			rc = h.ops->event_list(h.reader, 0, limit, NULL, print_row, &table, e);
			table_end(&table);
		}
	}
	home_close(&h);
	return rc;
}
