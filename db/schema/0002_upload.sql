-- The ledger, version 2: what the nightly upload to AWS IoT writes down.
--
-- What 0001 says of pages holds here too: enrolment must not pay for the upload.  Nothing here gives a certificate that is recorded
-- another page to write.

-- Where the certificates of a batch go: names of [aws NAME] sections of lineca.conf, commas between; '' = [aws].
ALTER TABLE batch ADD COLUMN aws TEXT NOT NULL DEFAULT '' CHECK (length(aws) <= 256);

CREATE TRIGGER batch_same_aws BEFORE UPDATE OF aws ON batch
BEGIN SELECT RAISE(ABORT, 'the order of a batch never changes'); END;

-- The queue of a batch begins above this: none of its outbox rows with cert_id up to here is queued.  A mark instead of an index over
-- what is queued: the index costs each commit of the line one more page (5 microseconds with one row a commit, 1 with many), the
-- mark lies in a row that is written anyway.  The upload moves it up behind what it has settled; whatever comes into the queue
-- below it (a serial that was overtaken, a parked row that goes back) takes it down again, whoever does it: the triggers see to it.
ALTER TABLE batch ADD COLUMN queue_after INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER batch_queue BEFORE UPDATE OF queue_after ON batch
WHEN NEW.queue_after > OLD.queue_after AND EXISTS (SELECT 1 FROM outbox
    WHERE batch_id = NEW.id AND cert_id > OLD.queue_after AND cert_id <= NEW.queue_after AND state = 0)
BEGIN SELECT RAISE(ABORT, 'what is queued is not passed over'); END;

CREATE TRIGGER outbox_late AFTER INSERT ON outbox
WHEN NEW.cert_id <= (SELECT queue_after FROM batch WHERE id = NEW.batch_id)
BEGIN UPDATE batch SET queue_after = NEW.cert_id - 1 WHERE id = NEW.batch_id; END;

CREATE TRIGGER outbox_back AFTER UPDATE OF state ON outbox WHEN NEW.state = 0 AND OLD.state <> 0
BEGIN UPDATE batch SET queue_after = NEW.cert_id - 1 WHERE id = NEW.batch_id AND queue_after >= NEW.cert_id; END;

-- Who records must know when somebody else has recorded (db/sqlite/keys.h), and asks after each commit of the upload.  The certificates
-- of the open batches tell, unless a batch was opened or closed meanwhile: so that is counted, and nobody adds up a thousand old batches.
ALTER TABLE settled ADD COLUMN switches INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER batch_switched AFTER UPDATE OF state ON batch WHEN NEW.state <> OLD.state
BEGIN UPDATE settled SET switches = switches + 1; END;

-- AWS accounts and regions that certificates are registered in.
CREATE TABLE target (
	id	INTEGER PRIMARY KEY,
	account	TEXT NOT NULL CHECK (length(account) BETWEEN 1 AND 12),
	region	TEXT NOT NULL CHECK (length(region) BETWEEN 1 AND 32),
	UNIQUE (account, region)
) STRICT;

CREATE TRIGGER target_stays BEFORE DELETE ON target
BEGIN SELECT RAISE(ABORT, 'a target is never deleted'); END;

CREATE TRIGGER target_same BEFORE UPDATE ON target
BEGIN SELECT RAISE(ABORT, 'a target never changes'); END;

-- How far a certificate has come in a target.  outbox.state is the sum of it over the targets of its batch; what the bits of done
-- mean is the upload's business (server/upload/step.h).
CREATE TABLE registration (
	cert_id		INTEGER NOT NULL REFERENCES certificate (id),
	target_id	INTEGER NOT NULL REFERENCES target (id),
	state		INTEGER NOT NULL CHECK (state IN (0, 1, 2)),	-- 0 going, 1 done, 2 parked
	done		INTEGER NOT NULL CHECK (done BETWEEN 0 AND 4294967295),	-- the steps that AWS has confirmed, as bits
	attempts	INTEGER NOT NULL CHECK (attempts >= 0),		-- calls that failed, ever
	arn		TEXT NOT NULL,					-- as AWS answered; '' = not registered yet
	-- the last answer that was a failure, or ''
	step		TEXT NOT NULL,
	code		TEXT NOT NULL,
	message		TEXT NOT NULL,
	request_id	TEXT NOT NULL,					-- of the last answer
	updated_at_us	INTEGER NOT NULL,
	PRIMARY KEY (cert_id, target_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER registration_stays BEFORE DELETE ON registration
BEGIN SELECT RAISE(ABORT, 'a registration is never deleted'); END;

CREATE TRIGGER registration_same BEFORE UPDATE OF cert_id, target_id ON registration
BEGIN SELECT RAISE(ABORT, 'a registration keeps its certificate and target'); END;

CREATE TRIGGER registration_grows BEFORE UPDATE OF done ON registration WHEN OLD.done & ~NEW.done <> 0
BEGIN SELECT RAISE(ABORT, 'what AWS has confirmed is not taken back'); END;

-- Runs of the upload, one row each.
CREATE TABLE upload_run (
	id		INTEGER PRIMARY KEY,
	started_at_us	INTEGER NOT NULL,
	updated_at_us	INTEGER NOT NULL,
	ended_at_us	INTEGER NOT NULL,		-- 0: goes on, or was killed
	pid		INTEGER NOT NULL,
	queued		INTEGER NOT NULL CHECK (queued >= 0),
	registered	INTEGER NOT NULL CHECK (registered >= 0),
	parked		INTEGER NOT NULL CHECK (parked >= 0),
	calls		INTEGER NOT NULL CHECK (calls >= 0),
	throttled	INTEGER NOT NULL CHECK (throttled >= 0),
	outcome		TEXT NOT NULL			-- how it ended, in words
) STRICT;

CREATE TRIGGER upload_run_stays BEFORE DELETE ON upload_run
BEGIN SELECT RAISE(ABORT, 'a run is never deleted'); END;

CREATE TRIGGER upload_run_same BEFORE UPDATE OF id, started_at_us, pid ON upload_run
WHEN NEW.id <> OLD.id OR NEW.started_at_us <> OLD.started_at_us OR NEW.pid <> OLD.pid
BEGIN SELECT RAISE(ABORT, 'a run keeps its beginning'); END;

-- Certificates that a CA signed and that are no device's: proofs to AWS IoT that the CA is ours.  Their serials are of the same row
-- as those of certificate: this way round a trigger sees to it, the other way db/sqlite/record.c does, for a microsecond a row less.
CREATE TABLE verification (
	id		INTEGER PRIMARY KEY CHECK (id > 0),	-- the upper 8 octets of the serial, big-endian
	serial_lower	BLOB NOT NULL CHECK (length(serial_lower) = 8),
	ca_id		INTEGER NOT NULL REFERENCES ca (id),
	der		BLOB NOT NULL CHECK (length(der) > 0),
	issued_at_us	INTEGER NOT NULL
) STRICT;

CREATE TRIGGER verification_serial BEFORE INSERT ON verification WHEN EXISTS (SELECT 1 FROM certificate WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the serial is taken'); END;

CREATE TRIGGER verification_stays BEFORE DELETE ON verification
BEGIN SELECT RAISE(ABORT, 'a recorded certificate is never deleted'); END;

CREATE TRIGGER verification_same BEFORE UPDATE ON verification
BEGIN SELECT RAISE(ABORT, 'a recorded certificate never changes'); END;
