/*
 * Every limit of the program, each with its reason.  What an operator may
 * want to change is a setting instead (server/config.c).
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	/* interface: a body of at most 16 KiB.  An RSA-4096 CSR with every subject field is 2 KiB. */
	LIMIT_BODY_BYTES = 16 * 1024,
	/* the longest CSR in DER: all of the body, when it comes as DER */
	LIMIT_CSR_BYTES = LIMIT_BODY_BYTES,
	/* RSA-4096 key 526, RSA-4096 CA signature 512, two names of at most 2 x ~700, extensions 200 */
	LIMIT_CERTIFICATE_BYTES = 4096,
	/* a DER SubjectPublicKeyInfo we accept: RSA-4096 is 550 */
	LIMIT_SPKI_BYTES = 600,
	/* an RSA-4096 signature */
	LIMIT_SIGNATURE_BYTES = 512,
	/* DER nested deeper than this is nobody's CSR */
	LIMIT_DER_DEPTH = 16,

	/* certificates that a TLS client sends: leaf, a few intermediates, perhaps the root */
	LIMIT_CHAIN_LINKS = 8,

	/* RFC 5280 ub-common-name; the device id is the CN */
	LIMIT_DEVICE_ID_BYTES = 64,
	/* an AWS IoT registration code is 64 hex digits (aws-iot: CN of a verification certificate) */
	LIMIT_REGISTRATION_CODE_BYTES = 64,
	/* RFC 5280 upper bounds: C 2, ST and L 128, O and OU 64 characters (UTF-8: up to 4 bytes each) */
	LIMIT_SUBJECT_VALUE_CHARS = 128,
	LIMIT_SUBJECT_VALUE_BYTES = 4 * LIMIT_SUBJECT_VALUE_CHARS,

	/* a batch, CA or profile name is part of a URL and of a log line */
	LIMIT_NAME_BYTES = 64,
	/* POSIX extended expressions: long enough for any numbering, short enough to read */
	LIMIT_PATTERN_BYTES = 256,
	/* one line of a device list */
	LIMIT_LIST_LINE_BYTES = 1024,
	/* rows of a device list that go into the database in one transaction, so that the line never waits long */
	LIMIT_LIST_CHUNK_ROWS = 5000,
	/* the largest batch: two digits above what any plant orders, and far from overflow */
	LIMIT_BATCH_QUANTITY = 1000 * 1000 * 1000,
	/* issuing CAs in one home */
	LIMIT_CAS = 64,
	/* profiles in lineca.conf */
	LIMIT_PROFILES = 32,

	/* an IPv6 network: 8 groups of 4 digits, 7 colons, /128 */
	LIMIT_NETWORK_BYTES = 43,
	/* a device list that comes over HTTP, as JSON: 50,000 ids of 16 characters are 1 MB */
	LIMIT_CHANGE_BYTES = 4 * 1024 * 1024,
	/* entries of such a body, each of which costs 70 octets and more when it is read: as many ids of 14 characters fill it */
	LIMIT_CHANGE_ENTRIES = 250 * 1000,

	/* rows in one page of an HTTP listing; more is asked for with after= */
	LIMIT_PAGE_ROWS = 1000,
	/* rows that such a page looks at for those of its state: a few milliseconds of one of two workers, for stations wait for it */
	LIMIT_PAGE_LOOKS = 20000,
	/* names that a batch_ambiguous answer lists */
	LIMIT_AMBIGUOUS_NAMES = 16,

	/* [aws] and [aws NAME] sections in lineca.conf */
	LIMIT_TARGETS = 16,
	/* an AWS account is 12 digits */
	LIMIT_ACCOUNT_BYTES = 12,
	/* "us-gov-west-1" is 13, names grow */
	LIMIT_REGION_BYTES = 32,
	/* arn:aws-us-gov:iot:REGION:ACCOUNT:cert/ and 64 hex digits: about 130 */
	LIMIT_ARN_BYTES = 255,
	/* the longest thing, policy and group name (AWS IoT: 128) */
	LIMIT_AWS_NAME_BYTES = 128,
	/* policies on one certificate (AWS IoT quota: 10) */
	LIMIT_POLICIES = 10,
	/* the short names of server/upload/step.h */
	LIMIT_STEP_BYTES = 15,
	/* AWS's error codes, messages and request ids as they are kept; longer ones are cut */
	LIMIT_AWS_CODE_BYTES = 63,
	LIMIT_AWS_MESSAGE_BYTES = 383,
	LIMIT_AWS_REQUEST_ID_BYTES = 63,
	/* an answer of AWS IoT is a few KiB; a page of 250 certificates 80 KiB */
	LIMIT_AWS_ANSWER_BYTES = 1024 * 1024,

	/* a step back of the clock up to this is NTP at work, not a dead battery */
	LIMIT_CLOCK_STEP_BACK_S = 5,
	/* seconds to wait for another process's write (a batch being made, a backup) */
	LIMIT_STORE_WAIT_S = 10,
	/* a configuration file is read into memory once */
	LIMIT_CONFIG_BYTES = 1024 * 1024,
	/* one log line; longer values are cut with a mark */
	LIMIT_LOG_LINE_BYTES = 2048
};

#endif
