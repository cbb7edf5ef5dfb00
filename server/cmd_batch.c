#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "batch_order.h"
#include "cmd_who.h"
#include "table.h"
#include "view.h"
#include "worker.h"

/* ---- create */

static void
tell_batch(const struct batch_order *o)
{
	const struct store_batch *b = &o->batch;

	(void)fprintf(stderr, "batch %s %s: %lld certificate%s%s\n", b->name,
	    b->state == BATCH_WAITING ? "waits for approval (lineca batch open)" : "is open", (long long)b->quantity,
	    b->quantity == 1 ? "" : "s", b->listed ? ", only for the devices listed" : "");
	if (b->listed && (size_t)b->quantity != o->list.count)
		(void)fprintf(stderr, "note: %zu devices are listed, %lld certificates ordered\n", o->list.count, (long long)b->quantity);
}

enum err_code
cmd_batch_create(struct cmd *c, struct err *e)
{
	const char *quantity = NULL, *devices = NULL;
	char list_name[128], actor[STORE_ACTOR_BYTES + 1];
	struct batch_order order = { 0 };
	struct batch_wish wish = { 0 };
	const struct arg_option options[] = {
		{ "quantity", &quantity, NULL }, { "pattern", &wish.pattern, NULL }, { "devices", &devices, NULL },
		{ "profile", &wish.profile, NULL }, { "ca", &wish.ca, NULL }, { "aws", &wish.aws, NULL }, { "approval", NULL, &wish.approval }, { 0 }
	};
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &wish.name, e)) != ERR_OK)
		return rc;
	if (quantity == NULL)
		return err_set(e, ERR_USAGE, "--quantity is missing: how many certificates are ordered?");
	if ((rc = args_number("--quantity", quantity, 1, LIMIT_BATCH_QUANTITY, &wish.quantity, e)) != ERR_OK)
		return rc;
	(void)snprintf(list_name, sizeof(list_name), "%.100s, line", devices != NULL ? devices : "");
	wish.list_name = list_name;
	wish.listed = devices != NULL;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) == ERR_OK &&
	    (devices == NULL || (rc = device_list_read(&order.list, devices, e)) == ERR_OK) &&
	    (rc = batch_order_plan(&wish, &h, h.reader, &order, e)) == ERR_OK &&
	    (rc = batch_order_make(&order, &h, h.ops, h.store, &who, e)) == ERR_OK)
		tell_batch(&order);
	batch_order_done(&order);
	home_close(&h);
	return rc;
}

/* ---- list, show */

static enum err_code
print_json(void *arg, const struct store_batch *b, struct err *e)
{
	(void)arg;
	return view_put(view_batch(b), e);
}

static enum err_code
print_row(void *table, const struct store_batch *b, struct err *e)
{
	char created[CLOCK_TEXT_BYTES];

	(void)e;
	clock_format_s(b->created_at_us / 1000000, created);
	table_text(table, b->name);
	table_text(table, batch_state_name(b->state));
	table_number(table, b->quantity);
	table_number(table, b->issued);
	table_number(table, b->registered);
	table_number(table, b->parked);
	table_number(table, b->revoked);
	table_text(table, b->ca_name);
	table_text(table, created);
	return ERR_OK;
}

enum err_code
cmd_batch_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = {
		"BATCH", "STATE", "QUANTITY>", "ISSUED>", "REGISTERED>", "PARKED>", "REVOKED>", "CA", "CREATED AT", NULL
	};
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	const char *none[1];
	struct home h = { 0 };
	struct table table;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK) {
		if (json) {
			rc = h.ops->batch_list(h.reader, BATCHES_ALL, print_json, NULL, e);
		} else {
			table_begin(&table, titles);
			rc = h.ops->batch_list(h.reader, BATCHES_ALL, print_row, &table, e);
			table_end(&table);
		}
	}
	home_close(&h);
	return rc;
}

static void
print_batch(const struct store_batch *b)
{
	char created[CLOCK_TEXT_BYTES], last[CLOCK_TEXT_BYTES];

	clock_format_s(b->created_at_us / 1000000, created);
	clock_format_s(b->last_issued_at_us / 1000000, last);
	(void)printf("batch       %s\nstate       %s\nquantity    %lld\nissued      %lld\nregistered  %lld\nparked      %lld\nrevoked     %lld\n",
	    b->name, batch_state_name(b->state), (long long)b->quantity, (long long)b->issued, (long long)b->registered,
	    (long long)b->parked, (long long)b->revoked);
	(void)printf("remaining   %lld\nca          %s\nprofile     %s\npattern     %s\ndevices     %s\naws         %s\ncreated at  %s\nlast issue  %s\n",
	    (long long)(b->quantity - b->issued), b->ca_name, b->profile, b->pattern[0] != '\0' ? b->pattern : "any",
	    b->listed ? "listed" : "any", b->aws[0] != '\0' ? b->aws : "aws", created, b->last_issued_at_us != 0 ? last : "none yet");
}

enum err_code
cmd_batch_show(struct cmd *c, struct err *e)
{
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	struct store_batch b;
	struct home h = { 0 };
	const char *name;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &name, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK &&
	    (rc = h.ops->batch_find(h.reader, name, &b, e)) == ERR_OK) {
		if (json)
			rc = print_json(NULL, &b, e);
		else
			print_batch(&b);
	}
	home_close(&h);
	return rc;
}

/* ---- open, close */

static enum err_code
set_state(struct cmd *c, enum batch_state state, struct err *e)
{
	const struct arg_option options[] = { { 0 } };
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct store_batch b;
	struct home h = { 0 };
	const char *name;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &name, e)) != ERR_OK)
		return rc;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) == ERR_OK &&
	    (rc = h.ops->batch_find(h.reader, name, &b, e)) == ERR_OK &&
	    (rc = h.ops->batch_set_state(h.store, name, state, &who, e)) == ERR_OK)
		(void)fprintf(stderr, "batch %s is %s%s\n", name,
		    b.state != BATCH_WAITING ? "" : state == BATCH_OPEN ? "approved and " : "refused and ", batch_state_name(state));
	home_close(&h);
	return rc;
}

enum err_code
cmd_batch_open(struct cmd *c, struct err *e)
{
	return set_state(c, BATCH_OPEN, e);
}

enum err_code
cmd_batch_close(struct cmd *c, struct err *e)
{
	return set_state(c, BATCH_CLOSED, e);
}

/* ---- quantity */

enum err_code
cmd_batch_quantity(struct cmd *c, struct err *e)
{
	const char *operands[2], *reason = NULL;
	const struct arg_option options[] = { { "reason", &reason, NULL }, { 0 } };
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;
	int64_t quantity;

	if ((rc = args_parse(c, options, 2, 2, operands, e)) != ERR_OK ||
	    (rc = args_number("the quantity", operands[1], 1, LIMIT_BATCH_QUANTITY, &quantity, e)) != ERR_OK)
		return rc;
	if (reason == NULL || *reason == '\0')
		return err_set(e, ERR_USAGE, "--reason is missing: why is the order raised? It is kept with the change");
	if (strlen(reason) > STORE_NOTE_BYTES)
		return err_set(e, ERR_USAGE, "--reason is longer than %d bytes", STORE_NOTE_BYTES);
	cmd_who(&who, actor);
	who.reason = reason;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK &&
	    (rc = h.ops->batch_set_quantity(h.store, operands[0], quantity, &who, e)) == ERR_OK)
		(void)fprintf(stderr, "batch %s is ordered with %lld certificate%s\n", operands[0], (long long)quantity,
		    quantity == 1 ? "" : "s");
	home_close(&h);
	return rc;
}
