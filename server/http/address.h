/* How many connections each address has: IPv4 addresses, and IPv6 networks of 64 bits, which is what one machine is given.  Any thread. */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct addresses;

ERR_MUST_CHECK enum err_code	addresses_new(struct addresses **ret, struct err *e);
void				addresses_free(struct addresses *a);	/* takes NULL */

/* What counts as one address: IPv4 as IPv4-mapped IPv6, however it came; of IPv6 the network. */
void				address_key(const struct sockaddr_storage *address, uint8_t key[16]);

/* Counts one more.  False: it has limit already (0: no limit), or there is no memory, and nothing was counted. */
bool				addresses_take(struct addresses *a, const struct sockaddr_storage *address, unsigned limit);
void				addresses_give(struct addresses *a, const struct sockaddr_storage *address);

#endif
