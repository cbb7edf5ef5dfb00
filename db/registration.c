#include "db/registration.h"

const char *
registration_state_name(enum registration_state s)
{
	static const char *const	names[] = {
		[REGISTRATION_GOING] = "going",
		[REGISTRATION_DONE] = "done",
		[REGISTRATION_PARKED] = "parked",
	};

	return names[s];
}
