/* The watch: what it wakes, what it cuts, what it closes, and when. */
#include "cmocka_test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/watch.h"

enum {
	MS = 1000,
	PATIENCE_MS = 10000,		/* what comes at all comes before */
	HOLDS = 200,
	THREADS = 4
};

#define HOUR_US	(INT64_C(3600) * 1000 * MS)
#define TELL	"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"

/* ---- holds */

struct held {
	struct watch_hold	 hold;		/* first: wake is given it */
	int64_t			 due_us;	/* the hold's own, before it was freed */
	int64_t			 woken_us;
	int			 again;		/* how often it holds itself once more */
};

static struct watch *watch;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct held woken[4 * HOLDS];
static int woken_count;

static void
note(struct watch_hold *hold)
{
	struct held *h = (struct held *)(void *)hold;
	bool again = h->again-- > 0;

	(void)pthread_mutex_lock(&mu);
	woken[woken_count] = *h;
	woken[woken_count].due_us = hold->due_us;
	woken[woken_count++].woken_us = clock_monotonic_us();
	(void)pthread_cond_signal(&cond);
	(void)pthread_mutex_unlock(&mu);
	if (again)
		watch_hold(watch, hold, HOUR_US);
	else
		free(h);	/* as the contract says: it may be gone when wake returns */
}

static struct held *
held_new(void)
{
	struct held *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	h->hold.wake = note;
	return h;
}

/* Until so many were woken; false: they were not. */
static bool
wait_woken(int n)
{
	int64_t until_us = clock_monotonic_us() + (int64_t)PATIENCE_MS * MS;
	bool there;

	for (;;) {
		(void)pthread_mutex_lock(&mu);
		there = woken_count >= n;
		(void)pthread_mutex_unlock(&mu);
		if (there || clock_monotonic_us() > until_us)
			return there;
		(void)poll(NULL, 0, 1);
	}
}

static int
setup_telling(void **state)
{
	struct err e;

	(void)state;
	woken_count = 0;
	assert_int_equal(watch_start(TELL, &watch, &e), ERR_OK);
	return 0;
}

static int
setup_silent(void **state)
{
	struct err e;

	(void)state;
	woken_count = 0;
	assert_int_equal(watch_start(NULL, &watch, &e), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	watch_stop(watch);
	watch = NULL;
	return 0;
}

static void
test_order(void **state)
{
	unsigned seed = 4711;

	(void)state;
	for (int i = 0; i < HOLDS; i++) {
		seed = seed * 1664525 + 1013904223;
		watch_hold(watch, &held_new()->hold, (int64_t)(200 + (seed >> 8) % 500) * MS);
	}
	assert_true(wait_woken(HOLDS));
	for (int i = 0; i < HOLDS; i++) {
		assert_true(woken[i].woken_us >= woken[i].due_us);
		assert_true(i == 0 || woken[i].due_us >= woken[i - 1].due_us);
	}
}

/* Of the same moment, which many of these are, the first comes first. */
static void
test_order_of_equals(void **state)
{
	struct held *h[50];

	(void)state;
	for (int i = 0; i < 50; i++) {
		h[i] = held_new();
		h[i]->again = -i;	/* its number: never again */
		watch_hold(watch, &h[i]->hold, (int64_t)300 * MS);
	}
	assert_true(wait_woken(50));
	for (int i = 0; i < 50; i++)
		assert_int_equal(woken[i].again, -i - 1);
}

/* A hold that is due before the next look at the connections does not wait for it, nor behind one that is due in an hour. */
static void
test_in_time(void **state)
{
	int in_time = 0;

	(void)state;
	watch_hold(watch, &held_new()->hold, HOUR_US);
	for (int i = 0; i < 20; i++) {
		watch_hold(watch, &held_new()->hold, (int64_t)10 * MS);
		assert_true(wait_woken(i + 1));
		in_time += woken[i].woken_us - woken[i].due_us < (int64_t)100 * MS;
	}
	/* a machine that is busy may be late, not always */
	assert_true(in_time >= 15);
	watch_release_all(watch);
	assert_true(wait_woken(21));
}

static void
test_release_all(void **state)
{
	int64_t begin_us = clock_monotonic_us();
	struct held *h = held_new();

	(void)state;
	for (int i = 0; i < HOLDS; i++)
		watch_hold(watch, &held_new()->hold, (i % 10 + 1) * HOUR_US);
	(void)poll(NULL, 0, 50);
	(void)pthread_mutex_lock(&mu);
	assert_int_equal(woken_count, 0);
	(void)pthread_mutex_unlock(&mu);
	watch_release_all(watch);
	assert_true(wait_woken(HOLDS));
	for (int i = 1; i < HOLDS; i++)
		assert_true(woken[i].due_us >= woken[i - 1].due_us);
	/* and from now on: one from here, one that holds itself again while it is woken */
	watch_hold(watch, &held_new()->hold, HOUR_US);
	assert_true(wait_woken(HOLDS + 1));
	h->again = 5;
	watch_hold(watch, &h->hold, HOUR_US);
	assert_true(wait_woken(HOLDS + 7));
	assert_true(clock_monotonic_us() - begin_us < HOUR_US);
	watch_release_all(watch);	/* twice does no harm */
}

static void *
holder_main(void *arg)
{
	(void)arg;
	for (int i = 0; i < HOLDS / 2; i++) {
		struct held *h = calloc(1, sizeof(*h));

		if (h == NULL)
			return NULL;
		h->hold.wake = note;
		watch_hold(watch, &h->hold, i % 2 ? HOUR_US : (int64_t)(i % 7) * MS);
	}
	return NULL;
}

/* Holds from all sides, and the end of the server in the midst of them: each is woken once. */
static void
test_release_all_beside_holds(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, holder_main, NULL), 0);
	watch_release_all(watch);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(wait_woken(THREADS * HOLDS / 2));
	(void)poll(NULL, 0, 20);
	(void)pthread_mutex_lock(&mu);
	assert_int_equal(woken_count, THREADS * HOLDS / 2);
	(void)pthread_mutex_unlock(&mu);
}

