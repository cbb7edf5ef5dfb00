/*
 * Every statement that runs more than once in the life of a connection: a closed list, prepared when the connection
 * opens, so that a typo or another schema stops the start and not a request.
 *
 *	X(name, who has it, text)
 */
#ifndef DB_SQLITE_STATEMENTS_H
#define DB_SQLITE_STATEMENTS_H

enum { FOR_WRITER = 1, FOR_READER = 2, FOR_BOTH = 3 };

/* What certificate_from_row (read.c) reads, in its order.  c, o, b, a and v are the tables of CERTIFICATE_JOINS. */
#define CERTIFICATE_COLUMNS                                                                             \
	"c.id, c.serial_lower, c.device_id, c.key_id, c.certificate_id, c.batch_id, c.ca_id,"           \
	" c.not_before_s, c.not_after_s, c.issued_at_us, c.der, o.state, b.name, a.name, b.profile, c.prior_id, o.reason," \
	" coalesce(v.at_us, 0), coalesce(v.actor, ''), coalesce(v.reason, '')"

/* CROSS JOIN keeps the order of the loops: the table that pages by key comes first. */
#define BATCH_AND_CA                                                                                    \
	" CROSS JOIN batch b ON b.id = c.batch_id"                                                      \
	" CROSS JOIN ca a ON a.id = c.ca_id"                                                            \
	" LEFT JOIN revocation v ON v.cert_id = c.id"
#define CERTIFICATE_JOINS                                                                               \
	"certificate c"                                                                                 \
	" CROSS JOIN outbox o ON o.batch_id = c.batch_id AND o.cert_id = c.id"                          \
	BATCH_AND_CA
#define OUTBOX_JOINS                                                                                    \
	" CROSS JOIN certificate c ON c.id = o.cert_id"                                                 \
	BATCH_AND_CA

#define BATCH_COLUMNS                                                                                   \
	"b.id, b.name, b.ca_id, a.name, b.profile, b.pattern, b.listed, b.created_at_us, b.state,"      \
	" b.quantity, b.issued, b.registered, b.parked, b.last_issued_at_us, b.aws, b.waits," \
	" b.revoked, b.revoking, b.revoke_parked"

/* What registration_from_row (registration.c) reads, in its order. */
#define REGISTRATION_COLUMNS                                                                            \
	"r.cert_id, r.target_id, r.state, r.done, r.attempts, r.arn, r.step, r.code, r.message,"        \
	" r.request_id, r.updated_at_us, coalesce(d.at_us, 0)"
#define REGISTRATION_JOINS                                                                              \
	"registration r LEFT JOIN withdrawn d ON d.cert_id = r.cert_id AND d.target_id = r.target_id"

/* What token_from_row (token.c) reads, in its order. */
#define TOKEN_COLUMNS                                                                                   \
	"t.id, t.name, t.role, t.hash, t.batch_id, coalesce(b.name, ''), t.network, t.created_at_us,"   \
	" t.expires_at_us, t.revoked_at_us, t.last_used_at_us"
#define TOKEN_JOINS	"token t LEFT JOIN batch b ON b.id = t.batch_id"

