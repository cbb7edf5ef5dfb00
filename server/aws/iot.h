/*
 * The AWS IoT operations that lineca uses (API version 2015-05-28): makers of requests, readers of answers.  A maker fills
 * a request that is all zeroes; what does not fit sets its `failed`, which sending reports.  Names and limits: botocore's
 * model data/iot/2015-05-28, aws-iot facts 1.
 */
#ifndef AWS_IOT_H
#define AWS_IOT_H

#include "aws/client.h"

enum iot_operation {
	IOT_GET_REGISTRATION_CODE,
	IOT_REGISTER_CA_CERTIFICATE,
	IOT_LIST_CA_CERTIFICATES,
	IOT_DESCRIBE_CA_CERTIFICATE,
	IOT_UPDATE_CA_CERTIFICATE,
	IOT_LIST_CERTIFICATES_BY_CA,
	IOT_REGISTER_CERTIFICATE,
	IOT_REGISTER_CERTIFICATE_WITHOUT_CA,
	IOT_DESCRIBE_CERTIFICATE,
	IOT_UPDATE_CERTIFICATE,
	IOT_CREATE_THING,
	IOT_DESCRIBE_THING,
	IOT_ATTACH_THING_PRINCIPAL,
	IOT_ATTACH_POLICY,
	IOT_ADD_THING_TO_THING_GROUP,
	IOT_GET_POLICY,
	IOT_DESCRIBE_THING_TYPE,
	IOT_DESCRIBE_THING_GROUP,
	IOT_OPERATIONS	/* how many */
};
const char	*iot_operation_name(enum iot_operation op);	/* "RegisterCertificate" */

/* ---- the CA */

void	iot_get_registration_code(struct aws_request *r);
/* 64 hex digits into code[65].  false: no such answer. */
bool	iot_registration_code_read(const struct aws_reply *reply, char code[65]);

struct iot_ca_registration {
	const char	*ca_pem;
	const char	*verification_pem;	/* NULL with sni_only */
	bool		 active, auto_registration, sni_only;
};
void	iot_register_ca_certificate(struct aws_request *r, const struct iot_ca_registration *ca);

struct iot_ca {
	char	id[65];
	char	arn[LIMIT_ARN_BYTES + 1];
	bool	active, auto_registration, sni_only;
};
void	iot_describe_ca_certificate(struct aws_request *r, const char *ca_id);
bool	iot_ca_read(const struct aws_reply *reply, struct iot_ca *ret);
/* newStatus; auto registration is left alone. */
void	iot_update_ca_certificate(struct aws_request *r, const char *ca_id, bool active);

/* Listings by pages of 250; marker "" for the first page. */
void	iot_list_ca_certificates(struct aws_request *r, const char *marker);
void	iot_list_certificates_by_ca(struct aws_request *r, const char *ca_id, const char *marker);
/*
 * Walks a page of either: row may be NULL.  *ret_count: items; marker (IOT_MARKER_BYTES) gets that of the next page, "" at the end.
 * false: no such answer.
 */
enum { IOT_MARKER_BYTES = 1025 };
struct iot_listed {
	const char	*id, *arn, *status;	/* lent */
};
bool	iot_page_read(const struct aws_reply *reply, void (*row)(void *arg, const struct iot_listed *), void *arg,
	    int64_t *ret_count, char marker[IOT_MARKER_BYTES]);

/* ---- certificates */

/* status ACTIVE or INACTIVE in the body, as the deprecated setAsActive is not. */
void	iot_register_certificate(struct aws_request *r, const char *certificate_pem, const char *ca_pem, bool active);
void	iot_register_certificate_without_ca(struct aws_request *r, const char *certificate_pem, bool active);
/* certificateId (64 hex) and certificateArn of either. */
bool	iot_registered_read(const struct aws_reply *reply, char id[65], char arn[LIMIT_ARN_BYTES + 1]);

enum iot_certificate_status { IOT_ACTIVE, IOT_INACTIVE, IOT_REVOKED, IOT_PENDING_ACTIVATION, IOT_OTHER_STATUS };
struct iot_certificate {
	char				 id[65];
	char				 arn[LIMIT_ARN_BYTES + 1];
	enum iot_certificate_status	 status;
	char				 status_text[32];	/* as AWS writes it */
	const char			*pem;			/* lent by the reply */
};
void	iot_describe_certificate(struct aws_request *r, const char *certificate_id);
bool	iot_certificate_read(const struct aws_reply *reply, struct iot_certificate *ret);
void	iot_update_certificate(struct aws_request *r, const char *certificate_id, bool active);
/* newStatus REVOKED; idempotent. */
void	iot_revoke_certificate(struct aws_request *r, const char *certificate_id);

/* ---- things, policies, groups */

struct iot_attribute {
	char	name[LIMIT_AWS_NAME_BYTES + 1];
	char	value[801];
};
/* type may be NULL or "". */
void	iot_create_thing(struct aws_request *r, const char *thing, const char *type, const struct iot_attribute *attributes,
	    size_t attributes_count);
void	iot_describe_thing(struct aws_request *r, const char *thing);
/* false: no such answer. */
bool	iot_thing_read(const struct aws_reply *reply);
/* The thing of such an answer: is it of that type, and has it at least these attributes with these values? */
bool	iot_thing_matches(const struct aws_reply *reply, const char *type, const struct iot_attribute *attributes,
	    size_t attributes_count);
void	iot_attach_thing_principal(struct aws_request *r, const char *thing, const char *arn);
void	iot_attach_policy(struct aws_request *r, const char *policy, const char *arn);
void	iot_add_thing_to_thing_group(struct aws_request *r, const char *group, const char *thing);
void	iot_get_policy(struct aws_request *r, const char *policy);
void	iot_describe_thing_type(struct aws_request *r, const char *type);
void	iot_describe_thing_group(struct aws_request *r, const char *group);

/* Names as AWS takes them: thing, type and group [a-zA-Z0-9:_-]{1,128}; policy [\w+=,.@-]{1,128}; attribute name and value. */
bool	iot_is_thing_name(const char *text);
bool	iot_is_policy_name(const char *text);
bool	iot_is_attribute_name(const char *text);
bool	iot_is_attribute_value(const char *text);

#endif
