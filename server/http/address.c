#include "http/address.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

/* One address with at least one connection. */
struct entry {
	uint8_t		 key[16];
	unsigned	 connections;
	struct entry	*next;
};

struct addresses {
	pthread_mutex_t	 mu;
	struct entry	*buckets[BUCKETS];
};

enum err_code
addresses_new(struct addresses **ret, struct err *e)
{
	struct addresses *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_set(e, ERR_NOMEM, "addresses");
	(void)pthread_mutex_init(&a->mu, NULL);
	*ret = a;
	return ERR_OK;
}

void
addresses_free(struct addresses *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (a->buckets[i] != NULL) {
			struct entry *next = a->buckets[i]->next;

			free(a->buckets[i]);
			a->buckets[i] = next;
		}
	}
	(void)pthread_mutex_destroy(&a->mu);
	free(a);
}

void
address_key(const struct sockaddr_storage *address, uint8_t key[16])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

	memset(key, 0, 16);
	if (address->ss_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &in->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		memcpy(key, &in6->sin6_addr, IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? 16 : 8);
	}
}

/* Who can choose addresses freely has a network of 2^64 of them, and that is one key: an unkeyed hash will do. */
static struct entry **
find(struct addresses *a, const uint8_t key[16])
{
	uint32_t hash = 2166136261U;
	struct entry **p;

	for (size_t i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 16777619U;
	for (p = &a->buckets[hash % BUCKETS]; *p != NULL; p = &(*p)->next)
		if (memcmp((*p)->key, key, 16) == 0)
			break;
	return p;
}

bool
addresses_take(struct addresses *a, const struct sockaddr_storage *address, unsigned limit)
{
	struct entry **p, *entry;
	uint8_t key[16];
	bool taken = false;

	address_key(address, key);
	(void)pthread_mutex_lock(&a->mu);
	p = find(a, key);
	if (*p == NULL && (entry = calloc(1, sizeof(*entry))) != NULL) {
		memcpy(entry->key, key, sizeof(entry->key));
		*p = entry;
	}
	if (*p != NULL && (limit == 0 || (*p)->connections < limit)) {
		(*p)->connections++;
		taken = true;
	}
	(void)pthread_mutex_unlock(&a->mu);
	return taken;
}

void
addresses_give(struct addresses *a, const struct sockaddr_storage *address)
{
	struct entry **p, *entry;
	uint8_t key[16];

	address_key(address, key);
	(void)pthread_mutex_lock(&a->mu);
	p = find(a, key);
	if ((entry = *p) != NULL && --entry->connections == 0) {
		*p = entry->next;
		free(entry);
	}
	(void)pthread_mutex_unlock(&a->mu);
}
