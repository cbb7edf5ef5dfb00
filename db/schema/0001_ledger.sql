-- The ledger, version 1.
--
-- Applied in one transaction together with application_id and user_version.  A released file of this folder is never
-- edited; a change is a new file with the next number.
--
-- What a row costs is the number of pages that a commit dirties, so:
--   * everything that can grow at its end does (certificate, outbox; device too, where device ids are counted up);
--   * exactly one index has random keys, device_key, and it is filled late, many keys to a page (db/sqlite/keys.h);
--   * nothing is kept twice that a join on a key can find.
-- Times: _us microseconds, _s seconds since 1970, UTC.  States are small integers, so that a row stays short.

-- Certification authorities.  The key itself is never here.
CREATE TABLE ca (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
	active		INTEGER NOT NULL CHECK (active IN (0, 1)),	-- 0: issues nothing
	key_ref		TEXT NOT NULL,					-- file name below the home's ca/
	der		BLOB NOT NULL CHECK (length(der) > 0),		-- its certificate
	created_at_us	INTEGER NOT NULL
) STRICT;

CREATE TRIGGER ca_stays BEFORE DELETE ON ca
BEGIN SELECT RAISE(ABORT, 'a CA is never deleted'); END;

CREATE TRIGGER ca_same BEFORE UPDATE OF id, name, der, created_at_us ON ca
BEGIN SELECT RAISE(ABORT, 'a CA keeps its name and certificate'); END;

-- Production lots.  The counters are updated by the transaction that makes them true: nobody ever counts rows.
CREATE TABLE batch (
	id			INTEGER PRIMARY KEY,
	name			TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
	ca_id			INTEGER NOT NULL REFERENCES ca (id),
	profile			TEXT NOT NULL,
	pattern			TEXT NOT NULL,			-- '' = any device id
	listed			INTEGER NOT NULL CHECK (listed IN (0, 1)),	-- only devices in batch_device
	created_at_us		INTEGER NOT NULL,
	state			INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
				-- 0 open, 1 closed, 2 loading: its list is not complete, it cannot be seen yet
	quantity		INTEGER NOT NULL CHECK (quantity > 0),
	issued			INTEGER NOT NULL DEFAULT 0 CHECK (issued BETWEEN 0 AND quantity),
	registered		INTEGER NOT NULL DEFAULT 0 CHECK (registered >= 0),
	parked			INTEGER NOT NULL DEFAULT 0 CHECK (parked >= 0),
	last_issued_at_us	INTEGER NOT NULL DEFAULT 0,	-- 0 = none yet
	CHECK (registered + parked <= issued)
) STRICT;

-- The open ones, found without a walk through the others.
CREATE INDEX batch_open ON batch (id) WHERE state = 0;

CREATE TRIGGER batch_same BEFORE UPDATE OF id, name, ca_id, profile, pattern, listed, created_at_us ON batch
BEGIN SELECT RAISE(ABORT, 'the order of a batch never changes'); END;

CREATE TRIGGER batch_grows BEFORE UPDATE OF issued ON batch WHEN NEW.issued < OLD.issued
BEGIN SELECT RAISE(ABORT, 'what was issued stays issued'); END;

CREATE TRIGGER batch_no_way_back BEFORE UPDATE OF state ON batch WHEN NEW.state = 2
BEGIN SELECT RAISE(ABORT, 'a batch is loaded once'); END;

CREATE TRIGGER batch_stays BEFORE DELETE ON batch WHEN OLD.state <> 2
BEGIN SELECT RAISE(ABORT, 'a batch is never deleted'); END;

