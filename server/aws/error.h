/* What an answer of AWS means: error code, message, request id, outcome (aws-iot facts 1.3, 3.3).  The inside of aws/client.c. */
#ifndef AWS_ERROR_H
#define AWS_ERROR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/client.h"
#include "aws/transport.h"

/*
 * Reads what came for the request r into *ret.  Returns the parsed body, to be freed with cJSON_Delete after the reply was used,
 * or NULL if it is no JSON object.
 */
cJSON	*aws_error_read(const struct transport_reply *in, const struct aws_request *r, struct aws_reply *ret);

/* What an error code means, whatever the status; false: a code that is not known here. */
bool	 aws_error_outcome(const char *code, enum aws_outcome *ret);

/* May be due to a clock that is wrong. */
bool	 aws_error_is_clock(const char *code);

/* The credentials are over. */
bool	 aws_error_is_expired(const char *code);

/*
 * Copies text as one line of printable UTF-8: control characters and runs of white space become one blank, what is no UTF-8 or
 * would turn the line around becomes '?'; cut at a character.
 */
void	 aws_error_line(char *out, size_t size, const char *text, size_t len);

/* The text of the first element <tag> of an XML answer, as aws_error_line has it.  false: there is none. */
bool	 aws_error_xml(const char *xml, const char *tag, char *out, size_t size);

#endif
