/* The memory backend's own. */
#ifndef DB_MEMORY_STORE_MEMORY_H
#define DB_MEMORY_STORE_MEMORY_H

#include "db/store_internal.h"

enum err_code	memory_verification_record(struct store *s, int64_t ca_id, const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der, size_t der_len,
		    int64_t issued_at_us, struct err *e);
enum err_code	memory_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e);
enum err_code	memory_registration_record(struct store *s, const struct store_registration_row *rows, size_t n, const struct store_upload_run *run,
		    struct err *e);
enum err_code	memory_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e);
enum err_code	memory_upload_retry(struct store *s, int64_t batch_id, int64_t *ret_count, struct err *e);
enum err_code	memory_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e);
enum err_code	memory_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id, struct store_registration *ret, struct err *e);
enum err_code	memory_registration_list(struct store_reader *r, int64_t cert_id,
		    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
		    struct err *e);
enum err_code	memory_parked_reasons(struct store_reader *r, int64_t batch_id,
		    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e);
enum err_code	memory_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e);

#endif