/* ---- connections */

struct wire {
	struct watch_entry	entry;		/* its fd is the server's end */
	int			client;
};

static void
wire_add(struct wire *w, int64_t ms, bool tell)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	w->entry.fd = sv[0];
	w->client = sv[1];
	atomic_init(&w->entry.deadline_us, ms < 0 ? INT64_MAX : clock_monotonic_us() + ms * MS);
	atomic_init(&w->entry.tell, tell);
	watch_add(watch, &w->entry);
}

static void
wire_end(struct wire *w)
{
	watch_remove(watch, &w->entry);
	(void)close(w->entry.fd);
	(void)close(w->client);
}

/* Does nothing stand between the ends? */
static bool
wire_works(const struct wire *w)
{
	char c = '?';

	return send(w->client, "x", 1, MSG_NOSIGNAL) == 1 && recv(w->entry.fd, &c, 1, MSG_DONTWAIT) == 1 && c == 'x' &&
	    send(w->entry.fd, "y", 1, MSG_NOSIGNAL) == 1 && recv(w->client, &c, 1, MSG_DONTWAIT) == 1 && c == 'y';
}

/* What the client is sent until the connection ends; when it began to end.  -1: it did not end. */
static int64_t
wire_read_to_end(const struct wire *w, char *text, size_t room)
{
	struct pollfd p = { .fd = w->client, .events = POLLIN };
	int64_t ended_us = -1;
	size_t len = 0;
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			return -1;
		if (ended_us == -1)
			ended_us = clock_monotonic_us();
		if ((n = recv(w->client, text + len, room - 1 - len, 0)) <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return n == 0 ? ended_us : -1;
}

/* Cut when its time is over, not before; the others are as they were. */
static void
check_cut(bool tell, const char *expected)
{
	struct wire slow, later, never, spared;
	char text[512];
	int64_t deadline_us;

	wire_add(&later, 60 * 1000, tell);
	wire_add(&slow, 500, tell);
	wire_add(&never, -1, tell);
	wire_add(&spared, 500, tell);
	deadline_us = atomic_load(&slow.entry.deadline_us);
	atomic_store(&spared.entry.deadline_us, INT64_MAX);	/* it did what it was to do */
	assert_true(wire_works(&slow));
	assert_true(wire_read_to_end(&slow, text, sizeof(text)) >= deadline_us);
	assert_string_equal(text, expected);
	/* also towards the server, which so learns of it */
	assert_int_equal(recv(slow.entry.fd, text, sizeof(text), MSG_DONTWAIT), 0);
	/* once is enough */
	assert_true(atomic_load(&slow.entry.deadline_us) == INT64_MAX);
	(void)poll(NULL, 0, 600);
	assert_true(wire_works(&later));
	assert_true(wire_works(&never));
	assert_true(wire_works(&spared));
	wire_end(&slow);
	wire_end(&spared);
	wire_end(&later);
	wire_end(&never);
}

static void
test_cut_telling(void **state)
{
	(void)state;
	check_cut(true, TELL);
}

/* A kept connection waits for no answer: what it is not asked for would be taken for the answer to its next request. */
static void
test_cut_not_waiting(void **state)
{
	(void)state;
	check_cut(false, "");
}

/* Words in the clear have no place in a TLS stream. */
static void
test_cut_tls(void **state)
{
	(void)state;
	check_cut(true, "");
}

/* A client that reads nothing does not hold the watch up: the next one is cut as well. */
static void
test_cut_full(void **state)
{
	static const char block[4096];
	struct wire full, next;
	char text[512];

	(void)state;
	wire_add(&full, -1, true);
	while (send(full.entry.fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	assert_true(errno == EAGAIN);
	atomic_store(&full.entry.deadline_us, 1);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&full.entry.deadline_us) != INT64_MAX; i++)
		(void)poll(NULL, 0, 1);
	wire_add(&next, 0, true);
	assert_true(wire_read_to_end(&next, text, sizeof(text)) >= 0);
	assert_string_equal(text, TELL);
	wire_end(&full);
	wire_end(&next);
}

/* One whose client has gone already is no reason to die of a signal. */
static void
test_cut_gone(void **state)
{
	struct wire gone;

	(void)state;
	wire_add(&gone, -1, true);
	(void)close(gone.client);
	atomic_store(&gone.entry.deadline_us, 1);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&gone.entry.deadline_us) != INT64_MAX; i++)
		(void)poll(NULL, 0, 1);
	assert_true(atomic_load(&gone.entry.deadline_us) == INT64_MAX);
	gone.client = dup(gone.entry.fd);
	wire_end(&gone);
}

