#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"

struct command {
	const char	*noun, *verb;	/* verb NULL: the noun alone */
	enum err_code	(*run)(struct cmd *, struct err *);
	const char	*usage;
	const char	*summary;
	const char	*help;
};

static const struct command commands[] = {
	{ "init", NULL, cmd_init, "init [--ca-name NAME] [--key p256|p384|rsa2048|rsa3072|rsa4096] [--days N]",
	    "make a home: settings, ledger, issuing CA",
	    "Makes the home directory with lineca.conf, the ledger and a self-signed issuing CA\n"
	    "(P-256, 3650 days unless said otherwise). Never touches a home that exists.\n" },
	{ "serve", NULL, cmd_serve, "serve [--listen ADDRESS:PORT] [--listen-tls ADDRESS:PORT]",
	    "run the line server",
	    "Runs the line server in the foreground until SIGTERM or SIGINT; then it finishes what it\n"
	    "holds and exits 0. Port 0 picks a free one. It prints \"listening on http://...\" once it\n"
	    "answers (and https:// where [tls] listens); its log goes to standard error. On an address that other\n"
	    "machines reach it starts only when [server] enroll in lineca.conf says who may enroll. SIGHUP reads\n"
	    "the TLS certificate again.\n" },
	{ "batch", "create", cmd_batch_create,
	    "batch create NAME --quantity N [--pattern REGEX] [--devices FILE] [--profile P] [--ca CA] [--aws NAME[,NAME...]]\n"
	    "                      [--approval]",
	    "order N certificates",
	    "Makes an open batch. At most N certificates will ever be issued in it.\n"
	    "  --pattern   POSIX extended expression that the whole device id must fit\n"
	    "  --devices   only the devices of this file: one id a line, or CSV with a header that has a\n"
	    "              column device_id, device, id or cn; - reads standard input\n"
	    "  --profile   a [profile P] of lineca.conf; default\n"
	    "  --ca        the issuing CA, when there are several\n"
	    "  --aws       the sections [aws NAME] of lineca.conf whose accounts the upload registers it in,\n"
	    "              aws for [aws] itself; default: [aws]\n"
	    "  --approval  it issues nothing until somebody approves it with `lineca batch open`\n" },
	{ "batch", "list", cmd_batch_list, "batch list [--json]", "all batches", "" },
	{ "batch", "show", cmd_batch_show, "batch show NAME [--json]", "one batch", "" },
	{ "batch", "open", cmd_batch_open, "batch open NAME", "let it issue",
	    "The server notices at once. Of a batch that waits for approval this is the approval.\n" },
	{ "batch", "close", cmd_batch_close, "batch close NAME", "stop it from issuing",
	    "The server notices at once. Devices that have their certificate still get it on asking again.\n" },
	{ "batch", "quantity", cmd_batch_quantity, "batch quantity NAME N --reason TEXT", "raise an order to N certificates",
	    "An order is never made smaller: close the batch when it has issued enough. The reason is kept with\n"
	    "the change; `lineca event list` shows it.\n" },
	{ "cert", "list", cmd_cert_list, "cert list [--batch B] [--device ID] [--state S] [--since T] [--limit N] [--json]",
	    "certificates, newest first",
	    "  --state   issued, registered, parked or revoked\n"
	    "  --since   2026-11-20 or 2026-11-20T06:00:00Z\n" },
	{ "cert", "show", cmd_cert_show, "cert show SERIAL [--json]", "one certificate", "" },
	{ "cert", "export", cmd_cert_export, "cert export SERIAL [--chain]", "a certificate as PEM",
	    "  --chain   the issuing CA's certificate behind it, as the device got it\n" },
	{ "cert", "revoke", cmd_cert_revoke, "cert revoke SERIAL --reason TEXT", "revoke a certificate, for ever",
	    "The line refuses the device at once; the next `lineca upload` has AWS revoke the certificate wherever\n"
	    "it is registered. The reason is kept with it; `lineca event list` shows it. For a device that is good,\n"
	    "with another key, allow a rework on the page. Exit code 4: it is revoked already.\n" },
	{ "ca", "list", cmd_ca_list, "ca list [--json]", "the issuing CAs", "" },
	{ "ca", "show", cmd_ca_show, "ca show [NAME] [--json]", "one issuing CA, with its certificate", "" },
	{ "ca", "verification-cert", cmd_ca_verification_cert, "ca verification-cert --code C [--ca CA]",
	    "prove to AWS that the CA is ours",
	    "Issues the certificate that AWS IoT wants to see before it registers a CA: its common name is\n"
	    "the registration code of the account, it is valid for one day, and its key is thrown away.\n"
	    "Prints it as PEM. It is recorded in the ledger; a server may run meanwhile. For a line without\n"
	    "a way to AWS; where there is one, `lineca aws register-ca` does it all.\n"
	    "  --code   64 hexadecimal digits, from `lineca aws registration-code`\n"
	    "  --ca     the issuing CA, when there are several; an inactive one may be verified too\n" },
	{ "token", "create", cmd_token_create,
	    "token create NAME --role enroll|viewer|technician|admin [--batch B] [--from NETWORK] [--expires T] [--json]",
	    "give somebody or something a right",
	    "Prints a random token, once: the ledger has only its hash. Whoever shows it has the right of its role.\n"
	    "  --role      enroll: is given certificates; viewer: reads; technician: enrolls, reads, makes, opens and\n"
	    "              closes batches, puts parked certificates back, revokes certificates (for ever), allows a\n"
	    "              rework; admin: everything, also raises orders\n"
	    "  --batch     with --role enroll: good in this batch only\n"
	    "  --from      good from these addresses only: 10.1.0.0/16, fd00::/8, 10.1.2.3\n"
	    "  --expires   2026-12-31 (as that day begins, UTC), 2026-12-31T18:00:00Z, 90d or 12h\n"
	    "55 letters and digits, for a QR code or a Code 128 label; upper and lower case are the same.\n" },
	{ "token", "list", cmd_token_list, "token list [--json]", "all tokens, with their last use", "" },
	{ "token", "revoke", cmd_token_revoke, "token revoke NAME", "end a token",
	    "At once, and for ever: a revoked token does not come back, nor does its name.\n" },
	{ "tls", "create", cmd_tls_create, "tls create --name HOST[,HOST...] [--days N] [--key K] [--new-key]",
	    "make the server's TLS certificate",
	    "Issues tls/server.pem from a small CA of this home's own, which it makes the first time: tls/ca.pem is\n"
	    "what clients are given. Prints the fingerprints to compare, and what to write into lineca.conf.\n"
	    "Again: a new certificate from the same CA, for the key that is there; a server never finds a pair that\n"
	    "does not fit. Then reload it: systemctl reload lineca, or SIGHUP.\n"
	    "  --name      names and addresses by which stations reach this server: line-1.example,10.0.0.5\n"
	    "  --days      825 unless said otherwise; never longer than the CA's 3650\n"
	    "  --key       of a new key: p256 (default), p384, rsa2048, rsa3072 or rsa4096\n"
	    "  --new-key   a new key in place of the old one: when somebody else may have that\n" },
	{ "tls", "show", cmd_tls_show, "tls show [--json]", "the server's TLS certificate and its CA, with fingerprints", "" },
	{ "aws", "check", cmd_aws_check, "aws check [--target NAME] [--json]", "is AWS ready for the upload?",
	    "Looks at credentials, account, clock, endpoint, CA, policies and permissions, one line each with\n"
	    "what to do, for [aws] and every [aws NAME] of lineca.conf. Changes nothing. Exit 0: all is well.\n" },
	{ "aws", "register-ca", cmd_aws_register_ca,
	    "aws register-ca [--ca CA] [--inactive] [--auto-registration] [--sni-only] [--target NAME]\n"
	    "                      [--ca-cert F --verification-cert F [--account ID]]",
	    "make the issuing CA known to AWS IoT",
	    "Proves to AWS IoT that the CA is ours and registers it, active. Again changes nothing.\n"
	    "  --inactive            registered, but takes no certificates until `aws activate-ca`\n"
	    "  --auto-registration   devices may register themselves at their first connection (JITR, JITP)\n"
	    "  --sni-only            for several accounts; needs no proof, and devices that send SNI\n"
	    "A plant with no line out does it in three steps on two machines:\n"
	    "  online       lineca aws registration-code\n"
	    "  on the line  lineca ca verification-cert --code CODE >proof.pem; lineca ca show >ca.pem\n"
	    "  online       lineca aws register-ca --ca-cert ca.pem --verification-cert proof.pem\n"
	    "The online machine needs no home: AWS_REGION and --account say where.\n" },
	{ "aws", "registration-code", cmd_aws_registration_code, "aws registration-code [--target NAME] [--account ID]",
	    "the account's code, for `ca verification-cert`", "" },
	{ "aws", "cas", cmd_aws_cas, "aws cas [--target NAME] [--json]", "our CAs as AWS has them, with counts", "" },
	{ "aws", "activate-ca", cmd_aws_activate_ca, "aws activate-ca [CA] [--target NAME]", "let AWS take certificates of a CA", "" },
	{ "aws", "deactivate-ca", cmd_aws_deactivate_ca, "aws deactivate-ca [CA] [--target NAME]",
	    "let AWS take no more certificates of a CA", "Device certificates that are registered stay as they are.\n" },
	{ "event", "list", cmd_event_list, "event list [--limit N] [--json]", "what people have changed, newest first",
	    "Batches made, opened, closed and raised, tokens, parked certificates sent back: when, who and why.\n"
	    "  --limit   at most so many; 100\n" },
	{ "backup", NULL, cmd_backup, "backup FILE", "copy the ledger, while the line runs",
	    "FILE is a new file, best on another disk: never over an old one. It is read again and checked before it\n"
	    "has its name. The page's health view shows when the last one was made. Settings and keys are not in it.\n"
	    "Going back to one undoes what was done since: certificates, revocations, revoked tokens. README,\n"
	    "\"Operate it\", has the steps.\n" },
	{ "upload", "status", cmd_upload_status, "upload status [--json]", "the queue, the last run, why rows are parked", "" },
	{ "upload", "retry", cmd_upload_retry, "upload retry [--batch B | --serial S]", "parked certificates back into the queue", "" },
	{ "upload", NULL, cmd_upload, "upload [--dry-run] [--batch B] [--limit N] [--deadline T] [--report PREFIX]",
	    "the nightly job: register what is queued",
	    "Has AWS IoT revoke what was revoked here, then registers every queued certificate, as [aws] in\n"
	    "lineca.conf says, and stops. It can be stopped and started anywhere. `upload status` shows the queue,\n"
	    "`upload retry` takes parked rows back.\n"
	    "  --dry-run    asks AWS what the upload would meet and says what it would do; changes nothing\n"
	    "  --limit      at most so many certificates\n"
	    "  --deadline   06:00 (the next time it is that late here) or 2026-11-20T06:00:00Z: stops cleanly\n"
	    "  --report     PREFIX.csv and PREFIX.jsonl instead of files in the home's reports/\n"
	    "Exit codes: 0 all done; 3 done in part: some are parked, wait for a CA, or the deadline came;\n"
	    "1, 4, 5 it could not go on, and why.\n" },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* The interface's exit codes.  No default: a new code must be thought of here. */
static int
exit_code(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_CONFLICT:
	case ERR_BATCH_CLOSED:
	case ERR_BATCH_WAITING:
	case ERR_BATCH_FULL:
	case ERR_DEVICE_EXISTS:
	case ERR_KEY_REUSED:
		return 4;
	case ERR_PERMISSION:
	case ERR_UNAUTHORIZED:
	case ERR_FORBIDDEN:
		return 5;
	case ERR_BAD_REQUEST:
	case ERR_CSR_MALFORMED:
	case ERR_CSR_SIGNATURE:
	case ERR_PRIVATE_KEY:
	case ERR_KEY:
	case ERR_SUBJECT:
	case ERR_MEDIA_TYPE:
	case ERR_TOO_LARGE:
	case ERR_METHOD:
	case ERR_NOT_FOUND:
	case ERR_TOO_MANY:
	case ERR_BATCH_NOT_FOUND:
	case ERR_BATCH_AMBIGUOUS:
	case ERR_DEVICE_NOT_LISTED:
	case ERR_BUSY:
	case ERR_STORAGE:
	case ERR_CLOCK:
	case ERR_DRAINING:
	case ERR_DISK_LOW:
	case ERR_CA_EXPIRED:
	case ERR_CONFIG:
	case ERR_IO:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		break;
	}
	return 1;
}

