#include "cmd_who.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

void
cmd_who(struct store_who *ret, char actor[STORE_ACTOR_BYTES + 1])
{
	uid_t uid = getuid();
	/* root alone is believed: anybody can set a variable */
	const char *name = uid == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *pw;

	if ((name == NULL || *name == '\0') && (pw = getpwuid(uid)) != NULL)
		name = pw->pw_name;
	if (name != NULL && *name != '\0')
		(void)snprintf(actor, STORE_ACTOR_BYTES + 1, "cli:%s", name);
	else
		(void)snprintf(actor, STORE_ACTOR_BYTES + 1, "cli:%lu", (unsigned long)uid);
	*ret = (struct store_who){ .actor = actor, .address = "", .reason = "", .at_us = clock_system.now_us(&clock_system) };
}