static FILE *
stderr_taken(int *ret_stderr)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	(void)fflush(stderr);
	assert_true((*ret_stderr = dup(STDERR_FILENO)) >= 0);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	return f;
}

/* Those that were slow are one line in the log, together; kept ones that nobody used are none. */
static void
test_cut_log(void **state)
{
	struct wire slow[3], kept[2];
	char line[1024] = "", second[1024], text[512];
	int64_t due_us;
	int was, i;
	FILE *f;

	(void)state;
	for (i = 0; i < 3; i++)
		wire_add(&slow[i], -1, true);
	for (i = 0; i < 2; i++)
		wire_add(&kept[i], 0, false);
	f = stderr_taken(&was);
	for (i = 0; i < 2; i++)
		if (wire_read_to_end(&kept[i], text, sizeof(text)) < 0)
			break;
	/* over for all of them in one moment, so that one look finds them together */
	due_us = clock_monotonic_us() + (int64_t)200 * MS;
	for (int k = 0; k < 3; k++)
		atomic_store(&slow[k].entry.deadline_us, due_us);
	for (int k = 0; k < 3; k++)
		if (wire_read_to_end(&slow[k], text, sizeof(text)) < 0)
			i = -1;
	(void)poll(NULL, 0, 300);
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
	assert_int_equal(i, 2);		/* all were cut */
	rewind(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " slow "));
	assert_non_null(strstr(line, "3 connections cut"));
	assert_null(fgets(second, sizeof(second), f));
	(void)fclose(f);
	for (i = 0; i < 3; i++)
		wire_end(&slow[i]);
	for (i = 0; i < 2; i++)
		wire_end(&kept[i]);
}

/* From remove on the descriptor is another's: connections come and go, overdue all of them, and a new one is never cut for an old one. */
static void *
comer_main(void *arg)
{
	int64_t until_us = clock_monotonic_us() + (int64_t)1200 * MS;
	unsigned *wrong = arg;

	while (clock_monotonic_us() < until_us) {
		struct wire old, fresh;
		int sv[2];

		for (int i = 0; i < 2; i++) {
			struct wire *w = i == 0 ? &old : &fresh;

			if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0) {
				++*wrong;
				return NULL;
			}
			w->entry.fd = sv[0];
			w->client = sv[1];
			atomic_init(&w->entry.deadline_us, i == 0 ? 1 : INT64_MAX);
			atomic_init(&w->entry.tell, false);
			watch_add(watch, &w->entry);
			if (i == 0) {
				(void)sched_yield();
				watch_remove(watch, &w->entry);
				(void)close(sv[0]);
				(void)close(sv[1]);
			}
		}
		*wrong += !wire_works(&fresh);
		wire_end(&fresh);
	}
	return NULL;
}