static void
print_usage(FILE *f)
{
	(void)fprintf(f, "lineca %s: an offline line server that issues device certificates\n\n"
	    "usage: lineca [--home DIR] COMMAND [ARGUMENTS]\n\n", LINECA_VERSION);
	for (size_t i = 0; i < COMMANDS; i++)
		(void)fprintf(f, "  %-6s %-17s %s\n", commands[i].noun, commands[i].verb != NULL ? commands[i].verb : "",
		    commands[i].summary);
	(void)fprintf(f, "  %-24s %s\n  %-24s %s\n\n", "help", "this, or `help COMMAND`", "version", "the version of this program");
	(void)fprintf(f, "The home is --home DIR, else $LINECA_HOME, else %s.\n"
	    "Listings take --json: one object a line. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
	    "3 done in part, 4 refused because of the present state, 5 not permitted.\n", HOME_DEFAULT);
}

/* The command that argv begins with; *ret_words is how many words it has.  NULL: none. */
static const struct command *
find_command(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (argc < 1 || strcmp(argv[0], c->noun) != 0)
			continue;
		if (c->verb != NULL && (argc < 2 || strcmp(argv[1], c->verb) != 0))
			continue;
		*ret_words = c->verb != NULL ? 2 : 1;
		return c;
	}
	return NULL;
}

