#include "aws/credential_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/words.h"
#include "base/clock.h"

enum { LOOK_MS = 10 };	/* how often its end is looked for */

static const struct credential_json shape = { .token_name = "SessionToken", .version = true };

struct process {
	pid_t	 pid;		/* 0: none; also its process group */
	int	 fd;		/* its stdout; -1: none any more */
	int64_t	 until_us;	/* on the monotonic clock */
	const struct credential_wait *wait;
	char	*out;		/* CREDENTIAL_PROCESS_BYTES + 1 */
	size_t	 len;
};

/* ---- start */

/* /dev/null as stdin, the pipe as stdout, our stderr, and nothing else that is open here. */
static bool
fill_actions(posix_spawn_file_actions_t *actions, int pipe_end)
{
	return posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(actions, pipe_end, 1) == 0 &&
	    posix_spawn_file_actions_addclosefrom_np(actions, 3) == 0;
}

/* Its own process group, so that all of it can be killed; signals as a program expects them. */
static bool
fill_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
	    posix_spawnattr_setpgroup(attributes, 0) == 0 && posix_spawnattr_setsigmask(attributes, &none) == 0 &&
	    posix_spawnattr_setsigdefault(attributes, &all) == 0;
}

/* 0, or what went wrong as an errno. */
static int
spawn(char **words, int pipe_end, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = ENOMEM;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return rc;
	if (posix_spawnattr_init(&attributes) == 0) {
		if (fill_actions(&actions, pipe_end) && fill_attributes(&attributes))
			rc = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static enum err_code
start(struct process *p, char **words, struct err *e)
{
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_set(e, ERR_IO, "credential_process: pipe: %s", strerror(errno));
	p->fd = ends[0];
	/* our end alone: what it writes to waits as usual */
	rc = fcntl(p->fd, F_SETFL, O_NONBLOCK) == -1 ? errno : spawn(words, ends[1], &p->pid);
	(void)close(ends[1]);
	if (rc != 0) {
		p->pid = 0;
		/* the name is the first word: not the arguments, which may hold a secret */
		return err_set(e, ERR_CONFIG, "credential_process: cannot start %.100s: %s", words[0], strerror(rc));
	}
	return ERR_OK;
}

/* ---- run */

static int
left_ms(const struct process *p)
{
	int64_t left_us = p->until_us - clock_monotonic_us();

	return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

static enum err_code
too_slow(const struct process *p, struct err *e)
{
	return err_set(e, ERR_CONFIG, "credential_process did not end within %d s and was killed; run the command by hand to see "
	    "what it waits for", (p->wait->limit_ms + 999) / 1000);
}

/* All that is there now.  A pipe that is at its end is no reason to wait for it any more. */
static enum err_code
read_some(struct process *p, struct err *e)
{
	while (p->fd != -1) {
		ssize_t n = read(p->fd, p->out + p->len, CREDENTIAL_PROCESS_BYTES + 1 - p->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return ERR_OK;
		if (n < 0)
			return err_set(e, ERR_IO, "credential_process: read: %s", strerror(errno));
		if (n == 0) {
			(void)close(p->fd);
			p->fd = -1;
		}
		p->len += (size_t)n;
		if (p->len > CREDENTIAL_PROCESS_BYTES)
			return err_set(e, ERR_CONFIG, "credential_process wrote more than %d bytes", CREDENTIAL_PROCESS_BYTES);
	}
	return ERR_OK;
}

/* Is it over?  It stays a zombie, so that its number goes on to be that of its process group. */
static enum err_code
look(const struct process *p, siginfo_t *ret, struct err *e)
{
	*ret = (siginfo_t){ 0 };
	while (waitid(P_PID, (id_t)p->pid, ret, WEXITED | WNOHANG | WNOWAIT) == -1)
		if (errno != EINTR)
			return err_set(e, ERR_IO, "credential_process: wait: %s", strerror(errno));
	return ERR_OK;
}

static enum err_code
judge(const siginfo_t *end, struct err *e)
{
	if (end->si_code != CLD_EXITED)
		return err_set(e, ERR_CONFIG, "credential_process was ended by signal %d", end->si_status);
	if (end->si_status != 0)
		return err_set(e, ERR_CONFIG, "credential_process ended with exit code %d; run the command by hand to see why",
		    end->si_status);
	return ERR_OK;
}

/* Until its end, which is also that of its output: what it left running may keep the pipe, and closing the pipe is no end. */
static enum err_code
run_to_end(struct process *p, struct err *e)
{
	siginfo_t end;
	enum err_code rc;

	for (;;) {
		struct pollfd fd = { .fd = p->fd, .events = POLLIN };	/* -1 is passed over */
		int left = left_ms(p);

		/* in this order: what it wrote before its end is in the pipe */
		if ((rc = look(p, &end, e)) != ERR_OK || (rc = read_some(p, e)) != ERR_OK)
			return rc;
		if (end.si_pid == p->pid)
			return judge(&end, e);
		if (credential_stopped(p->wait, e))
			return ERR_DRAINING;
		if (left == 0)
			return too_slow(p, e);
		(void)poll(&fd, 1, left < LOOK_MS ? left : LOOK_MS);
	}
}

/* ---- end */

static void
process_done(struct process *p)
{
	if (p->pid != 0) {
		(void)kill(-p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	if (p->fd != -1)
		(void)close(p->fd);
	if (p->out != NULL)
		OPENSSL_cleanse(p->out, CREDENTIAL_PROCESS_BYTES + 1);
	free(p->out);
}

enum err_code
credential_process_run(const char *command, const struct credential_wait *w, struct aws_credentials *ret, struct err *e)
{
	struct process p = { .fd = -1, .until_us = clock_monotonic_us() + (int64_t)w->limit_ms * 1000, .wait = w };
	char *copy = NULL, **words = NULL;
	enum err_code rc;

	if ((copy = strdup(command)) == NULL || (p.out = malloc(CREDENTIAL_PROCESS_BYTES + 1)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "credential_process: no memory");
		goto out;
	}
	if ((rc = words_split(copy, &words, e)) != ERR_OK) {
		rc = err_set(e, rc, "credential_process: a quote without its fellow, a backslash at the end, or no memory");
		goto out;
	}
	if (words[0] == NULL || words[0][0] == '\0') {
		rc = err_set(e, ERR_CONFIG, "credential_process is empty");
		goto out;
	}
	if ((rc = start(&p, words, e)) == ERR_OK && (rc = run_to_end(&p, e)) == ERR_OK)
		rc = credentials_from_json(ret, &shape, p.out, p.len, e);
out:
	process_done(&p);
	free(words);
	if (copy != NULL)
		OPENSSL_cleanse(copy, strlen(command));
	free(copy);
	return rc;
}
