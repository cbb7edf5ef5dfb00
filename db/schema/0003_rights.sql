-- The ledger, version 3: who may do what, who did it, and what a person may change of an order.
--
-- What 0001 says of pages holds here too: for a new device's certificate nothing of this file is written, and one column is read, of a row
-- that is read anyway.

-- A batch that waits for approval: closed, and to be opened for the first time by whoever approves it.  state = 0 is what the line looks for
-- (batch_open), so a batch that waits can nowhere be taken for an open one.
ALTER TABLE batch ADD COLUMN waits INTEGER NOT NULL DEFAULT 0 CHECK (waits = 0 OR (waits = 1 AND state <> 0));

CREATE TRIGGER batch_waits_once BEFORE UPDATE OF waits ON batch WHEN NEW.waits > OLD.waits
BEGIN SELECT RAISE(ABORT, 'a batch is approved once'); END;

-- An order may be raised, never made smaller: what was promised stays promised, and issued stays within it.
CREATE TRIGGER batch_raised BEFORE UPDATE OF quantity ON batch WHEN NEW.quantity < OLD.quantity
BEGIN SELECT RAISE(ABORT, 'an order is never made smaller'); END;

-- A device that shows its present certificate may be given another key: then the one of its newest certificate, which follows the one it
-- had.  The keys it had before stay its own in device_key and certificate.
DROP TRIGGER device_same;

CREATE TRIGGER device_same BEFORE UPDATE OF device_id ON device
BEGIN SELECT RAISE(ABORT, 'a device keeps its name'); END;

CREATE TRIGGER device_next_key BEFORE UPDATE OF key_prefix ON device
WHEN NEW.key_prefix <> OLD.key_prefix AND NOT EXISTS (SELECT 1 FROM certificate WHERE id = NEW.newest_id AND device_id = NEW.device_id
    AND substr(key_id, 1, 16) = NEW.key_prefix AND prior_id = OLD.newest_id)
BEGIN SELECT RAISE(ABORT, 'a device keeps its key, or takes that of its next certificate'); END;

-- device_key holds, beside the first key of every device up to the mark, every key that a device took later: at once, whatever
-- the mark says, since who reads the certificates above the mark reads those without a prior_id only (db/sqlite/keys.h).

-- Rights.  The token itself is nowhere: who holds it shows it, and its hash is looked up.
CREATE TABLE token (
	id		INTEGER PRIMARY KEY,
	name		TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),	-- never given twice: events speak of it
	role		INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),	-- 1 enroll, 2 viewer, 3 technician, 4 admin
	hash		BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),	-- SHA-256 of the token
	batch_id	INTEGER REFERENCES batch (id),			-- enrols into this one only; NULL = any
	network		TEXT NOT NULL CHECK (length(network) <= 43),	-- requests come from there; '' = from anywhere
	created_at_us	INTEGER NOT NULL,
	expires_at_us	INTEGER NOT NULL,				-- 0 = never
	revoked_at_us	INTEGER NOT NULL DEFAULT 0,			-- 0 = not
	last_used_at_us	INTEGER NOT NULL DEFAULT 0			-- 0 = not yet; written now and then, not at every use
) STRICT;

CREATE TRIGGER token_new BEFORE INSERT ON token WHEN NEW.revoked_at_us <> 0 OR NEW.last_used_at_us <> 0
BEGIN SELECT RAISE(ABORT, 'a new token is not revoked, and was not used'); END;

CREATE TRIGGER token_stays BEFORE DELETE ON token
BEGIN SELECT RAISE(ABORT, 'a token is never deleted'); END;

CREATE TRIGGER token_same BEFORE UPDATE OF id, name, role, hash, batch_id, network, created_at_us, expires_at_us ON token
BEGIN SELECT RAISE(ABORT, 'a token keeps its name and right'); END;

CREATE TRIGGER token_revoked_once BEFORE UPDATE OF revoked_at_us ON token WHEN OLD.revoked_at_us <> 0 OR NEW.revoked_at_us <= 0
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

CREATE TRIGGER token_used_later BEFORE UPDATE OF last_used_at_us ON token WHEN NEW.last_used_at_us < OLD.last_used_at_us
BEGIN SELECT RAISE(ABORT, 'the last use is the latest one'); END;

-- Every change by a person, written in the transaction of the change: neither is there without the other.
CREATE TABLE event (
	id	INTEGER PRIMARY KEY,
	at_us	INTEGER NOT NULL,
	actor	TEXT NOT NULL CHECK (length(actor) BETWEEN 1 AND 80),	-- 'token:anna', 'cli:root'
	address	TEXT NOT NULL,			-- where the request came from; '' = the command line
	action	TEXT NOT NULL CHECK (length(action) BETWEEN 1 AND 31),	-- 'batch.close'
	object	TEXT NOT NULL CHECK (length(object) <= 64),	-- the batch's or token's name; '' = all
	detail	TEXT NOT NULL,
	reason	TEXT NOT NULL			-- in the person's own words; '' = none
) STRICT;

CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'what was done stays written'); END;

CREATE TRIGGER event_same BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'what was done stays written'); END;