-- The device list of a batch with listed = 1; comes in while the batch is loading, in order, so that it appends.
CREATE TABLE batch_device (
	batch_id	INTEGER NOT NULL REFERENCES batch (id),
	device_id	TEXT NOT NULL CHECK (length(device_id) BETWEEN 1 AND 64),
	PRIMARY KEY (batch_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER batch_device_in BEFORE INSERT ON batch_device
WHEN (SELECT state FROM batch WHERE id = NEW.batch_id) <> 2
BEGIN SELECT RAISE(ABORT, 'the list of a batch never changes'); END;

CREATE TRIGGER batch_device_same BEFORE UPDATE ON batch_device
BEGIN SELECT RAISE(ABORT, 'the list of a batch never changes'); END;

CREATE TRIGGER batch_device_out BEFORE DELETE ON batch_device
WHEN (SELECT state FROM batch WHERE id = OLD.batch_id) <> 2
BEGIN SELECT RAISE(ABORT, 'the list of a batch never changes'); END;

-- Every certificate that was ever issued.  Serials grow, so rows are appended.
-- No foreign keys here: outbox has them, and each certificate has its row there.
CREATE TABLE certificate (
	id		INTEGER PRIMARY KEY CHECK (id > 0),	-- the upper 8 octets of the serial, big-endian
	serial_lower	BLOB NOT NULL CHECK (length(serial_lower) = 8),	-- the lower 8: random
	batch_id	INTEGER NOT NULL,
	ca_id		INTEGER NOT NULL,
	device_id	TEXT NOT NULL,
	key_id		BLOB NOT NULL CHECK (length(key_id) = 32),	-- SHA-256 of the SubjectPublicKeyInfo
	certificate_id	BLOB NOT NULL CHECK (length(certificate_id) = 32),	-- SHA-256 of der: AWS IoT's certificateId
	not_before_s	INTEGER NOT NULL,
	not_after_s	INTEGER NOT NULL CHECK (not_after_s > not_before_s),
	issued_at_us	INTEGER NOT NULL,
	der		BLOB NOT NULL CHECK (length(der) > 0),
	prior_id	INTEGER				-- the certificate the device had before (for another batch), or NULL
) STRICT;

CREATE TRIGGER certificate_stays BEFORE DELETE ON certificate
BEGIN SELECT RAISE(ABORT, 'a recorded certificate is never deleted'); END;

CREATE TRIGGER certificate_same BEFORE UPDATE ON certificate
BEGIN SELECT RAISE(ABORT, 'a recorded certificate never changes'); END;

-- One key per device id, over all batches: the primary key here.  One device id per key: the next two tables.
-- key_prefix: the first 16 octets of key_id.  Half the hash halves the one index whose pages are hit at random.
-- 128 bits are enough: with a thousand million keys two of them agree by chance with probability 2^-69, who makes two keys
-- agree on purpose needs 2^64 trials, and all he gets is that the second of his own two keys is refused.
CREATE TABLE device (
	device_id	TEXT NOT NULL PRIMARY KEY CHECK (length(device_id) BETWEEN 1 AND 64),
	key_prefix	BLOB NOT NULL CHECK (length(key_prefix) = 16),
	newest_id	INTEGER NOT NULL		-- certificate.id; the older ones follow by certificate.prior_id
) STRICT, WITHOUT ROWID;

CREATE TRIGGER device_stays BEFORE DELETE ON device
BEGIN SELECT RAISE(ABORT, 'a device is never deleted'); END;

CREATE TRIGGER device_same BEFORE UPDATE OF device_id, key_prefix ON device
BEGIN SELECT RAISE(ABORT, 'a device keeps its key'); END;

-- One device id per key.  Holds the key of every device whose first certificate is not above settled.cert_id; the keys of those
-- above are in certificate.key_id, and in the memory of who records.  record looks in both places, in its transaction.
CREATE TABLE device_key (
	key_prefix	BLOB NOT NULL PRIMARY KEY CHECK (length(key_prefix) = 16),
	cert_id		INTEGER NOT NULL		-- the first certificate of the device that has the key
) STRICT, WITHOUT ROWID;

CREATE TRIGGER device_key_stays BEFORE DELETE ON device_key
BEGIN SELECT RAISE(ABORT, 'a key is never given away'); END;

CREATE TRIGGER device_key_same BEFORE UPDATE ON device_key
BEGIN SELECT RAISE(ABORT, 'a key is never given away'); END;

CREATE TABLE settled (
	one	INTEGER PRIMARY KEY CHECK (one = 1),	-- one row
	cert_id	INTEGER NOT NULL			-- certificate.id; 0 = none yet
) STRICT;

INSERT INTO settled (one, cert_id) VALUES (1, 0);

CREATE TRIGGER settled_stays BEFORE DELETE ON settled
BEGIN SELECT RAISE(ABORT, 'the mark stays'); END;

CREATE TRIGGER settled_grows BEFORE UPDATE ON settled WHEN NEW.cert_id < OLD.cert_id
BEGIN SELECT RAISE(ABORT, 'the mark only goes up'); END;

-- Where each certificate stands on its way to AWS IoT.  Born in the certificate's transaction, so that nothing can be
-- forgotten; also the way from a batch to its certificates, which saves an index.
CREATE TABLE outbox (
	batch_id	INTEGER NOT NULL REFERENCES batch (id),
	cert_id		INTEGER NOT NULL REFERENCES certificate (id),
	state		INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),	-- 0 queued, 1 registered, 2 parked
	attempts	INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
	next_at_us	INTEGER NOT NULL DEFAULT 0,	-- queued: not before this; 0 = at once
	reason		TEXT,				-- parked: why
	PRIMARY KEY (batch_id, cert_id)
) STRICT, WITHOUT ROWID;

-- Few among many, and what people look for.
CREATE INDEX outbox_parked ON outbox (cert_id) WHERE state = 2;

CREATE TRIGGER outbox_stays BEFORE DELETE ON outbox
BEGIN SELECT RAISE(ABORT, 'an outbox row is never deleted'); END;

CREATE TRIGGER outbox_same BEFORE UPDATE OF batch_id, cert_id ON outbox
BEGIN SELECT RAISE(ABORT, 'an outbox row keeps its certificate'); END;

-- Places left open for later files, each keyed by certificate.id so that this one need not change:
-- revocation (when, why), registration (what AWS IoT answered, step by step), intent (a serial and a plan written down
-- before an HSM that counts its signatures is asked), event (the audit trail).
