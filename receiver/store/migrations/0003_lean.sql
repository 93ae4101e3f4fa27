-- What is written for each webhook becomes small: the job stands in its newest event, and is found by an integer.

-- The event whose `data` is the job as it is now; NULL = the job stands in the row itself.
ALTER TABLE jobs ADD COLUMN event INTEGER;
-- The job's tags as a JSON object; NULL = it has none.
ALTER TABLE jobs ADD COLUMN tags TEXT;
-- A hash of `provider_job_id` (receiver/store/keys.py).
ALTER TABLE jobs ADD COLUMN key INTEGER;

UPDATE jobs SET key = id_key(provider_job_id), tags = nullif(json_extract(CAST(data AS TEXT), '$.job.tags'), '{}');
DROP INDEX jobs_provider_job_id;
CREATE UNIQUE INDEX jobs_key ON jobs (key, source) WHERE key IS NOT NULL;

-- The next actions of finished jobs, each set of them once; never changed.
CREATE TABLE choices (
    number INTEGER PRIMARY KEY, -- a hash of `body`
    body   BLOB NOT NULL
);
-- The choices that belong into `body` in place of its empty `next_actions`; NULL = it is whole.
ALTER TABLE events ADD COLUMN choices INTEGER;
