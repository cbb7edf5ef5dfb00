#include "batch_order.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "base/clock.h"
#include "worker.h"

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
choose_ca(struct batch_order *o, const char *name, const struct store_ops *ops, struct store_reader *reader, struct err *e)
{
	struct ca_choice choice = { .wanted = name };
	enum err_code rc;

	if ((rc = ops->ca_list(reader, on_ca, &choice, e)) != ERR_OK)
		return rc;
	if (name != NULL && choice.found.id == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no CA \"%.64s\"; `lineca ca list` names them", name);
	if (name != NULL && choice.active == 0)
		return err_say(e, ERR_CONFLICT, "the CA \"%s\" is inactive", name);
	if (choice.active == 0)
		return err_say(e, ERR_CONFLICT, "no CA is active; `lineca ca list` names them");
	if (choice.active != 1)
		return err_set(e, ERR_USAGE, "%d CAs are active: choose one with --ca", choice.active);
	o->batch.ca_id = choice.found.id;
	return ERR_OK;
}

static const char *
list_name(const struct batch_wish *wish)
{
	return wish->list_name != NULL ? wish->list_name : "devices, entry";
}

/* Every id of the list must fit the pattern too, or it could never be issued. */
static enum err_code
check_pattern(const struct batch_order *o, const struct batch_wish *wish, struct err *e)
{
	regex_t regex;
	enum err_code rc;

	if (wish->pattern == NULL)
		return ERR_OK;
	if (*wish->pattern == '\0')
		return err_set(e, ERR_USAGE, "--pattern is empty; leave it out if any device id will do");
	for (const char *p = wish->pattern; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return err_set(e, ERR_USAGE, "--pattern has a character that no device id has; A-Z a-z 0-9 : _ . - and the signs of a pattern will do");
	if ((rc = pattern_compile(wish->pattern, &regex, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < o->list.count && rc == ERR_OK; i++)
		if (regexec(&regex, device_list_id(&o->list, i), 0, NULL, 0) != 0)
			rc = err_set(e, ERR_USAGE, "%s %u: %s does not fit the pattern; no batch was made", list_name(wish),
			    o->list.ids[i].line, device_list_id(&o->list, i));
	regfree(&regex);
	return rc;
}

/* Every id of the list must do as a thing's name where things are made. */
static enum err_code
check_things(const struct batch_order *o, const struct batch_wish *wish, struct err *e)
{
	struct err why = { 0 };

	for (size_t i = 0; i < o->list.count; i++)
		if (batch_aws_takes(&o->goes_to, &o->batch, device_list_id(&o->list, i), &why) != ERR_OK)
			return err_set(e, ERR_USAGE, "%s %u: %s No batch was made.", list_name(wish), o->list.ids[i].line, why.log_text);
	return ERR_OK;
}

enum err_code
batch_order_plan(const struct batch_wish *wish, const struct home *h, struct store_reader *reader, struct batch_order *o, struct err *e)
{
	const char *profile = wish->profile != NULL ? wish->profile : "default";
	struct store_batch *b = &o->batch;
	enum err_code rc;

	if ((rc = args_name("the batch name", wish->name, e)) != ERR_OK ||
	    (rc = choose_ca(o, wish->ca, h->ops, reader, e)) != ERR_OK)
		return rc;
	if (config_profile(&h->config, profile) == NULL)
		return err_set(e, ERR_USAGE, "lineca.conf has no [profile %.64s]", profile);
	(void)snprintf(b->name, sizeof(b->name), "%s", wish->name);
	if ((rc = batch_aws_plan(&h->config, wish->aws, b, &o->goes_to, e)) != ERR_OK)
		return rc;
	if (wish->listed && o->list.count == 0)
		return err_set(e, ERR_USAGE, "%s: it lists no device", list_name(wish));
	if ((rc = check_pattern(o, wish, e)) != ERR_OK || (rc = check_things(o, wish, e)) != ERR_OK)
		return rc;
	(void)snprintf(b->profile, sizeof(b->profile), "%s", profile);
	(void)snprintf(b->pattern, sizeof(b->pattern), "%s", wish->pattern != NULL ? wish->pattern : "");
	b->quantity = wish->quantity;
	b->listed = wish->listed;
	b->state = wish->approval ? BATCH_WAITING : BATCH_OPEN;
	b->created_at_us = clock_system.now_us(&clock_system);
	return ERR_OK;
}

enum err_code
batch_order_make(struct batch_order *o, const struct home *h, const struct store_ops *ops, struct store *store, const struct store_who *who,
    struct err *e)
{
	enum err_code rc;
	int lock_fd;

	if ((rc = home_lock(h, HOME_BATCH_LOCK, "another batch create", &lock_fd, e)) != ERR_OK)
		return rc;
	rc = ops->batch_create(store, &o->batch, device_list_next, &o->list, who, e);
	(void)close(lock_fd);
	return rc;
}

void
batch_order_done(struct batch_order *o)
{
	device_list_done(&o->list);
}