static int
unknown_command(int argc, char **argv)
{
	bool noun = false;

	for (size_t i = 0; i < COMMANDS; i++)
		noun = noun || (argc > 0 && strcmp(argv[0], commands[i].noun) == 0);
	if (argc == 0) {
		print_usage(stderr);
		return 2;
	}
	(void)fprintf(stderr, "lineca: there is no command \"%s%s%s\"", argv[0], noun && argc > 1 ? " " : "",
	    noun && argc > 1 ? argv[1] : "");
	if (noun) {
		(void)fprintf(stderr, "; %s has:", argv[0]);
		for (size_t i = 0; i < COMMANDS; i++)
			if (strcmp(argv[0], commands[i].noun) == 0)
				(void)fprintf(stderr, " %s", commands[i].verb);
	}
	(void)fprintf(stderr, "\nlineca help lists the commands.\n");
	return 2;
}

static int
help(int argc, char **argv)
{
	const struct command *c;
	bool any = false;
	int words;

	if (argc == 0 || strcmp(argv[0], "help") == 0 || strcmp(argv[0], "version") == 0) {
		print_usage(stdout);
		return 0;
	}
	if ((c = find_command(argc, argv, &words)) != NULL) {
		(void)printf("usage: lineca [--home DIR] %s\n\n%s%s", c->usage, c->help, c->help[0] == '\0' ? c->summary : "");
		(void)printf("%s", c->help[0] == '\0' ? "\n" : "");
		return 0;
	}
	/* `help batch`: all of its verbs */
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].noun, argv[0]) != 0)
			continue;
		(void)printf("lineca %s\n    %s\n", commands[i].usage, commands[i].summary);
		any = true;
	}
	return any ? 0 : unknown_command(argc, argv);
}

