#include "aws/endpoint.h"

#include <stdio.h>
#include <string.h>

#include "aws/url.h"

/* "eu-central-1", "us-gov-west-1": it becomes part of a host name and of the signature's scope. */
static bool
is_region(const char *region)
{
	size_t len = strlen(region), dashes = 0;

	if (len < 6 || len > LIMIT_REGION_BYTES || strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return false;
	for (const char *p = region; (p = strchr(p, '-')) != NULL; p++)
		dashes++;
	return dashes >= 2 && strchr("0123456789", region[len - 1]) != NULL && region[0] >= 'a' && strstr(region, "--") == NULL;
}

enum err_code
endpoint_partition(const char *region, const char **ret, struct err *e)
{
	static const struct {
		const char	*prefix, *partition;
	} partitions[] = {
		{ "cn-", "aws-cn" },
		{ "us-gov-", "aws-us-gov" },
		/* isolated and sovereign clouds: their host names end otherwise */
		{ "us-iso", NULL },
		{ "eu-iso", NULL },
		{ "eusc-", NULL },
		{ "", "aws" },
	};
	size_t i = 0;

	if (*region == '\0')
		return err_say(e, ERR_CONFIG, "no AWS region: set region in [aws] of lineca.conf, or AWS_REGION");
	if (!is_region(region))
		return err_say(e, ERR_CONFIG, "\"%.40s\" is no AWS region; one looks like eu-central-1", region);
	while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
		i++;
	if (partitions[i].partition == NULL)
		return err_say(e, ERR_CONFIG, "the region %s is in a partition of AWS that lineca does not know", region);
	*ret = partitions[i].partition;
	return ERR_OK;
}

static enum err_code
from_url(const char *url, struct aws_endpoint *ret, struct err *e)
{
	const char *wrong;
	struct url u;

	if ((wrong = url_parse(url, &u)) != NULL)
		return err_set(e, ERR_CONFIG, "the AWS endpoint of the environment %s", wrong);
	if ((*u.rest != '\0' && strcmp(u.rest, "/") != 0) || !url_format(&u, ret->base, sizeof(ret->base)))
		return err_set(e, ERR_CONFIG, "the AWS endpoint of the environment must be scheme://host[:port]");
	(void)snprintf(ret->host, sizeof(ret->host), "%s", strstr(ret->base, "://") + 3);
	return ERR_OK;
}

enum err_code
endpoint_make(enum aws_service service, const char *region, const char *partition, const char *url, struct aws_endpoint *ret,
    struct err *e)
{
	const char *name = service == AWS_STS ? "sts" : "iot";

	*ret = (struct aws_endpoint){ 0 };
	if (*url != '\0')
		return from_url(url, ret, e);
	(void)snprintf(ret->host, sizeof(ret->host), "%s.%s.amazonaws.com%s", name, region,
	    strcmp(partition, "aws-cn") == 0 ? ".cn" : "");
	(void)snprintf(ret->base, sizeof(ret->base), "https://%.*s", (int)sizeof(ret->base) - 9, ret->host);
	return ERR_OK;
}
