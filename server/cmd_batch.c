#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "batch_aws.h"
#include "cmd_who.h"
#include "device_list.h"
#include "table.h"
#include "view.h"
#include "worker.h"

/* ---- create */

struct create {
	const char		*name, *quantity, *pattern, *devices, *profile, *ca, *aws;
	bool			 approval;
	struct store_batch	 batch;
	struct batch_aws	 goes_to;
	struct device_list	 list;
};

/* The CA of the batch: the one named, or the only active one. */
struct ca_choice {
	const char	*wanted;	/* NULL: the only one */
	int		 active;
	struct store_ca	 found;		/* without der */
};

static enum err_code
on_ca(void *arg, const struct store_ca *ca, struct err *e)
{
	struct ca_choice *choice = arg;

	(void)e;
	if (choice->wanted != NULL ? strcmp(choice->wanted, ca->name) != 0 : !ca->active)
		return ERR_OK;
	choice->active += ca->active;
	choice->found = *ca;
	choice->found.der = NULL;
	return ERR_OK;
}

static enum err_code
choose_ca(struct create *cr, struct home *h, struct err *e)
{
	struct ca_choice choice = { .wanted = cr->ca };
	enum err_code rc;

	if ((rc = h->ops->ca_list(h->reader, on_ca, &choice, e)) != ERR_OK)
		return rc;
	if (cr->ca != NULL && choice.found.id == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no CA \"%.64s\"; `lineca ca list` names them", cr->ca);
	if (cr->ca != NULL && choice.active == 0)
		return err_set(e, ERR_CONFLICT, "the CA \"%s\" is inactive", cr->ca);
	if (choice.active != 1)
		return err_set(e, ERR_USAGE, "%d CAs are active: choose one with --ca", choice.active);
	cr->batch.ca_id = choice.found.id;
	return ERR_OK;
}

/* Every id of the list must fit the pattern too, or it could never be issued. */
static enum err_code
check_pattern(const struct create *cr, struct err *e)
{
	regex_t regex;
	enum err_code rc;

	if (cr->pattern == NULL)
		return ERR_OK;
	if (*cr->pattern == '\0')
		return err_set(e, ERR_USAGE, "--pattern is empty; leave it out if any device id will do");
	if ((rc = pattern_compile(cr->pattern, &regex, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < cr->list.count && rc == ERR_OK; i++)
		if (regexec(&regex, device_list_id(&cr->list, i), 0, NULL, 0) != 0)
			rc = err_set(e, ERR_USAGE, "%s, line %u: %s does not fit the pattern; no batch was made", cr->devices,
			    cr->list.ids[i].line, device_list_id(&cr->list, i));
	regfree(&regex);
	return rc;
}

/* Every id of the list must do as a thing's name where things are made. */
static enum err_code
check_things(const struct create *cr, struct err *e)
{
	struct err why = { 0 };

	for (size_t i = 0; i < cr->list.count; i++)
		if (batch_aws_takes(&cr->goes_to, &cr->batch, device_list_id(&cr->list, i), &why) != ERR_OK)
			return err_set(e, ERR_USAGE, "%s, line %u: %s No batch was made.", cr->devices, cr->list.ids[i].line, why.log_text);
	return ERR_OK;
}

static enum err_code
plan_batch(struct create *cr, struct home *h, struct err *e)
{
	struct store_batch *b = &cr->batch;
	enum err_code rc;

	if ((rc = args_name("the batch name", cr->name, e)) != ERR_OK)
		return rc;
	if (cr->quantity == NULL)
		return err_set(e, ERR_USAGE, "--quantity is missing: how many certificates are ordered?");
	if ((rc = args_number("--quantity", cr->quantity, 1, LIMIT_BATCH_QUANTITY, &b->quantity, e)) != ERR_OK ||
	    (rc = choose_ca(cr, h, e)) != ERR_OK)
		return rc;
	if (config_profile(&h->config, cr->profile) == NULL)
		return err_set(e, ERR_USAGE, "lineca.conf has no [profile %.64s]", cr->profile);
	(void)snprintf(b->name, sizeof(b->name), "%s", cr->name);
	if ((rc = batch_aws_plan(&h->config, cr->aws, b, &cr->goes_to, e)) != ERR_OK)
		return rc;
	if (cr->devices != NULL && (rc = device_list_read(&cr->list, cr->devices, e)) != ERR_OK)
		return rc;
	if ((rc = check_pattern(cr, e)) != ERR_OK || (rc = check_things(cr, e)) != ERR_OK)
		return rc;
	(void)snprintf(b->profile, sizeof(b->profile), "%s", cr->profile);
	(void)snprintf(b->pattern, sizeof(b->pattern), "%s", cr->pattern != NULL ? cr->pattern : "");
	b->listed = cr->devices != NULL;
	b->created_at_us = clock_system.now_us(&clock_system);
	b->state = cr->approval ? BATCH_WAITING : BATCH_OPEN;
	return ERR_OK;
}

enum err_code
cmd_batch_create(struct cmd *c, struct err *e)
{
	struct create cr = { .profile = "default" };
	const struct arg_option options[] = {
		{ "quantity", &cr.quantity, NULL }, { "pattern", &cr.pattern, NULL }, { "devices", &cr.devices, NULL },
		{ "profile", &cr.profile, NULL }, { "ca", &cr.ca, NULL }, { "aws", &cr.aws, NULL },
		{ "approval", NULL, &cr.approval }, { 0 }
	};
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;
	int lock_fd = -1;

	if ((rc = args_parse(c, options, 1, 1, &cr.name, e)) != ERR_OK)
		return rc;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) != ERR_OK ||
	    (rc = plan_batch(&cr, &h, e)) != ERR_OK ||
	    (rc = home_lock(&h, HOME_BATCH_LOCK, "another batch create", &lock_fd, e)) != ERR_OK ||
	    (rc = h.ops->batch_create(h.store, &cr.batch, device_list_next, &cr.list, &who, e)) != ERR_OK)
		goto out;
	(void)fprintf(stderr, "batch %s %s: %lld certificate%s%s\n", cr.batch.name, cr.approval ? "waits for approval" : "is open",
	    (long long)cr.batch.quantity, cr.batch.quantity == 1 ? "" : "s", cr.batch.listed ? ", only for the devices listed" : "");
	if (cr.approval)
		(void)fprintf(stderr, "`lineca batch open %s` approves it, `lineca batch close %s` refuses it\n", cr.batch.name,
		    cr.batch.name);
	if (cr.batch.listed && (size_t)cr.batch.quantity != cr.list.count)
		(void)fprintf(stderr, "note: %zu devices are listed, %lld certificates ordered\n", cr.list.count,
		    (long long)cr.batch.quantity);
out:
	if (lock_fd != -1)
		(void)close(lock_fd);
	device_list_done(&cr.list);
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
	table_text(table, b->ca_name);
	table_text(table, created);
	return ERR_OK;
}

enum err_code
cmd_batch_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = {
		"BATCH", "STATE", "QUANTITY>", "ISSUED>", "REGISTERED>", "PARKED>", "CA", "CREATED AT", NULL
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
			rc = h.ops->batch_list(h.reader, false, print_json, NULL, e);
		} else {
			table_begin(&table, titles);
			rc = h.ops->batch_list(h.reader, false, print_row, &table, e);
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
	(void)printf("batch       %s\nstate       %s\nquantity    %lld\nissued      %lld\nregistered  %lld\nparked      %lld\n",
	    b->name, batch_state_name(b->state), (long long)b->quantity, (long long)b->issued, (long long)b->registered,
	    (long long)b->parked);
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
