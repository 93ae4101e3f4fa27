-- Lists take the same time however much is kept. What is rare has an index that holds nothing else, so that a webhook of
-- the usual kind (mapped, its job completed) pays for none of them; what is common is soon found newest first.

CREATE INDEX jobs_status ON jobs (status) WHERE status <> 'completed';
-- Jobs of ours that their vendor works on: they are counted before each order.
CREATE INDEX jobs_live ON jobs (source) WHERE intent IS NOT NULL AND status IN ('submitting', 'queued', 'running');
CREATE INDEX events_type ON events (type) WHERE type NOT IN ('job.progress', 'job.completed');
DROP INDEX requests_unmapped;
CREATE INDEX requests_state ON requests (state) WHERE state <> 'mapped';
CREATE INDEX requests_ref ON requests (ref_job) WHERE ref_job IS NOT NULL;
-- Events made long after the request that they tell of (reparse): all others have a number just above the request's.
CREATE INDEX events_late ON events (request) WHERE request IS NOT NULL AND number - request > 67108864;

-- The jobs with a tag, kept by `put_job` (a trigger would cost every job). Tags never change.
CREATE TABLE tags (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    job   INTEGER NOT NULL,
    PRIMARY KEY (name, value, job)
) WITHOUT ROWID;
INSERT INTO tags SELECT tag.key, tag.value, jobs.number FROM jobs, json_each(jobs.tags) AS tag
WHERE jobs.tags IS NOT NULL;
CREATE TRIGGER jobs_untagged AFTER DELETE ON jobs WHEN OLD.tags IS NOT NULL BEGIN
    DELETE FROM tags WHERE (name, value) IN (SELECT tag.key, tag.value FROM json_each(OLD.tags) AS tag)
        AND job = OLD.number;
END;

-- The costs summed up by UTC days and by quarters of an hour, in which days begin in every time zone. Kept by `put_cost`,
-- so that a budget is judged by some hundred rows however much was ordered.
CREATE TABLE cost_sums (
    size    INTEGER NOT NULL,   -- ms
    at      INTEGER NOT NULL,   -- where the span begins
    source  TEXT NOT NULL,
    rule    TEXT NOT NULL,      -- '' = none
    state   TEXT NOT NULL,
    unit    TEXT NOT NULL,
    amount  TEXT NOT NULL,      -- of those that are known
    unknown INTEGER NOT NULL,
    jobs    INTEGER NOT NULL,
    PRIMARY KEY (size, at, source, rule, state, unit)
) WITHOUT ROWID;
INSERT INTO cost_sums
SELECT sizes.size, at - at % sizes.size AS begins, source, coalesce(rule, ''), state, unit, decimal_sum(amount),
    count(*) - count(amount), count(*)
FROM costs, (SELECT 86400000 AS size UNION ALL SELECT 900000) AS sizes
GROUP BY sizes.size, begins, source, coalesce(rule, ''), state, unit;
-- What is left to look for are the costs of less than a quarter of an hour.
DROP INDEX costs_source;
DROP INDEX costs_rule;
CREATE INDEX costs_at ON costs (at);
