#include "db/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "db/store_internal.h"

static const char *const certificate_state_names[] = {
	[CERTIFICATE_ISSUED] = "issued",
	[CERTIFICATE_REGISTERED] = "registered",
	[CERTIFICATE_PARKED] = "parked",
	[CERTIFICATE_REVOKED] = "revoked",
};

void
store_ca_done(struct store_ca *ca)
{
	free(ca->der);
	ca->der = NULL;
	ca->der_len = 0;
}

const char *
batch_state_name(enum batch_state s)
{
	static const char *const names[] = {
		[BATCH_OPEN] = "open",
		[BATCH_CLOSED] = "closed",
		[BATCH_WAITING] = "waiting",
	};

	return names[s];
}

enum err_code
store_quantity_check(const char *name, int64_t from, int64_t to, struct err *e)
{
	if (to < from)
		return err_say(e, ERR_CONFLICT, "Batch %.64s is ordered with %lld, and an order is never made smaller: close it when it has "
		    "issued enough.", name, (long long)from);
	if (to > LIMIT_BATCH_QUANTITY)
		return err_say(e, ERR_CONFLICT, "A batch has a quantity of at most %d.", LIMIT_BATCH_QUANTITY);
	return ERR_OK;
}

enum err_code
store_batch_missing(const char *name, struct err *e)
{
	return err_say(e, ERR_BATCH_NOT_FOUND, "There is no batch named %.64s. Check the name at the station.", name);
}

enum err_code
store_token_taken(const char *name, struct err *e)
{
	return err_say(e, ERR_CONFLICT, "There is or was a token named %.64s, and names are given once: choose another name.", name);
}

enum err_code
store_token_missing(const char *name, struct err *e)
{
	return err_say(e, ERR_NOT_FOUND, "There is no token named %.64s. Look at the list of tokens.", name);
}

enum err_code
store_serial_missing(struct err *e)
{
	return err_say(e, ERR_NOT_FOUND, "There is no certificate with this serial. Look for the device.");
}

enum err_code
store_device_missing(const char *device_id, struct err *e)
{
	return err_say(e, ERR_NOT_FOUND, "There is no device named %.64s. Check its label.", device_id);
}

enum err_code
store_device_revoked(const char *device_id, struct err *e)
{
	return err_say(e, ERR_FORBIDDEN, "The certificate of device %.64s was revoked. Set it aside.", device_id);
}

void
store_revoked_reason(const char *words, char out[STORE_REASON_BYTES + 1])
{
	char	text[STORE_NOTE_BYTES + 16];
	size_t	len;

	(void)snprintf(text, sizeof(text), "revoked: %s", words);
	len = text_fit(text, strlen(text), STORE_REASON_BYTES);
	memcpy(out, text, len);
	out[len] = '\0';
}

const char *
store_match_name(enum store_match m)
{
	static const char *const names[] = {
		[STORE_MATCH_DEVICE_ID] = "device_id",
		[STORE_MATCH_SERIAL] = "serial",
		[STORE_MATCH_CERTIFICATE_ID] = "certificate_id",
	};

	return names[m];
}

int64_t
store_batch_queued(const struct store_batch *b)
{
	return b->issued - b->registered - b->parked - b->revoked;
}

const char *
certificate_state_name(enum certificate_state s)
{
	return certificate_state_names[s];
}

bool
certificate_state_parse(const char *name, enum certificate_state *ret)
{
	int	i;

	for (i = CERTIFICATE_ISSUED; i <= CERTIFICATE_REVOKED; i++) {
		if (strcmp(name, certificate_state_names[i]) == 0) {
			*ret = (enum certificate_state)i;
			return true;
		}
	}
	return false;
}

int64_t
store_serial_key(const uint8_t serial[STORE_SERIAL_BYTES])
{
	uint64_t	key = 0;
	int		i;

	for (i = 0; i < 8; i++)
		key = key << 8 | serial[i];
	return (int64_t)key;
}

void
store_record_rows_fail(struct store_record_row *rows, size_t n, enum err_code code)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		recorded_free(rows[i].recorded);
		rows[i].recorded = NULL;
		rows[i].is_new = false;
		rows[i].other[0] = '\0';
		rows[i].result = code;
	}
}

void
store_record_row_say(const struct store_record_row *row, struct err *e)
{
	const char	*device = row->certificate->device_id;

	/* Only what a row alone can meet; the rest is said by who failed the whole group. */
	if (row->result == ERR_DEVICE_EXISTS)
		(void)err_say(e, row->result, "Device %s already has a certificate for another key. "
		    "A device whose key was lost needs a new device id.", device);
	else if (row->result == ERR_KEY_REUSED)
		(void)err_say(e, row->result, "The key of device %s already belongs to device %s. "
		    "Two devices with one key come from a copied image: make a new key on the device.", device, row->other);
	else if (row->result == ERR_FORBIDDEN)
		(void)store_device_revoked(device, e);
	else if (row->result == ERR_BATCH_CLOSED)
		(void)err_say(e, row->result, "The batch is closed. Open it, or send device %s to an open batch.", device);
	else if (row->result == ERR_BATCH_WAITING)
		(void)err_say(e, row->result, "The batch waits for approval. Send the request of device %s again when it is open.", device);
	else if (row->result == ERR_BATCH_FULL)
		(void)err_say(e, row->result, "The batch has issued its whole quantity. Device %s needs another batch.", device);
	else if (row->result == ERR_BATCH_NOT_FOUND)
		(void)err_say(e, row->result, "There is no such batch for device %s.", device);
	else
		(void)err_set(e, row->result, "device %s: %s", device, err_name(row->result));
}
