-- The ledger, version 5: what is revoked is counted apart, and AWS IoT is told of it.
--
-- What 0001 says of pages holds here too: for a new device's certificate nothing of this file is read, written or checked.

-- What a batch has issued is, by what became of it on its way to AWS:
--
--	issued = queued + registered + parked + revoked
--
-- queued is what is left over.  registered: AWS took it, whatever happened to it since.  parked: it waits for a person.  revoked: it was
-- revoked before AWS took it, so that it is never registered; its outbox row has state 2, as those that are parked.
ALTER TABLE batch ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked >= 0);

-- Revocations that AWS must hear of (withdrawal, below): those that wait for the upload, and those that wait for a person.
ALTER TABLE batch ADD COLUMN revoking INTEGER NOT NULL DEFAULT 0 CHECK (revoking >= 0);
ALTER TABLE batch ADD COLUMN revoke_parked INTEGER NOT NULL DEFAULT 0 CHECK (revoke_parked >= 0);

-- No CHECK of the table, which issuing would run too: there the sum cannot become wrong, since issued only grows.
CREATE TRIGGER batch_adds_up BEFORE UPDATE OF registered, parked, revoked ON batch
WHEN NEW.registered + NEW.parked + NEW.revoked > NEW.issued
BEGIN SELECT RAISE(ABORT, 'no more is settled than was issued'); END;

UPDATE batch SET parked = parked - moved.n, revoked = moved.n FROM (
	SELECT c.batch_id, count(*) AS n FROM revocation v CROSS JOIN certificate c ON c.id = v.cert_id
	CROSS JOIN outbox o ON o.batch_id = c.batch_id AND o.cert_id = c.id WHERE o.state = 2 GROUP BY c.batch_id
) AS moved WHERE moved.batch_id = batch.id;

-- Every certificate that is revoked, until AWS has it as REVOKED in every target, or does not have it.  Also those that AWS never
-- confirmed: a call may have been under way, its answer lost.  In the order of revoking: whoever reads on finds what is new.
CREATE TABLE withdrawal (
	id		INTEGER PRIMARY KEY,
	cert_id		INTEGER NOT NULL UNIQUE REFERENCES revocation (cert_id),
	batch_id	INTEGER NOT NULL REFERENCES batch (id),
	state		INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2))	-- 0 waits, 1 done, 2 parked: as registrations say
) STRICT;

CREATE INDEX withdrawal_waits ON withdrawal (batch_id, id) WHERE state = 0;
CREATE INDEX withdrawal_parked ON withdrawal (batch_id, id) WHERE state = 2;

CREATE TRIGGER withdrawal_new BEFORE INSERT ON withdrawal
WHEN NEW.state <> 0 OR NEW.batch_id <> (SELECT batch_id FROM certificate WHERE id = NEW.cert_id)
BEGIN SELECT RAISE(ABORT, 'a withdrawal begins waiting, in the batch of its certificate'); END;

CREATE TRIGGER withdrawal_stays BEFORE DELETE ON withdrawal
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

CREATE TRIGGER withdrawal_same BEFORE UPDATE OF id, cert_id, batch_id ON withdrawal
BEGIN SELECT RAISE(ABORT, 'a withdrawal keeps its certificate'); END;

CREATE TRIGGER withdrawal_counted AFTER INSERT ON withdrawal
BEGIN UPDATE batch SET revoking = revoking + 1 WHERE id = NEW.batch_id; END;

CREATE TRIGGER withdrawal_moved AFTER UPDATE OF state ON withdrawal WHEN NEW.state <> OLD.state
BEGIN
	UPDATE batch SET revoking = revoking + (NEW.state = 0) - (OLD.state = 0),
	    revoke_parked = revoke_parked + (NEW.state = 2) - (OLD.state = 2) WHERE id = NEW.batch_id;
END;

-- Born in the revocation's transaction, so that nothing can be forgotten.
CREATE TRIGGER revocation_told AFTER INSERT ON revocation
BEGIN INSERT INTO withdrawal (cert_id, batch_id) SELECT id, batch_id FROM certificate WHERE id = NEW.cert_id; END;

INSERT INTO withdrawal (cert_id, batch_id)
    SELECT c.id, c.batch_id FROM revocation v CROSS JOIN certificate c ON c.id = v.cert_id ORDER BY v.at_us, v.cert_id;

-- Where AWS has it as REVOKED, or said that it does not have it; each has its registration.  A table of its own: a column more of
-- registration would have SQLite read all of it.
CREATE TABLE withdrawn (
	cert_id		INTEGER NOT NULL,
	target_id	INTEGER NOT NULL,
	at_us		INTEGER NOT NULL CHECK (at_us > 0),
	PRIMARY KEY (cert_id, target_id),
	FOREIGN KEY (cert_id, target_id) REFERENCES registration (cert_id, target_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER withdrawn_new BEFORE INSERT ON withdrawn WHEN NOT EXISTS (SELECT 1 FROM revocation WHERE cert_id = NEW.cert_id)
BEGIN SELECT RAISE(ABORT, 'only what is revoked here is revoked at AWS'); END;

CREATE TRIGGER withdrawn_stays BEFORE DELETE ON withdrawn
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

CREATE TRIGGER withdrawn_same BEFORE UPDATE ON withdrawn
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;

-- Certificates that the run told AWS to revoke.
ALTER TABLE upload_run ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked >= 0);