#define STATEMENT_LIST(X)                                                                               \
	X(BEGIN, FOR_WRITER, "BEGIN IMMEDIATE")                                                         \
	X(COMMIT, FOR_WRITER, "COMMIT")                                                                 \
	X(ROLLBACK, FOR_WRITER, "ROLLBACK")                                                             \
	X(READ_BEGIN, FOR_READER, "BEGIN")                                                              \
	X(READ_END, FOR_READER, "COMMIT")                                                               \
	/* record.c */                                                                                  \
	X(BATCH_ROOM, FOR_WRITER,                                                                       \
	    "SELECT b.state, b.quantity, b.issued, b.name, a.name, b.profile,"                          \
	    " (SELECT coalesce(max(id), 0) FROM verification), b.waits"                                 \
	    " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id WHERE b.id = ?1 AND b.state <> 2")         \
	X(BATCH_DEBIT, FOR_WRITER,                                                                      \
	    "UPDATE batch SET issued = issued + ?2, last_issued_at_us = max(last_issued_at_us, ?3)"     \
	    " WHERE id = ?1 AND state = 0 AND issued + ?2 <= quantity")                                 \
	X(DEVICE_INSERT, FOR_WRITER,                                                                    \
	    "INSERT INTO device (device_id, key_prefix, newest_id) VALUES (?1, ?2, ?3)"                 \
	    " ON CONFLICT (device_id) DO NOTHING")                                                      \
	X(DEVICE_NEXT, FOR_WRITER,                                                                      \
	    "UPDATE device SET newest_id = ?2, key_prefix = ?3 WHERE device_id = ?1")                   \
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
	X(ISSUED_OPEN, FOR_WRITER,                                                                      \
	    "SELECT coalesce(sum(issued), 0) FROM batch INDEXED BY batch_open WHERE state = 0")         \
	X(SWITCHES, FOR_WRITER, "SELECT switches FROM settled")                                         \
	X(DATA_VERSION, FOR_WRITER, "PRAGMA data_version")                                              \
	/* read.c */                                                                                    \
	X(DEVICE_FIND, FOR_BOTH, "SELECT key_prefix, newest_id FROM device WHERE device_id = ?1")       \
	X(CERTIFICATE_FIND, FOR_BOTH,                                                                   \
	    "SELECT " CERTIFICATE_COLUMNS " FROM " CERTIFICATE_JOINS " WHERE c.id = ?1")                \
	X(CERTIFICATE_NEWEST, FOR_READER,                                                               \
	    "SELECT id, issued_at_us FROM (SELECT id, issued_at_us FROM certificate ORDER BY id DESC LIMIT 1)"         \
	    " UNION ALL SELECT id, issued_at_us FROM (SELECT id, issued_at_us FROM verification ORDER BY id DESC LIMIT 1)" \
	    " ORDER BY 1 DESC LIMIT 1")                                                                 \
	/* list.c: ?1 the id to go below, ?2 the batch or the device */                                 \
	X(LIST_ALL, FOR_READER,                                                                         \
	    "SELECT " CERTIFICATE_COLUMNS " FROM " CERTIFICATE_JOINS                                    \
	    " WHERE c.id < ?1 ORDER BY c.id DESC")                                                      \
	X(LIST_BATCH, FOR_READER,                                                                       \
	    "SELECT " CERTIFICATE_COLUMNS " FROM outbox o" OUTBOX_JOINS                                 \
	    " WHERE o.batch_id = ?2 AND o.cert_id < ?1 ORDER BY o.cert_id DESC")                        \
	X(LIST_DEVICE, FOR_READER,                                                                      \
	    "WITH RECURSIVE chain (id) AS ("                                                            \
	    "SELECT newest_id FROM device WHERE device_id = ?2"                                         \
	    " UNION SELECT p.prior_id FROM chain CROSS JOIN certificate p ON p.id = chain.id"           \
	    " WHERE p.prior_id IS NOT NULL)"                                                            \
	    " SELECT " CERTIFICATE_COLUMNS " FROM chain CROSS JOIN " CERTIFICATE_JOINS                  \
	    " WHERE c.id = chain.id AND c.id < ?1 ORDER BY c.id DESC")                                  \
	/* by state: the batches (or all of them as one, -1) with the mark to end at and how many there are in them, and the rows in which it stands */ \
	X(LIST_QUEUED_PLACES, FOR_READER,                                                               \
	    "SELECT id, queue_after, issued - registered - parked - revoked FROM batch"                 \
	    " WHERE issued > registered + parked + revoked AND (?1 < 0 OR id = ?1)")                    \
	X(LIST_REGISTERED_PLACES, FOR_READER,                                                           \
	    "SELECT id, 0, registered FROM batch WHERE registered > 0 AND (?1 < 0 OR id = ?1)")         \
	X(LIST_PARKED_PLACES, FOR_READER,                                                               \
	    "SELECT ?1, 0, parked FROM batch WHERE parked > 0 AND (?1 < 0 OR id = ?1) LIMIT 1")         \
	X(LIST_REVOKED_PLACES, FOR_READER,                                                              \
	    "SELECT ?1, 0, 0 FROM batch WHERE registered + revoked > 0 AND (?1 < 0 OR id = ?1) LIMIT 1") \
	X(LIST_UP, FOR_READER,                                                                          \
	    "SELECT cert_id, state = ?3 FROM outbox WHERE batch_id = ?1 AND cert_id > ?2 ORDER BY cert_id") \
	/* ?1 the id to go below, ?2 the place's batch, ?3 its mark: (id, is it wanted) */              \
	X(LIST_QUEUED, FOR_READER,                                                                      \
	    "SELECT cert_id, state = 0 FROM outbox"                                                     \
	    " WHERE batch_id = ?2 AND cert_id < ?1 AND cert_id > ?3 ORDER BY cert_id DESC")             \
	X(LIST_REGISTERED, FOR_READER,                                                                  \
	    "SELECT cert_id, CASE state WHEN 1"                                                         \
	    " THEN NOT EXISTS (SELECT 1 FROM revocation v WHERE v.cert_id = outbox.cert_id) ELSE 0 END" \
	    " FROM outbox WHERE batch_id = ?2 AND cert_id < ?1 AND cert_id > ?3 ORDER BY cert_id DESC") \
	X(LIST_PARKED, FOR_READER,                                                                      \
	    "SELECT cert_id, CASE WHEN ?2 < 0 OR batch_id = ?2"                                         \
	    " THEN NOT EXISTS (SELECT 1 FROM revocation v WHERE v.cert_id = outbox.cert_id) ELSE 0 END" \
	    " FROM outbox INDEXED BY outbox_parked WHERE state = 2 AND cert_id < ?1 AND cert_id > ?3 ORDER BY cert_id DESC") \
	X(LIST_REVOKED, FOR_READER,                                                                     \
	    "SELECT cert_id, ?2 < 0 OR batch_id = ?2 FROM withdrawal"                                   \
	    " WHERE cert_id < ?1 AND cert_id > ?3 ORDER BY cert_id DESC")                               \
	/* ca.c */                                                                                      \
	X(CA_INSERT, FOR_WRITER,                                                                        \
	    "INSERT INTO ca (name, active, key_ref, der, created_at_us) VALUES (?1, ?2, ?3, ?4, ?5)"    \
	    " ON CONFLICT (name) DO NOTHING")                                                           \
	X(CA_FIND, FOR_READER,                                                                          \
	    "SELECT id, name, active, key_ref, der, created_at_us FROM ca WHERE name = ?1")             \
	X(CA_LIST, FOR_READER,                                                                          \
	    "SELECT id, name, active, key_ref, der, created_at_us FROM ca ORDER BY id")                 \
	/* queue.c */                                                                                   \
	X(QUEUE_PAGE, FOR_READER,                                                                       \
	    "SELECT " CERTIFICATE_COLUMNS " FROM batch q CROSS JOIN outbox o" OUTBOX_JOINS              \
	    " WHERE q.id = ?1 AND o.batch_id = q.id AND o.cert_id > max(?2, q.queue_after) AND o.state = 0" \
	    " AND q.issued > q.registered + q.parked + q.revoked ORDER BY o.cert_id LIMIT ?3")                      \
	X(QUEUE_WALK, FOR_WRITER,                                                                       \
	    "SELECT o.cert_id, o.state FROM batch q CROSS JOIN outbox o"                                \
	    " WHERE q.id = ?1 AND o.batch_id = q.id AND o.cert_id > q.queue_after ORDER BY o.cert_id")  \
	X(QUEUE_SET, FOR_WRITER,                                                                        \
	    "UPDATE batch SET queue_after = ?2 WHERE id = ?1 AND queue_after < ?2")                     \
	/* registration.c */                                                                            \
	X(OUTBOX_STATE, FOR_WRITER,                                                                     \
	    "SELECT state FROM outbox WHERE batch_id = ?1 AND cert_id = ?2")                            \
	X(OUTBOX_SETTLE, FOR_WRITER,                                                                    \
	    "UPDATE outbox SET state = ?3, reason = ?4, next_at_us = 0, attempts ="                     \
	    " (SELECT coalesce(sum(r.attempts), 0) FROM registration r WHERE r.cert_id = ?2)"           \
	    " WHERE batch_id = ?1 AND cert_id = ?2")                                                    \
	X(BATCH_COUNT, FOR_WRITER,                                                                      \
	    "UPDATE batch SET registered = registered + ?2, parked = parked + ?3, revoked = revoked + ?4 WHERE id = ?1") \
	X(REGISTRATION_WRITE, FOR_WRITER,                                                               \
	    "INSERT INTO registration (cert_id, target_id, state, done, attempts, arn, step, code, message," \
	    " request_id, updated_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"         \
	    " ON CONFLICT (cert_id, target_id) DO UPDATE SET state = excluded.state, done = excluded.done," \
	    " attempts = excluded.attempts, arn = excluded.arn, step = excluded.step, code = excluded.code," \
	    " message = excluded.message, request_id = excluded.request_id, updated_at_us = excluded.updated_at_us") \
	X(REGISTRATION_PARKED, FOR_WRITER,                                                              \
	    "SELECT step, code, message FROM registration WHERE cert_id = ?1 AND state = 2"             \
	    " ORDER BY target_id LIMIT 1")                                                              \
	X(REGISTRATION_FIND, FOR_READER,                                                                \
	    "SELECT " REGISTRATION_COLUMNS " FROM " REGISTRATION_JOINS                                  \
	    " WHERE r.cert_id = ?1 AND r.target_id = ?2")                                               \
	X(REGISTRATION_LIST, FOR_READER,                                                                \
	    "SELECT " REGISTRATION_COLUMNS ", t.account, t.region FROM " REGISTRATION_JOINS             \
	    " CROSS JOIN target t ON t.id = r.target_id WHERE r.cert_id = ?1 ORDER BY r.target_id")     \
	X(REGISTRATION_COUNT, FOR_READER,                                                               \
	    "SELECT count(*) FROM target t CROSS JOIN registration r ON r.target_id = t.id"             \
	    " CROSS JOIN certificate c ON c.id = r.cert_id"                                             \
	    " WHERE t.account = ?2 AND t.region = ?3 AND r.arn <> '' AND c.ca_id = ?1")                 \
	/* parked.c */                                                                                  \
	X(PARKED_OF_BATCH, FOR_WRITER,                                                                  \
	    "SELECT name, parked, revoke_parked FROM batch WHERE id = ?1 AND state <> 2")               \
	X(PARKED_TOTAL, FOR_WRITER,                                                                     \
	    "SELECT '', coalesce(sum(parked), 0), coalesce(sum(revoke_parked), 0) FROM batch WHERE ?1 < 0") \
	X(PARKED_CHUNK, FOR_WRITER,                                                                     \
	    "SELECT cert_id, batch_id, CASE WHEN ?1 < 0 OR batch_id = ?1"                               \
	    " THEN NOT EXISTS (SELECT 1 FROM revocation v WHERE v.cert_id = outbox.cert_id) ELSE 0 END" \
	    " FROM outbox INDEXED BY outbox_parked WHERE state = 2 AND cert_id > ?2 ORDER BY cert_id")  \
	X(PARKED_REGISTRATION_BACK, FOR_WRITER,                                                         \
	    "UPDATE registration SET state = 0 WHERE cert_id = ?1 AND state = 2")                       \
	X(PARKED_OUTBOX_BACK, FOR_WRITER,                                                               \
	    "UPDATE outbox SET state = 0, reason = NULL WHERE batch_id = ?1 AND cert_id = ?2 AND state = 2") \
	X(PARKED_REASONS, FOR_READER,                                                                   \
	    "SELECT b.name, p.step, p.code, p.message, coalesce(t.account, ''), coalesce(t.region, ''), count(*) AS n," \
	    " max(p.cert_id) FROM ("                                                                    \
	    "SELECT o.batch_id, o.cert_id, r.target_id, coalesce(r.step, '') AS step, coalesce(r.code, '') AS code," \
	    " coalesce(r.message, o.reason, '') AS message"                                             \
	    " FROM outbox o INDEXED BY outbox_parked LEFT JOIN registration r ON r.cert_id = o.cert_id AND r.state = 2" \
	    " WHERE o.state = 2 AND (?1 < 0 OR o.batch_id = ?1)"                                        \
	    " AND NOT EXISTS (SELECT 1 FROM revocation v WHERE v.cert_id = o.cert_id)"                  \
	    " UNION ALL SELECT w.batch_id, w.cert_id, r.target_id, '" STORE_STEP_REVOKE "',"            \
	    " CASE r.state WHEN 2 THEN r.code ELSE '" STORE_CODE_NO_SECTION "' END,"                    \
	    " CASE r.state WHEN 2 THEN r.message ELSE '" STORE_MESSAGE_NO_SECTION "' END"               \
	    " FROM withdrawal w INDEXED BY withdrawal_parked CROSS JOIN " REGISTRATION_JOINS            \
	    " WHERE w.state = 2 AND (?1 < 0 OR w.batch_id = ?1) AND r.cert_id = w.cert_id"              \
	    " AND d.at_us IS NULL AND (r.state = 2 OR r.arn <> ''))"                                    \
	    " AS p CROSS JOIN batch b ON b.id = p.batch_id LEFT JOIN target t ON t.id = p.target_id"    \
	    " GROUP BY p.batch_id, p.step, p.code, p.target_id"                                         \
	    " ORDER BY n DESC, p.batch_id, p.step, p.code, p.target_id")                                \
	/* withdrawal.c */                                                                              \
	X(WITHDRAWN_INSERT, FOR_WRITER,                                                                 \
	    "INSERT INTO withdrawn (cert_id, target_id, at_us) VALUES (?1, ?2, ?3)"                     \
	    " ON CONFLICT (cert_id, target_id) DO NOTHING")                                             \
	X(WITHDRAWAL_SETTLE, FOR_WRITER,                                                                \
	    "UPDATE withdrawal SET state = CASE WHEN ?2 = 1 AND EXISTS (SELECT 1 FROM " REGISTRATION_JOINS \
	    " WHERE r.cert_id = ?1 AND r.arn <> '' AND d.at_us IS NULL) THEN 2 ELSE ?2 END WHERE cert_id = ?1") \
	X(WITHDRAWAL_AGAIN, FOR_WRITER,                                                                 \
	    "UPDATE withdrawal SET state = 0 WHERE cert_id = ?1 AND state <> 0 AND NOT EXISTS"          \
	    " (SELECT 1 FROM withdrawn WHERE cert_id = ?1 AND target_id = ?2)")                         \
	X(WITHDRAWAL_REGISTRATIONS_BACK, FOR_WRITER,                                                    \
	    "UPDATE registration SET state = 0 WHERE state = 2 AND cert_id IN"                          \
	    " (SELECT cert_id FROM withdrawal WHERE state = 2 AND (?1 < 0 OR batch_id = ?1))")          \
	X(WITHDRAWALS_BACK, FOR_WRITER,                                                                 \
	    "UPDATE withdrawal SET state = 0 WHERE state = 2 AND (?1 < 0 OR batch_id = ?1)")            \
	X(WITHDRAWAL_BACK, FOR_WRITER, "UPDATE withdrawal SET state = 0 WHERE cert_id = ?1 AND state = 2") \
	X(WITHDRAWAL_PAGE, FOR_READER,                                                                  \
	    "SELECT " CERTIFICATE_COLUMNS ", w.id FROM withdrawal w INDEXED BY withdrawal_waits CROSS JOIN " CERTIFICATE_JOINS \
	    " WHERE w.batch_id = ?1 AND w.id > ?2 AND w.state = 0 AND c.id = w.cert_id ORDER BY w.id LIMIT ?3") \
	/* target.c */                                                                                  \
	X(TARGET_FIND, FOR_WRITER,                                                                      \
	    "SELECT id FROM target WHERE account = ?1 AND region = ?2")                                 \
	X(TARGET_INSERT, FOR_WRITER,                                                                    \
	    "INSERT INTO target (account, region) VALUES (?1, ?2)")                                     \
	/* upload_run.c */                                                                              \
	X(UPLOAD_RUN_INSERT, FOR_WRITER,                                                                \
	    "INSERT INTO upload_run (started_at_us, updated_at_us, ended_at_us, pid, queued, registered, parked," \
	    " calls, throttled, outcome, revoked) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)") \
	X(UPLOAD_RUN_WRITE, FOR_WRITER,                                                                 \
	    "UPDATE upload_run SET started_at_us = ?2, updated_at_us = ?3, ended_at_us = ?4, pid = ?5, queued = ?6," \
	    " registered = ?7, parked = ?8, calls = ?9, throttled = ?10, outcome = ?11, revoked = ?12 WHERE id = ?1") \
	X(UPLOAD_RUN_NEWEST, FOR_READER,                                                                \
	    "SELECT id, started_at_us, updated_at_us, ended_at_us, pid, queued, registered, parked, calls," \
	    " throttled, outcome, revoked FROM upload_run ORDER BY id DESC LIMIT 1")                             \
	/* verification.c; record.c too: VERIFICATION_FIND */                                           \
	X(VERIFICATION_FIND, FOR_WRITER,                                                                \
	    "SELECT 1 FROM verification WHERE id = ?1")                                                 \
	X(VERIFICATION_TAKEN, FOR_WRITER,                                                               \
	    "SELECT 1 FROM certificate WHERE id = ?1 UNION ALL SELECT 1 FROM verification WHERE id = ?1") \
	X(VERIFICATION_CA, FOR_WRITER,                                                                  \
	    "SELECT 1 FROM ca WHERE id = ?1")                                                           \
	X(VERIFICATION_INSERT, FOR_WRITER,                                                              \
	    "INSERT INTO verification (id, serial_lower, ca_id, der, issued_at_us) VALUES (?1, ?2, ?3, ?4, ?5)") \
	/* batch.c */                                                                                   \
	X(BATCH_INSERT, FOR_WRITER,                                                                     \
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, aws, waits)" \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (name) DO NOTHING")          \
	X(BATCH_NOW, FOR_WRITER,                                                                        \
	    "SELECT id, state, waits, quantity FROM batch WHERE name = ?1 AND state <> 2")              \
	X(BATCH_SET_STATE, FOR_WRITER, "UPDATE batch SET state = ?2, waits = 0 WHERE id = ?1")          \
	X(BATCH_SET_QUANTITY, FOR_WRITER, "UPDATE batch SET quantity = ?2 WHERE id = ?1")               \
	X(BATCH_LOADED, FOR_WRITER,                                                                     \
	    "UPDATE batch SET state = CASE waits WHEN 1 THEN 1 ELSE 0 END WHERE id = ?1 AND state = 2") \
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
	X(BATCH_LIST_CURRENT, FOR_READER,                                                               \
	    "SELECT " BATCH_COLUMNS " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id"                   \
	    " WHERE b.state <> 2 AND (b.state = 0 OR b.waits = 1 OR b.id >= (SELECT min(id) FROM"       \
	    " (SELECT id FROM batch WHERE state = 1 AND waits = 0 ORDER BY id DESC LIMIT ?1))) ORDER BY b.id DESC") \
	X(BATCH_LIST_BUSY, FOR_READER,                                                                  \
	    "SELECT " BATCH_COLUMNS " FROM batch b CROSS JOIN ca a ON a.id = b.ca_id WHERE b.state <> 2" \
	    " AND (b.issued > b.registered + b.revoked OR b.revoking > 0 OR b.revoke_parked > 0) ORDER BY b.id") \
	X(BATCH_TOTALS, FOR_READER,                                                                     \
	    "SELECT count(*), sum(state = 0), sum(quantity), sum(issued), sum(registered), sum(parked), sum(revoked)," \
	    " sum(revoking), sum(revoke_parked) FROM batch WHERE state <> 2")                           \
	X(BATCH_DEVICE_FIND, FOR_READER,                                                                \
	    "SELECT 1 FROM batch_device WHERE batch_id = ?1 AND device_id = ?2")                        \
	/* token.c */                                                                                   \
	X(TOKEN_BATCH, FOR_WRITER, "SELECT name FROM batch WHERE id = ?1 AND state <> 2")               \
	X(TOKEN_INSERT, FOR_WRITER,                                                                     \
	    "INSERT INTO token (name, role, hash, batch_id, network, created_at_us, expires_at_us)"     \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO NOTHING")                       \
	X(TOKEN_NOW, FOR_WRITER, "SELECT id, revoked_at_us FROM token WHERE name = ?1")                 \
	X(TOKEN_REVOKE, FOR_WRITER, "UPDATE token SET revoked_at_us = ?2 WHERE id = ?1")                \
	X(TOKEN_USED, FOR_WRITER,                                                                       \
	    "UPDATE token SET last_used_at_us = ?2 WHERE id = ?1 AND last_used_at_us < ?2")             \
	X(TOKEN_FIND, FOR_READER,                                                                       \
	    "SELECT " TOKEN_COLUMNS " FROM " TOKEN_JOINS " WHERE t.hash = ?1")                          \
	X(TOKEN_FIND_ID, FOR_READER,                                                                    \
	    "SELECT " TOKEN_COLUMNS " FROM " TOKEN_JOINS " WHERE t.id = ?1")                            \
	X(TOKEN_LIST, FOR_READER,                                                                       \
	    "SELECT " TOKEN_COLUMNS " FROM " TOKEN_JOINS " ORDER BY t.id")                              \
	/* event.c */                                                                                   \
	X(EVENT_INSERT, FOR_WRITER,                                                                     \
	    "INSERT INTO event (at_us, actor, address, action, object, detail, reason)"                 \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                     \
	X(EVENT_LIST, FOR_READER,                                                                       \
	    "SELECT id, at_us, actor, address, action, object, detail, reason FROM event"               \
	    " WHERE id < ?1 ORDER BY id DESC LIMIT ?2")                                                 \
	X(EVENT_LIST_OBJECT, FOR_READER,                                                                \
	    "SELECT id, at_us, actor, address, action, object, detail, reason FROM event"               \
	    " WHERE object = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2")                                 \
	/* refusals.c */                                                                                \
	X(REFUSAL_WRITE, FOR_WRITER,                                                                    \
	    "INSERT INTO refusal (from_us, code, batch, station, count, first_at_us, last_at_us, device_id)" \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"                                                  \
	    " ON CONFLICT (from_us, code, batch, station) DO UPDATE SET count = excluded.count,"        \
	    " first_at_us = min(first_at_us, excluded.first_at_us), last_at_us = excluded.last_at_us,"  \
	    " device_id = excluded.device_id WHERE excluded.count >= count")                            \
	X(REFUSED_WRITE, FOR_WRITER,                                                                    \
	    "INSERT INTO refused (from_us, count) VALUES (?1, ?2)"                                      \
	    " ON CONFLICT (from_us) DO UPDATE SET count = max(count, excluded.count)")                  \
	X(REFUSAL_SWEEP, FOR_WRITER,                                                                    \
	    "DELETE FROM refusal WHERE from_us < max(?1, coalesce("                                     \
	    "(SELECT from_us + 1 FROM refusal ORDER BY from_us DESC LIMIT 1 OFFSET ?2), ?1))")          \
	X(REFUSED_SWEEP, FOR_WRITER,                                                                    \
	    "DELETE FROM refused WHERE from_us < max(?1, coalesce("                                     \
	    "(SELECT from_us + 1 FROM refused ORDER BY from_us DESC LIMIT 1 OFFSET ?2), ?1))")          \
	X(REFUSAL_LIST, FOR_READER,                                                                     \
	    "SELECT from_us, code, batch, station, count, first_at_us, last_at_us, device_id FROM refusal" \
	    " WHERE from_us >= ?1 ORDER BY from_us")                                                    \
	X(REFUSAL_LIST_BATCH, FOR_READER,                                                               \
	    "SELECT from_us, code, batch, station, count, first_at_us, last_at_us, device_id FROM refusal" \
	    " WHERE batch = ?2 AND from_us >= ?1 ORDER BY from_us")                                     \
	X(REFUSED_LIST, FOR_READER, "SELECT from_us, count FROM refused WHERE from_us >= ?1 ORDER BY from_us") \
	/* rework.c */                                                                                  \
	X(REVOCATION_FIND, FOR_WRITER, "SELECT 1 FROM revocation WHERE cert_id = ?1")                   \
	X(REVOCATION_INSERT, FOR_WRITER,                                                                \
	    "INSERT INTO revocation (cert_id, at_us, actor, reason) VALUES (?1, ?2, ?3, ?4)")           \
	X(REVOCATION_PARK, FOR_WRITER,                                                                  \
	    "UPDATE outbox SET state = 2, reason = ?3, next_at_us = 0 WHERE batch_id = ?1 AND cert_id = ?2") \
	X(REWORK_FIND, FOR_BOTH,                                                                        \
	    "SELECT id, at_us, actor, reason FROM rework WHERE device_id = ?1 AND used_cert_id IS NULL") \
	X(REWORK_INSERT, FOR_WRITER,                                                                    \
	    "INSERT INTO rework (device_id, at_us, actor, reason) VALUES (?1, ?2, ?3, ?4)")             \
	X(REWORK_USE, FOR_WRITER, "UPDATE rework SET used_cert_id = ?2 WHERE id = ?1")                  \
	/* identifiers.c */                                                                             \
	X(IDENTIFIED_GET, FOR_BOTH, "SELECT cert_id, run, rows FROM identified")                        \
	X(IDENTIFIED_SET, FOR_WRITER, "UPDATE identified SET cert_id = ?1, run = ?2, rows = ?3")        \
	X(IDENTIFIERS_ABOVE, FOR_BOTH,                                                                  \
	    "SELECT id, certificate_id FROM certificate WHERE id > ?1 ORDER BY id LIMIT ?2")            \
	X(IDENTIFIERS_LATE, FOR_BOTH,                                                                   \
	    "SELECT c.id, c.certificate_id FROM identifier_late l CROSS JOIN certificate c ON c.id = l.cert_id" \
	    " ORDER BY l.cert_id LIMIT ?1")                                                             \
	X(IDENTIFIER_INSERT, FOR_WRITER,                                                                \
	    "INSERT INTO identifier (run, prefix, cert_id) VALUES (?1, ?2, ?3)")                        \
	X(IDENTIFIER_LATE_DONE, FOR_WRITER, "DELETE FROM identifier_late WHERE cert_id = ?1")           \
	/* search.c */                                                                                  \
	X(SEARCH_DEVICES, FOR_READER,                                                                   \
	    "SELECT device_id, newest_id FROM device WHERE device_id >= ?1 ORDER BY device_id")         \
	X(SEARCH_SERIALS, FOR_READER,                                                                   \
	    "SELECT id, serial_lower FROM certificate WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC")     \
	X(SEARCH_UNSETTLED, FOR_READER,                                                                 \
	    "SELECT id, certificate_id FROM certificate WHERE id > ?1 ORDER BY id DESC LIMIT ?2")       \
	X(SEARCH_RUN, FOR_READER,                                                                       \
	    "SELECT cert_id FROM identifier WHERE run = ?1 AND prefix BETWEEN ?2 AND ?3 ORDER BY prefix, cert_id")

enum statement {
#define X(name, role, text) STATEMENT_##name,
	STATEMENT_LIST(X)
#undef X
	STATEMENT_COUNT
};

#endif