/* The text may quote a file or a command line: no control character of theirs reaches the terminal. */
static void
print_error(const struct err *e)
{
	(void)fputs("lineca: ", stderr);
	for (const char *p = e->log_text; *p != '\0'; p++)
		(void)fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stderr);
	(void)fputc('\n', stderr);
}

static int
run(const struct command *command, struct cmd *c)
{
	struct err e;

	err_clear(&e);
	if (command->run(c, &e) == ERR_OK) {
		/* a full disk shows when the buffer is written */
		if (fflush(stdout) == 0)
			return c->in_part ? 3 : 0;
		(void)err_set(&e, ERR_IO, "standard output could not be written");
	}
	print_error(&e);
	if (e.code == ERR_USAGE)
		(void)fprintf(stderr, "usage: lineca %s\n", command->usage);
	return exit_code(e.code);
}

/* "--home DIR" or "--home=DIR" before the command; how many words it took, -1: no DIR. */
static int
take_home(int argc, char **argv, const char **home)
{
	if (argc > 0 && strncmp(argv[0], "--home=", 7) == 0) {
		*home = argv[0] + 7;
		return 1;
	}
	if (argc == 0 || strcmp(argv[0], "--home") != 0)
		return 0;
	if (argc < 2)
		return -1;
	*home = argv[1];
	return 2;
}

int
main(int argc, char **argv)
{
	const char *home = getenv("LINECA_HOME");
	const struct command *command;
	struct cmd c;
	int taken, words;

	(void)umask(077);	/* whatever this program makes is nobody else's */
	if (home == NULL || *home == '\0')
		home = HOME_DEFAULT;
	argc--;
	argv++;
	if ((taken = take_home(argc, argv, &home)) < 0) {
		(void)fprintf(stderr, "lineca: --home needs a directory\n");
		return 2;
	}
	argc -= taken;
	argv += taken;
	if (argc > 0 && (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
		return help(argc - 1, argv + 1);
	if (argc == 1 && (strcmp(argv[0], "version") == 0 || strcmp(argv[0], "--version") == 0)) {
		(void)printf("lineca %s\n", LINECA_VERSION);
		return 0;
	}
	if ((command = find_command(argc, argv, &words)) == NULL)
		return unknown_command(argc, argv);
	if (argc > words && strcmp(argv[words], "--help") == 0)
		return help(argc, argv);
	c = (struct cmd){ .home = home, .argc = argc - words + 1, .argv = argv + words - 1 };
	return run(command, &c);
}
