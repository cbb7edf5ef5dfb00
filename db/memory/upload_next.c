/* Stands in for the upload's operations until they are here. */
#include "db/memory/store_memory.h"

enum err_code
memory_verification_record(struct store *s, int64_t ca_id, const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der, size_t der_len,
    int64_t issued_at_us, struct err *e)
{
	(void)s;
	(void)ca_id;
	(void)serial;
	(void)der;
	(void)der_len;
	(void)issued_at_us;
	return err_set(e, ERR_INTERNAL, "verification_record: comes with the next commit");
}

enum err_code
memory_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e)
{
	(void)s;
	(void)account;
	(void)region;
	(void)ret_id;
	return err_set(e, ERR_INTERNAL, "target_get: comes with the next commit");
}

enum err_code
memory_registration_record(struct store *s, const struct store_registration_row *rows, size_t n, const struct store_upload_run *run,
    struct err *e)
{
	(void)s;
	(void)rows;
	(void)n;
	(void)run;
	return err_set(e, ERR_INTERNAL, "registration_record: comes with the next commit");
}

enum err_code
memory_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e)
{
	(void)s;
	(void)run;
	return err_set(e, ERR_INTERNAL, "upload_run_begin: comes with the next commit");
}

enum err_code
memory_upload_retry(struct store *s, int64_t batch_id, int64_t *ret_count, struct err *e)
{
	(void)s;
	(void)batch_id;
	(void)ret_count;
	return err_set(e, ERR_INTERNAL, "upload_retry: comes with the next commit");
}

enum err_code
memory_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	(void)r;
	(void)batch_id;
	(void)after_id;
	(void)limit;
	(void)row;
	(void)arg;
	return err_set(e, ERR_INTERNAL, "queue_page: comes with the next commit");
}

enum err_code
memory_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id, struct store_registration *ret, struct err *e)
{
	(void)r;
	(void)cert_id;
	(void)target_id;
	(void)ret;
	return err_set(e, ERR_INTERNAL, "registration_find: comes with the next commit");
}

enum err_code
memory_registration_list(struct store_reader *r, int64_t cert_id,
    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
    struct err *e)
{
	(void)r;
	(void)cert_id;
	(void)row;
	(void)arg;
	return err_set(e, ERR_INTERNAL, "registration_list: comes with the next commit");
}

enum err_code
memory_parked_reasons(struct store_reader *r, int64_t batch_id,
    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e)
{
	(void)r;
	(void)batch_id;
	(void)row;
	(void)arg;
	return err_set(e, ERR_INTERNAL, "parked_reasons: comes with the next commit");
}

enum err_code
memory_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e)
{
	(void)r;
	(void)ret;
	return err_set(e, ERR_INTERNAL, "upload_run_newest: comes with the next commit");
}
