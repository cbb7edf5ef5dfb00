/* Queues of tasks, items, and when a certificate is settled. */
#include "cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "upload/task.h"

static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };

static struct store_certificate
certificate(void)
{
	struct store_certificate c = { .der = der, .der_len = sizeof(der), .device_id = "SN1", .batch_name = "lot-1" };

	for (int i = 0; i < STORE_SERIAL_BYTES; i++)
		c.serial[i] = (uint8_t)(0x10 + i);
	for (int i = 0; i < STORE_HASH_BYTES; i++)
		c.certificate_id[i] = (uint8_t)(0xe0 + i);
	return c;
}

static struct item *
item(size_t tasks)
{
	struct store_certificate c = certificate();
	struct item *i;
	struct err e;

	assert_int_equal(item_new(&c, tasks, &i, &e), ERR_OK);
	return i;
}

static void
test_queue(void **state)
{
	struct task tasks[100] = { 0 };
	struct task_queue q = { 0 };

	(void)state;
	assert_null(task_pop(&q));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 100; i++) {
			tasks[i].next = &tasks[99];	/* what another queue left there */
			task_push(&q, &tasks[i]);
			assert_int_equal(q.count, i + 1);
		}
		/* one goes to the end and comes last */
		task_push(&q, task_pop(&q));
		for (size_t i = 1; i < 101; i++) {
			struct task *t = task_pop(&q);

			assert_ptr_equal(t, &tasks[i % 100]);
			assert_null(t->next);
			assert_int_equal(q.count, 100 - i);
		}
		assert_null(task_pop(&q));
		assert_int_equal(q.count, 0);
		assert_null(q.first);
		assert_null(q.last);
	}
}

static void
test_item(void **state)
{
	struct item *i = item(3);

	(void)state;
	assert_string_equal(i->serial, "101112131415161718191a1b1c1d1e1f");
	assert_int_equal(strncmp(i->certificate_id, "e0e1e2e3", 8), 0);
	assert_int_equal(strlen(i->certificate_id), 64);
	assert_string_equal(i->pem, "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n");
	assert_null(i->certificate.der);
	assert_string_equal(i->values.device_id, "SN1");
	assert_string_equal(i->values.batch, "lot-1");
	assert_ptr_equal(i->values.serial, i->serial);
	assert_int_equal(i->tasks_count, 3);
	assert_int_equal(i->open, 3);
	for (size_t n = 0; n < 3; n++) {
		assert_ptr_equal(i->tasks[n].item, i);
		assert_int_equal(i->tasks[n].end, TASK_OPEN);
	}
	item_free(i);
	item_free(NULL);
}

/* Registered when all are done, parked when all ended and one is parked, queued while one may still go: all 64 of three targets. */
static void
test_settled(void **state)
{
	static const enum task_end ends[] = { TASK_OPEN, TASK_DONE, TASK_PARKED, TASK_LEFT };
	struct item *i = item(3);

	(void)state;
	for (int n = 0; n < 64; n++) {
		bool waits = false, parked = false;

		for (int t = 0; t < 3; t++) {
			i->tasks[t].end = ends[n >> (2 * t) & 3];
			waits = waits || i->tasks[t].end == TASK_OPEN || i->tasks[t].end == TASK_LEFT;
			parked = parked || i->tasks[t].end == TASK_PARKED;
		}
		assert_int_equal(item_settled(i), waits ? -1 : parked ? CERTIFICATE_PARKED : CERTIFICATE_REGISTERED);
	}
	item_free(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue), cmocka_unit_test(test_item), cmocka_unit_test(test_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
