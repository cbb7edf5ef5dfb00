/* Our issuing CAs as an AWS account has them. */
#ifndef SERVER_AWS_CA_H
#define SERVER_AWS_CA_H

#include "aws_session.h"
#include "db/store.h"

enum { AWS_CA_ID_BYTES = 2 * STORE_HASH_BYTES + 1 };

/* What AWS calls a CA certificate: the hex SHA-256 of its DER. */
ERR_MUST_CHECK enum err_code	aws_ca_id(const uint8_t *der, size_t der_len, char out[AWS_CA_ID_BYTES], struct err *e);

/* DescribeCACertificate.  *ret_found false: the account does not have it. */
ERR_MUST_CHECK enum err_code	aws_ca_describe(struct aws_session *s, const char *id, struct iot_ca *ret, bool *ret_found, struct err *e);

/* GetRegistrationCode; it is made if the account has none yet. */
ERR_MUST_CHECK enum err_code	aws_ca_registration_code(struct aws_session *s, char code[65], struct err *e);

/* RegisterCACertificate; ERR_OK also if it is there by now (a lost answer): then it is the same, by its id. */
ERR_MUST_CHECK enum err_code	aws_ca_register(struct aws_session *s, const struct iot_ca_registration *ca, struct err *e);

/* UpdateCACertificate newStatus. */
ERR_MUST_CHECK enum err_code	aws_ca_set_active(struct aws_session *s, const char *id, bool active, struct err *e);

/* ListCertificatesByCA, page by page; stops behind max.  *ret_more: there are more. */
ERR_MUST_CHECK enum err_code	aws_ca_count(struct aws_session *s, const char *id, int64_t max, int64_t *ret, bool *ret_more, struct err *e);

#endif
