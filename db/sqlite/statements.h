/*
 * Every statement that runs more than once in the life of a connection: a closed list, prepared when the connection
 * opens, so that a typo or another schema stops the start and not a request.
 *
 *	X(name, who has it, text)
 */
#ifndef DB_SQLITE_STATEMENTS_H
#define DB_SQLITE_STATEMENTS_H

enum { FOR_WRITER = 1, FOR_READER = 2, FOR_BOTH = 3 };

/* What certificate_from_row (read.c) reads, in its order.  c, o, b and a are the tables of CERTIFICATE_JOINS. */
#define CERTIFICATE_COLUMNS                                                                             \
	"c.id, c.serial_lower, c.device_id, c.key_id, c.certificate_id, c.batch_id, c.ca_id,"           \
	" c.not_before_s, c.not_after_s, c.issued_at_us, c.der, o.state, b.name, a.name, b.profile, c.prior_id"

/* CROSS JOIN keeps the order of the loops: the table that pages by key comes first. */
#define BATCH_AND_CA                                                                                    \
	" CROSS JOIN batch b ON b.id = c.batch_id"                                                      \
	" CROSS JOIN ca a ON a.id = c.ca_id"
#define CERTIFICATE_JOINS                                                                               \
	"certificate c"                                                                                 \
	" CROSS JOIN outbox o ON o.batch_id = c.batch_id AND o.cert_id = c.id"                          \
	BATCH_AND_CA
#define OUTBOX_JOINS                                                                                    \
	" CROSS JOIN certificate c ON c.id = o.cert_id"                                                 \
	BATCH_AND_CA

#define BATCH_COLUMNS                                                                                   \
	"b.id, b.name, b.ca_id, a.name, b.profile, b.pattern, b.listed, b.created_at_us, b.state,"      \
	" b.quantity, b.issued, b.registered, b.parked, b.last_issued_at_us"

