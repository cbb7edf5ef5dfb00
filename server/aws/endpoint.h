/* Where a service of AWS is: partition and host by the region, or the URL that the environment says.  The inside of aws/client.c. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "aws/client.h"

struct aws_endpoint {
	char	base[AWS_URL_BYTES];	/* "https://iot.eu-central-1.amazonaws.com": scheme, host, port if it is not the scheme's own */
	char	host[AWS_URL_BYTES];	/* the same without the scheme: what the Host header says and what is signed */
};

/*
 * "aws" (*.amazonaws.com), "aws-cn" (*.amazonaws.com.cn), "aws-us-gov".  ERR_CONFIG: no region, not the shape of one, or one of a
 * partition whose endpoints are not known here.  *ret is a constant.
 */
ERR_MUST_CHECK enum err_code	endpoint_partition(const char *region, const char **ret, struct err *e);

/* url: of the environment, "" for AWS's own.  ERR_CONFIG: no URL, or more than scheme, host and port. */
ERR_MUST_CHECK enum err_code	endpoint_make(enum aws_service service, const char *region, const char *partition, const char *url,
				    struct aws_endpoint *ret, struct err *e);

#endif
