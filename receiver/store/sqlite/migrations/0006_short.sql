-- A list of three or more behind IN makes SQLite fill a table with it for every job that is written, to see whether the
-- job belongs into the index. The same conditions in plain comparisons.

DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (source, status)
WHERE status <> 'completed' AND status <> 'failed' AND status <> 'canceled';

DROP INDEX jobs_live;
CREATE INDEX jobs_live ON jobs (source)
WHERE intent IS NOT NULL AND (status = 'submitting' OR status = 'queued' OR status = 'running');
