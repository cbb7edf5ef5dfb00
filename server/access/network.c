#include "access/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum {
	V4_BYTES = 4,
	V6_BYTES = 16,
	ADDRESS_TEXT_BYTES = INET6_ADDRSTRLEN	/* with its NUL */
};

/* RFC 4291 2.5.5.2: how a socket for both families shows an IPv4 address */
static const uint8_t mapped_prefix[V6_BYTES - V4_BYTES] = { [10] = 0xff, [11] = 0xff };

struct network {
	int	family;			/* AF_INET, AF_INET6 */
	uint8_t	address[V6_BYTES];	/* the first 4 of them for AF_INET */
	int64_t	bits;
};

static int64_t
family_bits(int family)
{
	return 8 * (family == AF_INET ? V4_BYTES : V6_BYTES);
}

static bool
is_mapped(const struct network *n)
{
	return n->family == AF_INET6 && memcmp(n->address, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

/* A numeric address of either family, as the network of it alone. */
static bool
read_address(const char *text, struct network *ret)
{
	struct network n = { .family = strchr(text, ':') == NULL ? AF_INET : AF_INET6 };

	if (inet_pton(n.family, text, n.address) != 1)
		return false;
	n.bits = family_bits(n.family);
	*ret = n;
	return true;
}

/* A mapped IPv4 address or network is the IPv4 one: the same machine, whichever socket it reached. */
static void
unmap(struct network *n)
{
	const int64_t prefix_bits = 8 * (int64_t)sizeof(mapped_prefix);

	if (!is_mapped(n) || n->bits < prefix_bits)
		return;
	memcpy(n->address, n->address + sizeof(mapped_prefix), V4_BYTES);
	memset(n->address + V4_BYTES, 0, V6_BYTES - V4_BYTES);
	n->family = AF_INET;
	n->bits -= prefix_bits;
}

static uint8_t
byte_mask(int64_t bits, size_t i)
{
	int64_t left = bits - 8 * (int64_t)i;

	if (left >= 8)
		return 0xff;
	return left <= 0 ? 0 : (uint8_t)(0xff00 >> left);
}

/* Clears the bits behind the length.  Was one of them set? */
static bool
clear_rest(struct network *n)
{
	bool any = false;

	for (size_t i = 0; i < V6_BYTES; i++) {
		uint8_t mask = byte_mask(n->bits, i);

		any = any || (n->address[i] & ~mask) != 0;
		n->address[i] &= mask;
	}
	return any;
}

/* Digits, and no zero before them. */
static bool
read_length(const char *text, int64_t max, int64_t *ret)
{
	if (text[0] == '-' || (text[0] == '0' && text[1] != '\0'))
		return false;
	return number_parse(text, 0, max, ret);
}

static enum err_code
write_network(const struct network *n, char out[LIMIT_NETWORK_BYTES + 1], struct err *e)
{
	char address[ADDRESS_TEXT_BYTES];
	int len;

	if (inet_ntop(n->family, n->address, address, sizeof(address)) == NULL)
		return err_set(e, ERR_INTERNAL, "inet_ntop");
	len = snprintf(out, LIMIT_NETWORK_BYTES + 1, "%s/%d", address, (int)n->bits);
	if (len < 0 || len > LIMIT_NETWORK_BYTES)
		return err_set(e, ERR_INTERNAL, "a network of %d characters", len);
	return ERR_OK;
}

static enum err_code
read_network(const char *text, struct network *ret, struct err *e)
{
	char address[ADDRESS_TEXT_BYTES], cleared[LIMIT_NETWORK_BYTES + 1];
	size_t len = strcspn(text, "/");
	struct network n;
	enum err_code rc;

	if (len >= sizeof(address))
		return err_say(e, ERR_USAGE, "\"%.60s\" is no network: write one as 10.1.0.0/16, fd00::/8, or one address", text);
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, &n))
		return err_say(e, ERR_USAGE, "\"%.60s\" is no network: write one as 10.1.0.0/16, fd00::/8, or one address", text);
	if (text[len] == '/' && !read_length(text + len + 1, family_bits(n.family), &n.bits))
		return err_say(e, ERR_USAGE, "%.60s: behind the / a length from 0 to %d is needed", text, (int)family_bits(n.family));
	unmap(&n);
	if (clear_rest(&n)) {
		if ((rc = write_network(&n, cleared, e)) != ERR_OK)
			return rc;
		return err_say(e, ERR_USAGE, "%.60s: the address has bits behind the length; is %s meant, or the one address without a length?",
		    text, cleared);
	}
	*ret = n;
	return ERR_OK;
}

enum err_code
network_parse(const char *text, char out[LIMIT_NETWORK_BYTES + 1], struct err *e)
{
	char written[LIMIT_NETWORK_BYTES + 1];
	struct network n;
	enum err_code rc;

	if ((rc = read_network(text, &n, e)) != ERR_OK || (rc = write_network(&n, written, e)) != ERR_OK)
		return rc;
	memcpy(out, written, sizeof(written));
	return ERR_OK;
}

bool
network_contains(const char *network, const char *address)
{
	char numeric[ADDRESS_TEXT_BYTES];
	size_t len = strcspn(address, "%");	/* fe80::1%eth0: the zone is this machine's affair (RFC 4007 11) */
	struct network n, a;

	if (len >= sizeof(numeric))
		return false;
	memcpy(numeric, address, len);
	numeric[len] = '\0';
	if (read_network(network, &n, NULL) != ERR_OK || !read_address(numeric, &a))
		return false;
	unmap(&a);
	if (a.family != n.family)
		return false;
	a.bits = n.bits;
	(void)clear_rest(&a);
	return memcmp(a.address, n.address, (size_t)family_bits(n.family) / 8) == 0;
}