#define STATEMENT_LIST(X)                                                                               \
	X(BEGIN, FOR_WRITER, "BEGIN IMMEDIATE")                                                         \
	X(COMMIT, FOR_WRITER, "COMMIT")                                                                 \
	X(ROLLBACK, FOR_WRITER, "ROLLBACK")                                                             \
	/* record.c */                                                                                  \
	X(BATCH_ROOM, FOR_WRITER,                                                                       \
	    "SELECT b.state, b.quantity, b.issued, b.name, a.name, b.profile"                           \
	    " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id WHERE b.id = ?1 AND b.state <> 2")         \
	X(BATCH_DEBIT, FOR_WRITER,                                                                      \
	    "UPDATE batch SET issued = issued + ?2, last_issued_at_us = max(last_issued_at_us, ?3)"     \
	    " WHERE id = ?1 AND state = 0 AND issued + ?2 <= quantity")                                 \
	X(DEVICE_INSERT, FOR_WRITER,                                                                    \
	    "INSERT INTO device (device_id, key_prefix, newest_id) VALUES (?1, ?2, ?3)"                 \
	    " ON CONFLICT (device_id) DO NOTHING")                                                      \
	X(DEVICE_NEWEST, FOR_WRITER, "UPDATE device SET newest_id = ?2 WHERE device_id = ?1")           \
	X(CERTIFICATE_INSERT, FOR_WRITER,                                                               \
	    "INSERT INTO certificate (id, serial_lower, batch_id, ca_id, device_id, key_id, certificate_id," \
	    " not_before_s, not_after_s, issued_at_us, der, prior_id)"                                  \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                              \
	X(OUTBOX_INSERT, FOR_WRITER, "INSERT INTO outbox (batch_id, cert_id) VALUES (?1, ?2)")          \
	X(CERTIFICATE_CHECK, FOR_WRITER,                                                                \
	    "SELECT device_id, key_id, certificate_id, der FROM certificate WHERE id = ?1")             \
	X(CERTIFICATE_DEVICE, FOR_WRITER, "SELECT device_id FROM certificate WHERE id = ?1")            \
	/* keys.c */                                                                                    \
	X(KEY_INSERT, FOR_WRITER,                                                                       \
	    "INSERT INTO device_key (key_prefix, cert_id) VALUES (?1, ?2) ON CONFLICT (key_prefix) DO NOTHING") \
	X(KEY_FIND, FOR_WRITER, "SELECT cert_id FROM device_key WHERE key_prefix = ?1")                 \
	X(KEYS_UNSETTLED, FOR_WRITER,                                                                   \
	    "SELECT id, key_id FROM certificate WHERE id > ?1 AND prior_id IS NULL ORDER BY id")        \
	X(SETTLED_GET, FOR_WRITER, "SELECT cert_id FROM settled")                                       \
	X(SETTLED_SET, FOR_WRITER, "UPDATE settled SET cert_id = ?1")                                   \
	X(ISSUED_TOTAL, FOR_WRITER, "SELECT coalesce(sum(issued), 0) FROM batch")                       \
	X(DATA_VERSION, FOR_WRITER, "PRAGMA data_version")                                              \
	/* read.c */                                                                                    \
	X(DEVICE_FIND, FOR_BOTH, "SELECT key_prefix, newest_id FROM device WHERE device_id = ?1")       \
	X(CERTIFICATE_FIND, FOR_BOTH,                                                                   \
	    "SELECT " CERTIFICATE_COLUMNS " FROM " CERTIFICATE_JOINS " WHERE c.id = ?1")                \
	X(CERTIFICATE_NEWEST, FOR_READER,                                                               \
	    "SELECT id, issued_at_us FROM certificate ORDER BY id DESC LIMIT 1")                        \
	/* list.c: ?1 the id to go below, ?2 the batch or the device */                                 \
	X(LIST_ALL, FOR_READER,                                                                         \
	    "SELECT " CERTIFICATE_COLUMNS " FROM " CERTIFICATE_JOINS                                    \
	    " WHERE c.id < ?1 ORDER BY c.id DESC")                                                      \
	X(LIST_BATCH, FOR_READER,                                                                       \
	    "SELECT " CERTIFICATE_COLUMNS " FROM outbox o" OUTBOX_JOINS                                 \
	    " WHERE o.batch_id = ?2 AND o.cert_id < ?1 ORDER BY o.cert_id DESC")                        \
	X(LIST_PARKED, FOR_READER,                                                                      \
	    "SELECT " CERTIFICATE_COLUMNS " FROM outbox o INDEXED BY outbox_parked" OUTBOX_JOINS        \
	    " WHERE o.state = 2 AND o.cert_id < ?1 ORDER BY o.cert_id DESC")                            \
	X(LIST_DEVICE, FOR_READER,                                                                      \
	    "WITH RECURSIVE chain (id) AS ("                                                            \
	    "SELECT newest_id FROM device WHERE device_id = ?2"                                         \
	    " UNION SELECT p.prior_id FROM chain CROSS JOIN certificate p ON p.id = chain.id"           \
	    " WHERE p.prior_id IS NOT NULL)"                                                            \
	    " SELECT " CERTIFICATE_COLUMNS " FROM chain CROSS JOIN " CERTIFICATE_JOINS                  \
	    " WHERE c.id = chain.id AND c.id < ?1 ORDER BY c.id DESC")                                  \
	/* ca.c */                                                                                      \
	X(CA_INSERT, FOR_WRITER,                                                                        \
	    "INSERT INTO ca (name, active, key_ref, der, created_at_us) VALUES (?1, ?2, ?3, ?4, ?5)"    \
	    " ON CONFLICT (name) DO NOTHING")                                                           \
	X(CA_FIND, FOR_READER,                                                                          \
	    "SELECT id, name, active, key_ref, der, created_at_us FROM ca WHERE name = ?1")             \
	X(CA_LIST, FOR_READER,                                                                          \
	    "SELECT id, name, active, key_ref, der, created_at_us FROM ca ORDER BY id")                 \
	/* batch.c */                                                                                   \
	X(BATCH_INSERT, FOR_WRITER,                                                                     \
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity)" \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO NOTHING")                   \
	X(BATCH_SET_STATE, FOR_WRITER,                                                                  \
	    "UPDATE batch SET state = ?2 WHERE name = ?1 AND state <> 2")                               \
	X(BATCH_LOADED, FOR_WRITER, "UPDATE batch SET state = 0 WHERE id = ?1 AND state = 2")           \
	X(BATCH_LOADING, FOR_WRITER, "SELECT id FROM batch WHERE state = 2 LIMIT 1")                    \
	X(BATCH_DEVICE_INSERT, FOR_WRITER,                                                              \
	    "INSERT INTO batch_device (batch_id, device_id) VALUES (?1, ?2)")                           \
	X(BATCH_DEVICE_SWEEP, FOR_WRITER,                                                               \
	    "DELETE FROM batch_device WHERE batch_id = ?1 AND device_id <="                             \
	    " coalesce((SELECT device_id FROM batch_device WHERE batch_id = ?1"                         \
	    " ORDER BY device_id LIMIT 1 OFFSET ?2), '~')")                                             \
	X(BATCH_SWEEP, FOR_WRITER, "DELETE FROM batch WHERE id = ?1 AND state = 2")                     \
	X(BATCH_FIND, FOR_READER,                                                                       \
	    "SELECT " BATCH_COLUMNS " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id"                   \
	    " WHERE b.name = ?1 AND b.state <> 2")                                                      \
	X(BATCH_LIST, FOR_READER,                                                                       \
	    "SELECT " BATCH_COLUMNS " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id"                   \
	    " WHERE b.state <> 2 ORDER BY b.id")                                                        \
	X(BATCH_LIST_OPEN, FOR_READER,                                                                  \
	    "SELECT " BATCH_COLUMNS " FROM batch b INDEXED BY batch_open CROSS JOIN ca a ON a.id = b.ca_id" \
	    " WHERE b.state = 0 ORDER BY b.id")                                                         \
	X(BATCH_DEVICE_FIND, FOR_READER,                                                                \
	    "SELECT 1 FROM batch_device WHERE batch_id = ?1 AND device_id = ?2")

enum statement {
#define X(name, role, text) STATEMENT_##name,
	STATEMENT_LIST(X)
#undef X
	STATEMENT_COUNT
};

#endif
