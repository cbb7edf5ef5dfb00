/*
 * lineca.conf: the settings of a home.  Tables (config.c, config_aws.c) say name, type, bounds, default and meaning of each;
 * the file that `lineca init` writes is printed from the same tables.  Read-only once it was loaded.  160 KiB: on the heap
 * wherever a thread of the server needs a second one.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "ca/profile.h"
#include "target.h"

enum { CONFIG_ADDRESS_BYTES = 64, CONFIG_PATH_BYTES = 512 };

struct config {
	char		repeated[64];		/* "[server] listen": a setting that the file has twice, of which the last counts; "" = none */
	/* [commit] */
	int64_t		commit_queue, commit_group_max, commit_group_enough, commit_linger_us;
	int64_t		commit_cache_mib;
	/* [guard] */
	int64_t		guard_disk_reserve_mib;
	/* [issue] */
	int64_t		issue_verify_every;
	/* [doors] */
	int64_t		doors_est;		/* enum config_est */
	int64_t		doors_step_ca, doors_cfssl;	/* bool */
	/* [limits] */
	int64_t		limits_connections_per_address, limits_requests_per_address, limits_requests_per_token;
	int64_t		limits_repeats_per_minute, limits_wrong_tokens_per_minute;
	int64_t		limits_head_s, limits_body_s, limits_reply_s;
	int64_t		limits_loopback;	/* bool */
	/* [log] */
	int64_t		log_level;		/* enum log_level */
	/* [server] */
	char		server_listen[CONFIG_ADDRESS_BYTES + 8];
	char		server_shifts[64];
	int64_t		server_enroll;		/* enum config_enroll */
	int64_t		server_read;		/* enum config_read */
	int64_t		server_threads, server_connections_max, server_idle_timeout_s, server_drain_s, server_session_idle_min;
	/* [tls] */
	char		tls_listen[CONFIG_ADDRESS_BYTES + 8];	/* "" = no TLS */
	char		tls_certificate[CONFIG_PATH_BYTES], tls_key[CONFIG_PATH_BYTES], tls_client_ca[CONFIG_PATH_BYTES];
	int64_t		tls_client_certificates;	/* bool */
	int64_t		tls_client_name;		/* enum config_client_name */
	/* [profile NAME] */
	struct profile	profiles[LIMIT_PROFILES];
	size_t		profiles_count;
	/* [aws], always the first, and [aws NAME] */
	struct target	targets[LIMIT_TARGETS];
	size_t		targets_count;
};

enum config_enroll { ENROLL_LOOPBACK, ENROLL_OPEN, ENROLL_TOKEN, ENROLL_CERTIFICATE, ENROLL_EITHER };
enum config_read { READ_LOOPBACK, READ_OPEN, READ_TOKEN };
enum config_est { EST_TLS, EST_PLAIN, EST_NO };
enum config_client_name { CLIENT_NAME_ANY, CLIENT_NAME_SAME };

#define CONFIG_LISTEN_NONE "none"

/* All defaults, and the profile "default". */
void				config_defaults(struct config *c);

/* Reads the file over the defaults and checks it.  ERR_CONFIG names the file, the setting and what it takes. */
ERR_MUST_CHECK enum err_code	config_load(const char *path, struct config *ret, struct err *e);

/* The annotated file of a new home; malloced, the caller's.  NULL: no memory. */
char				*config_text(size_t *ret_len);

/* The characters that names of batches and profiles are made of: they stand in URLs, log lines and section heads. */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* NULL: no such profile. */
const struct profile		*config_profile(const struct config *c, const char *name);

/* 1 to LIMIT_NAME_BYTES of NAME_CHARACTERS? */
bool				config_name_is_plain(const char *name);

/* "" or "aws": [aws].  NULL: no such section.  Lent by c. */
const struct target		*config_target(const struct config *c, const char *name);

/*
 * Where a batch goes: names with commas between, as store_batch.aws has them; "" = [aws] alone.  out is lent by c.
 * ERR_CONFIG: lineca.conf has lost a section, and which.
 */
ERR_MUST_CHECK enum err_code	config_batch_targets(const struct config *c, const char *batch_aws,
				    const struct target *out[LIMIT_TARGETS], size_t *ret_count, struct err *e);

/* "127.0.0.1:8080" or "[::1]:8080" into its parts.  ERR_USAGE. */
ERR_MUST_CHECK enum err_code	config_parse_listen(const char *text, char address[CONFIG_ADDRESS_BYTES], uint16_t *ret_port,
				    struct err *e);
/* Is the numeric address one that only this machine reaches? */
bool				config_is_loopback(const char *address);

#endif
