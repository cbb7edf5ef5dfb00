#include "access/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "access/secret.h"

_Static_assert((int)SESSION_TEXT_BYTES == (int)SECRET_TEXT_BYTES, "a cookie is a secret's text");

struct session {
	bool	live;
	uint8_t	hash[SECRET_HASH_BYTES];	/* of the cookie, which is nowhere */
	char	csrf[SESSION_TEXT_BYTES + 1];
	int64_t	token_id;
	int64_t	began_us, used_us;
	int64_t	turn;				/* how many there were before it */
};

struct sessions {
	pthread_mutex_t		 mu;
	const struct rnd	*rnd;
	int64_t			 idle_us, longest_us;
	int64_t			 turns;
	struct session		 places[SESSIONS_MAX];
};

enum err_code
sessions_new(int64_t idle_us, int64_t longest_us, const struct rnd *rnd, struct sessions **ret, struct err *e)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "sessions");
	(void)pthread_mutex_init(&s->mu, NULL);
	s->rnd = rnd;
	s->idle_us = idle_us;
	s->longest_us = longest_us;
	*ret = s;
	return ERR_OK;
}

void
sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_destroy(&s->mu);
	secret_wipe(s, sizeof(*s));
	free(s);
}

static void
end(struct session *one)
{
	secret_wipe(one, sizeof(*one));
}

static bool
is_over(const struct sessions *s, const struct session *one, int64_t now_us)
{
	return now_us - one->used_us > s->idle_us || now_us - one->began_us > s->longest_us;
}

/* Whichever was idle longer; NULL: not there. */
static struct session *
idler(struct session *one, struct session *other)
{
	return one == NULL || other->used_us < one->used_us ? other : one;
}

/*
 * A place that is free or whose session is over; else that of the one which was idle longest.  A token that has its share already gives up a place of its own:
 * whoever signs in again and again signs out nobody else.
 */
static struct session *
make_room(struct sessions *s, int64_t token_id, int64_t now_us)
{
	struct session *oldest = NULL, *own = NULL, *room = NULL;
	size_t count = 0;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *one = &s->places[i];

		if (!one->live || is_over(s, one, now_us)) {
			room = room != NULL ? room : one;
			continue;
		}
		oldest = idler(oldest, one);
		if (one->token_id == token_id) {
			own = idler(own, one);
			count++;
		}
	}
	if (count >= SESSIONS_PER_TOKEN)
		room = own;
	else if (room == NULL)
		room = oldest;
	end(room);
	return room;
}

enum err_code
session_begin(struct sessions *s, int64_t token_id, int64_t now_us, char cookie[SESSION_TEXT_BYTES + 1],
    char csrf[SESSION_TEXT_BYTES + 1], struct err *e)
{
	struct session new = { .live = true, .token_id = token_id, .began_us = now_us, .used_us = now_us };
	char text[SESSION_TEXT_BYTES + 1] = "";
	enum err_code rc;

	if ((rc = secret_make(s->rnd, text, e)) != ERR_OK || (rc = secret_make(s->rnd, new.csrf, e)) != ERR_OK)
		goto out;
	if (!secret_hash(text, SESSION_TEXT_BYTES, new.hash)) {
		rc = err_set(e, ERR_NOMEM, "session");
		goto out;
	}
	(void)pthread_mutex_lock(&s->mu);
	new.turn = s->turns++;
	*make_room(s, token_id, now_us) = new;
	(void)pthread_mutex_unlock(&s->mu);
	memcpy(cookie, text, sizeof(text));
	memcpy(csrf, new.csrf, sizeof(new.csrf));
out:
	secret_wipe(text, sizeof(text));
	secret_wipe(&new, sizeof(new));
	return rc;
}

/* Whose hash it is; who cannot make a cookie with a hash of his choice learns nothing from how soon two of them differ. */
static struct session *
find(struct sessions *s, const uint8_t hash[SECRET_HASH_BYTES])
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (s->places[i].live && memcmp(s->places[i].hash, hash, SECRET_HASH_BYTES) == 0)
			return &s->places[i];
	return NULL;
}

/* False: no cookie of ours looks like this. */
static bool
hash_cookie(const char *cookie, size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	return secret_is_text(cookie, len) && secret_hash(cookie, len, out);
}

static enum err_code
find_living(struct sessions *s, const char *cookie, size_t len, int64_t now_us, bool is_use, int64_t *ret_token_id,
    char ret_csrf[SESSION_TEXT_BYTES + 1], struct err *e)
{
	uint8_t hash[SECRET_HASH_BYTES];
	enum err_code rc = ERR_OK;
	struct session *one;

	if (!hash_cookie(cookie, len, hash))
		return err_say(e, ERR_UNAUTHORIZED, "the session cookie is none of this server's: sign in");
	(void)pthread_mutex_lock(&s->mu);
	if ((one = find(s, hash)) == NULL) {
		rc = err_say(e, ERR_UNAUTHORIZED, "the session is over (signed out, or the server was started anew): sign in again");
	} else if (is_over(s, one, now_us)) {
		end(one);
		rc = err_say(e, ERR_UNAUTHORIZED, "the session was idle for too long, or is too old: sign in again");
	} else {
		/* another thread may have been here with a later time */
		if (is_use && now_us > one->used_us)
			one->used_us = now_us;
		*ret_token_id = one->token_id;
		if (ret_csrf != NULL)
			memcpy(ret_csrf, one->csrf, sizeof(one->csrf));
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
session_find(struct sessions *s, const char *cookie, size_t len, int64_t now_us, int64_t *ret_token_id,
    char ret_csrf[SESSION_TEXT_BYTES + 1], struct err *e)
{
	return find_living(s, cookie, len, now_us, true, ret_token_id, ret_csrf, e);
}

enum err_code
session_look(struct sessions *s, const char *cookie, size_t len, int64_t now_us, int64_t *ret_token_id,
    char ret_csrf[SESSION_TEXT_BYTES + 1], struct err *e)
{
	return find_living(s, cookie, len, now_us, false, ret_token_id, ret_csrf, e);
}

/* Its turn, and its place: found without a search. */
int64_t
session_number(struct sessions *s, const char *cookie, size_t len)
{
	uint8_t hash[SECRET_HASH_BYTES];
	const struct session *one;
	int64_t number = 0;

	if (!hash_cookie(cookie, len, hash))
		return 0;
	(void)pthread_mutex_lock(&s->mu);
	if ((one = find(s, hash)) != NULL)
		number = one->turn * SESSIONS_MAX + (one - s->places) + 1;
	(void)pthread_mutex_unlock(&s->mu);
	return number;
}

bool
session_lives(struct sessions *s, int64_t number, int64_t now_us)
{
	const struct session *one;
	bool lives;

	if (number <= 0)
		return false;
	one = &s->places[(number - 1) % SESSIONS_MAX];
	(void)pthread_mutex_lock(&s->mu);
	lives = one->live && one->turn == (number - 1) / SESSIONS_MAX && !is_over(s, one, now_us);
	(void)pthread_mutex_unlock(&s->mu);
	return lives;
}

void
session_end(struct sessions *s, const char *cookie, size_t len)
{
	uint8_t hash[SECRET_HASH_BYTES];
	struct session *one;

	if (!hash_cookie(cookie, len, hash))
		return;
	(void)pthread_mutex_lock(&s->mu);
	if ((one = find(s, hash)) != NULL)
		end(one);
	(void)pthread_mutex_unlock(&s->mu);
}
