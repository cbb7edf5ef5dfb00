/* Who works at the command line, as the ledger writes it down with every change. */
#ifndef SERVER_CMD_WHO_H
#define SERVER_CMD_WHO_H

#include "db/store.h"

/*
 * "cli:USER": the account this process runs for; with sudo(8) who called it.  An account without a name goes by its number.  No address, no
 * reason, now.  actor is the caller's, and ret points to it.
 */
void	cmd_who(struct store_who *ret, char actor[STORE_ACTOR_BYTES + 1]);

#endif