static void
test_remove_races(void **state)
{
	pthread_t threads[THREADS];
	unsigned wrong[THREADS] = { 0 };

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, comer_main, &wrong[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(wrong[i], 0);
}

/* First, last and middle ones leave the list in any order; those that stay are still watched. */
static void
test_remove_order(void **state)
{
	struct wire w[5];
	char text[512];
	static const int leaving[] = { 4, 0, 2 };

	(void)state;
	for (int i = 0; i < 5; i++)
		wire_add(&w[i], -1, false);
	for (int i = 0; i < 3; i++)
		wire_end(&w[leaving[i]]);
	atomic_store(&w[1].entry.deadline_us, 1);
	atomic_store(&w[3].entry.deadline_us, 1);
	assert_true(wire_read_to_end(&w[1], text, sizeof(text)) >= 0);
	assert_true(wire_read_to_end(&w[3], text, sizeof(text)) >= 0);
	wire_end(&w[1]);
	wire_end(&w[3]);
}

/* ---- turned away */

enum { AWAY = 300, AWAY_KEPT = 256 };

static bool
is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void
turn_away(int *clients, int n)
{
	for (int i = 0; i < n; i++) {
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		clients[i] = sv[1];
		watch_close_later(watch, sv[0]);
	}
}

/* Their end is put off a second; there is room for so many, and more of them are closed at once rather than not at all. */
static void
test_close_later(void **state)
{
	int clients[AWAY];
	int64_t begin_us = clock_monotonic_us();

	(void)state;
	turn_away(clients, AWAY);
	for (int i = 0; i < AWAY; i++)
		assert_int_equal(is_closed(clients[i]), i >= AWAY_KEPT);
	while (!is_closed(clients[0]) && clock_monotonic_us() - begin_us < (int64_t)PATIENCE_MS * MS)
		(void)poll(NULL, 0, 1);
	assert_in_range(clock_monotonic_us() - begin_us, 1000 * MS, PATIENCE_MS * MS);
	for (int i = 0; i < AWAY_KEPT; i++) {
		struct pollfd p = { .fd = clients[i], .events = POLLIN };

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_true(is_closed(clients[i]));
	}
	for (int i = 0; i < AWAY; i++)
		(void)close(clients[i]);
	/* there is room again, around the end of the ring */
	turn_away(clients, AWAY_KEPT + 1);
	for (int i = 0; i <= AWAY_KEPT; i++)
		assert_int_equal(is_closed(clients[i]), i == AWAY_KEPT);
	/* the end of the server is theirs, at once */
	watch_stop(watch);
	watch = NULL;
	for (int i = 0; i <= AWAY_KEPT; i++) {
		assert_true(is_closed(clients[i]));
		(void)close(clients[i]);
	}
}

static void
test_stop_at_once(void **state)
{
	int64_t begin_us = clock_monotonic_us();
	struct err e;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(watch_start(NULL, &watch, &e), ERR_OK);
		(void)poll(NULL, 0, 5);		/* by then it waits */
		watch_stop(watch);
	}
	/* not for its next look at the connections */
	assert_true(clock_monotonic_us() - begin_us < (int64_t)20 * 150 * MS);
	watch_stop(NULL);
}

#define TELLING(test)	cmocka_unit_test_setup_teardown(test, setup_telling, teardown)
#define SILENT(test)	cmocka_unit_test_setup_teardown(test, setup_silent, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SILENT(test_order), SILENT(test_order_of_equals), SILENT(test_in_time), SILENT(test_release_all),
		SILENT(test_release_all_beside_holds), TELLING(test_cut_telling), TELLING(test_cut_not_waiting), SILENT(test_cut_tls),
		TELLING(test_cut_full), TELLING(test_cut_gone), TELLING(test_cut_log), SILENT(test_remove_races), SILENT(test_remove_order),
		SILENT(test_close_later), cmocka_unit_test(test_stop_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
