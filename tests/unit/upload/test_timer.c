/* The next run, asked over a real message bus; who answers in systemd's name is ours. */
#include "cmocka_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "upload/timer.h"

struct bus {
	char	dir[24], address[80];
	pid_t	daemon, systemd;
};

static void
wait_for(const char *path)
{
	for (int i = 0; access(path, F_OK) != 0; i++) {
		assert_in_range(i, 0, 3000);
		(void)usleep(10000);
	}
}

static void
wait_until_reached(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	for (int i = 0; connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0; i++) {
		assert_in_range(i, 0, 3000);
		(void)usleep(10000);
	}
	(void)close(fd);
}

static int
bus_begin(void **state)
{
	struct bus *b = calloc(1, sizeof(*b));
	char conf[64], path[40];
	FILE *f;

	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/timer-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(path, sizeof(path), "%s/bus", b->dir);
	(void)snprintf(b->address, sizeof(b->address), "unix:path=%s", path);
	(void)snprintf(conf, sizeof(conf), "%s/conf", b->dir);
	f = fopen(conf, "w");
	assert_non_null(f);
	(void)fprintf(f, "<busconfig><listen>%s</listen><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
	    "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>\n", b->address);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", b->address, 1), 0);
	b->daemon = fork();
	if (b->daemon == 0) {
		(void)execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--config-file", conf, (char *)NULL);
		_exit(127);
	}
	wait_until_reached(path);
	*state = b;
	return 0;
}

static void
end(pid_t pid)
{
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static int
bus_end(void **state)
{
	static const char *const names[] = { "/bus", "/conf", "/ready", "" };
	struct bus *b = *state;
	char path[64];

	end(b->systemd);
	end(b->daemon);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", b->dir, names[i]);
		(void)remove(path);
	}
	free(b);
	return 0;
}

/* Answers as systemd does for a timer whose next run is at next_us, until it is ended. */
static void
serve(const char *path, uint64_t next_us, const char *ready)
{
	static const sd_bus_vtable timer[] = {
		SD_BUS_VTABLE_START(0),
		SD_BUS_PROPERTY("NextElapseUSecRealtime", "t", NULL, 0, 0),
		SD_BUS_VTABLE_END
	};
	sd_bus *bus = NULL;
	FILE *f;

	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, path, "org.freedesktop.systemd1.Timer", timer, &next_us) < 0 ||
	    sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0 || (f = fopen(ready, "w")) == NULL)
		_exit(1);
	(void)fclose(f);
	for (;;) {
		if (sd_bus_process(bus, NULL) == 0)
			(void)sd_bus_wait(bus, UINT64_MAX);
	}
}

static const char our_timer[] = "/org/freedesktop/systemd1/unit/lineca_2dupload_2etimer";

static void
systemd_begin(struct bus *b, const char *path, uint64_t next_us)
{
	char ready[64];

	(void)snprintf(ready, sizeof(ready), "%s/ready", b->dir);
	b->systemd = fork();
	if (b->systemd == 0)
		serve(path, next_us, ready);
	wait_for(ready);
}

static const int64_t night_us = 1795831200000000;

static void
test_on(void **state)
{
	struct bus *b = *state;

	systemd_begin(b, our_timer, (uint64_t)night_us);
	assert_int_equal(upload_timer_next_us(), night_us);
	/* kept: nobody is asked again at once */
	end(b->systemd);
	b->systemd = 0;
	assert_int_equal(upload_timer_next_us(), night_us);
}

static void
test_off(void **state)
{
	systemd_begin(*state, our_timer, 0);
	assert_int_equal(upload_timer_next_us(), 0);
}

static void
test_infinity(void **state)
{
	systemd_begin(*state, our_timer, UINT64_MAX);
	assert_int_equal(upload_timer_next_us(), 0);
}

static void
test_no_such_timer(void **state)
{
	systemd_begin(*state, "/org/freedesktop/systemd1/unit/other_2etimer", (uint64_t)night_us);
	assert_int_equal(upload_timer_next_us(), 0);
}

static void
test_no_systemd(void **state)
{
	(void)state;
	assert_int_equal(upload_timer_next_us(), 0);
}

static void
test_no_bus(void **state)
{
	struct bus *b = *state;

	end(b->daemon);
	b->daemon = 0;
	assert_int_equal(upload_timer_next_us(), 0);
}

/* Something listens there and never says a word. */
static void
test_mute_bus(void **state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct bus *b = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t begin_us;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/ready", b->dir);
	assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 8), 0);
	(void)snprintf(b->address, sizeof(b->address), "unix:path=%s/ready", b->dir);
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", b->address, 1), 0);
	begin_us = clock_monotonic_us();
	assert_int_equal(upload_timer_next_us(), 0);
	/* sd-bus alone would wait for 90 seconds */
	assert_in_range(clock_monotonic_us() - begin_us, 50000, 30 * 1000000);
	assert_int_equal(upload_timer_next_us(), 0);
	(void)close(fd);
}

/* What was asked is kept: each test is a process of its own. */
static int
run_apart(const struct CMUnitTest *test)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		exit(_cmocka_run_group_tests(test->name, test, 1, NULL, NULL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_on, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_off, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_infinity, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_no_such_timer, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_no_systemd, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_no_bus, bus_begin, bus_end),
		cmocka_unit_test_setup_teardown(test_mute_bus, bus_begin, bus_end),
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		failed += run_apart(&tests[i]);
	return failed;
}
