-- The ledger, version 4: certificates that are revoked, devices that may take another key once, and what a search needs.
--
-- What 0001 says of pages holds here too: for a new device's certificate nothing of this file is written, and one column is read, of a
-- row whose page every transaction has at hand (identified, by the trigger that asks about the queue anyway).

-- A certificate is revoked once, and for ever.
CREATE TABLE revocation (
	cert_id	INTEGER PRIMARY KEY REFERENCES certificate (id),
	at_us	INTEGER NOT NULL CHECK (at_us > 0),
	actor	TEXT NOT NULL CHECK (length(actor) BETWEEN 1 AND 80),	-- as in event
	reason	TEXT NOT NULL
) STRICT;

CREATE TRIGGER revocation_stays BEFORE DELETE ON revocation
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

CREATE TRIGGER revocation_same BEFORE UPDATE ON revocation
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

-- It is not sent to AWS IoT any more.  Who revokes parks what is queued in the same transaction, before the revocation is written.
CREATE TRIGGER revocation_parked BEFORE INSERT ON revocation WHEN EXISTS (SELECT 1 FROM certificate c
    CROSS JOIN outbox o ON o.batch_id = c.batch_id AND o.cert_id = c.id WHERE c.id = NEW.cert_id AND o.state = 0)
BEGIN SELECT RAISE(ABORT, 'what is revoked is not queued'); END;

CREATE TRIGGER outbox_revoked BEFORE UPDATE OF state ON outbox
WHEN NEW.state = 0 AND EXISTS (SELECT 1 FROM revocation WHERE cert_id = NEW.cert_id)
BEGIN SELECT RAISE(ABORT, 'what is revoked is not queued'); END;

-- A person's leave for a device to take another key, once.  No foreign keys: they would be asked when a device is recorded.
CREATE TABLE rework (
	id		INTEGER PRIMARY KEY,
	device_id	TEXT NOT NULL,
	at_us		INTEGER NOT NULL,
	actor		TEXT NOT NULL CHECK (length(actor) BETWEEN 1 AND 80),	-- as in event
	reason		TEXT NOT NULL,
	used_cert_id	INTEGER		-- the certificate it was used for; NULL = unused
) STRICT;

CREATE UNIQUE INDEX rework_unused ON rework (device_id) WHERE used_cert_id IS NULL;

CREATE TRIGGER rework_device BEFORE INSERT ON rework
WHEN NEW.used_cert_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM device WHERE device_id = NEW.device_id)
BEGIN SELECT RAISE(ABORT, 'a leave is for a device, and is not used yet'); END;

CREATE TRIGGER rework_stays BEFORE DELETE ON rework
BEGIN SELECT RAISE(ABORT, 'what was allowed stays written'); END;

CREATE TRIGGER rework_same BEFORE UPDATE OF id, device_id, at_us, actor, reason ON rework
BEGIN SELECT RAISE(ABORT, 'what was allowed stays written'); END;

CREATE TRIGGER rework_once BEFORE UPDATE OF used_cert_id ON rework
WHEN OLD.used_cert_id IS NOT NULL OR NEW.used_cert_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM certificate WHERE id = NEW.used_cert_id AND device_id = OLD.device_id)
BEGIN SELECT RAISE(ABORT, 'a leave is used once, by its device'); END;

-- What was done about one thing: few rows among many people's, and no device ever pays for it.
CREATE INDEX event_object ON event (object);

-- The way from a certificate id (AWS IoT's name for it) to the certificate.  Certificate ids are random numbers: in one index over all of
-- them each row would dirty a page of its own.  So they come late and by runs: a run holds some ten thousand certificates, a few
-- hundred pages, into which a thousand rows at a time go sorted; then the next run begins.  Who searches asks each run: some microseconds
-- each, 150 of them for 10,000,000 certificates.  db/sqlite/identifiers.c has the numbers.
-- Nothing here is true by itself: it can be made again from certificate.
CREATE TABLE identifier (
	run	INTEGER NOT NULL,
	prefix	INTEGER NOT NULL,		-- the first 6 octets of certificate_id, big-endian
	cert_id	INTEGER NOT NULL,		-- certificate.id
	PRIMARY KEY (run, prefix, cert_id)
) STRICT, WITHOUT ROWID;

-- In the runs is every certificate that is not above cert_id, but for those in identifier_late.
CREATE TABLE identified (
	one	INTEGER PRIMARY KEY CHECK (one = 1),	-- one row
	cert_id	INTEGER NOT NULL,			-- certificate.id; 0 = none yet
	run	INTEGER NOT NULL,			-- the one that is being filled
	rows	INTEGER NOT NULL			-- how many it has
) STRICT;

INSERT INTO identified (one, cert_id, run, rows) VALUES (1, 0, 0, 0);

CREATE TRIGGER identified_stays BEFORE DELETE ON identified
BEGIN SELECT RAISE(ABORT, 'the mark stays'); END;

-- Certificates that were recorded when the mark had passed them: their serials were overtaken by others.
CREATE TABLE identifier_late (
	cert_id	INTEGER PRIMARY KEY
) STRICT;

-- As in 0002, and the same for the mark above: one trigger, so that a new certificate runs no more of them than before.
DROP TRIGGER outbox_late;

CREATE TRIGGER outbox_late AFTER INSERT ON outbox
WHEN NEW.cert_id <= (SELECT queue_after FROM batch WHERE id = NEW.batch_id) OR NEW.cert_id <= (SELECT cert_id FROM identified)
BEGIN
	UPDATE batch SET queue_after = NEW.cert_id - 1 WHERE id = NEW.batch_id AND queue_after >= NEW.cert_id;
	INSERT INTO identifier_late (cert_id) SELECT NEW.cert_id WHERE NEW.cert_id <= (SELECT cert_id FROM identified);
END;
