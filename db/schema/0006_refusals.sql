-- The ledger, version 6: what was refused, so that a restart forgets nothing of it.
--
-- Counts, not requests: one row for each half day, reason, batch and station, written now and then in the background.  No device ever waits for it,
-- nothing here is true by itself, and whoever loses these rows loses no certificate.

CREATE TABLE refusal (
	from_us		INTEGER NOT NULL,			-- when its half day begins
	code		TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 31),	-- 'csr_malformed'
	batch		TEXT NOT NULL CHECK (length(batch) <= 64),	-- '' = none, or one that does not exist
	station		TEXT NOT NULL CHECK (length(station) <= 64),	-- the token's name, or the address; '' = more of them than are kept apart
	count		INTEGER NOT NULL CHECK (count > 0),
	first_at_us	INTEGER NOT NULL,
	last_at_us	INTEGER NOT NULL,
	device_id	TEXT NOT NULL CHECK (length(device_id) <= 128),	-- the last one; '' = not known
	PRIMARY KEY (from_us, code, batch, station)
) STRICT, WITHOUT ROWID;

CREATE INDEX refusal_batch ON refusal (batch, from_us);

-- How many in each quarter of an hour, for the chart.
CREATE TABLE refused (
	from_us	INTEGER PRIMARY KEY,			-- when the quarter begins
	count	INTEGER NOT NULL CHECK (count > 0)
) STRICT;
