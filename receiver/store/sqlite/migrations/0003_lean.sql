-- What is written for each webhook becomes small: the job stands in its newest event, and is found by an integer.

-- The event whose `data` is the job as it is now; NULL = the job stands in the row itself.
ALTER TABLE jobs ADD COLUMN event INTEGER;
-- The job's tags as a JSON object; NULL = it has none.
ALTER TABLE jobs ADD COLUMN tags TEXT;
-- A hash of `provider_job_id` (receiver/store/sql/keys.py).
ALTER TABLE jobs ADD COLUMN key INTEGER;

UPDATE jobs SET key = id_key(provider_job_id), tags = nullif(json_extract(CAST(data AS TEXT), '$.job.tags'), '{}');
DROP INDEX jobs_provider_job_id;
CREATE UNIQUE INDEX jobs_key ON jobs (key, source) WHERE key IS NOT NULL;

-- The next actions of finished jobs, each set of them once; never changed.
CREATE TABLE choices (
    number INTEGER PRIMARY KEY, -- a hash of `body`
    body   BLOB NOT NULL
);
-- The choices that belong into the job's empty `next_actions`; NULL = it is whole.
ALTER TABLE events ADD COLUMN choices INTEGER;

-- Of an event only the job as it was is kept as JSON: all else that goes out stands in columns. `at` is its time, Unix ms.
ALTER TABLE events ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events RENAME COLUMN body TO data;
UPDATE events SET at = CAST(strftime('%s', json_extract(CAST(data AS TEXT), '$.time')) AS INTEGER) * 1000
        + CAST(substr(json_extract(CAST(data AS TEXT), '$.time'), 21, 3) AS INTEGER),
    data = CAST(json_extract(CAST(data AS TEXT), '$.data') AS BLOB);
