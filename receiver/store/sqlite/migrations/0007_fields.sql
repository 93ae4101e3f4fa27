-- What gridhook itself must know of a job leaves `facts`, which belongs to the provider code: it stands beside it in
-- `jobs.data`, under the names of `KeptJob`. (That is so too where the job stands in its event: only `job` is not there.)

-- A merge by `json_patch`: NULL takes a name away, so what was not there, or says no more than its absence, costs nothing.
-- A value of another type than ours was none of ours. Jobs without facts are told by their bytes and not read as JSON.
UPDATE jobs SET data = (SELECT CAST(json_patch(text, json_object(
    'submission_digest', CASE json_type(text, '$.facts.submission') WHEN 'text' THEN json_extract(text, '$.facts.submission') END,
    'first_sent_at', CASE json_type(text, '$.facts.sent_at') WHEN 'integer' THEN json_extract(text, '$.facts.sent_at') END,
    'was_unsure', CASE json_type(text, '$.facts.unsure') WHEN 'true' THEN json('true') END,
    'sent_twice', CASE json_type(text, '$.facts.twice') WHEN 'true' THEN json('true') END,
    'is_probe', CASE json_type(text, '$.facts.probe') WHEN 'true' THEN json('true') END,
    'is_unproven', CASE json_type(text, '$.facts.unproven') WHEN 'true' THEN json('true') END,
    'missed_checks', CASE json_type(text, '$.facts.misses') WHEN 'integer' THEN nullif(json_extract(text, '$.facts.misses'), 0) END,
    'cancel_wanted', CASE json_type(text, '$.facts.cancel') WHEN 'true' THEN json('true') END,
    'replaced_by', CASE json_type(text, '$.facts.same_as') WHEN 'text' THEN json_extract(text, '$.facts.same_as') END,
    'awaits_step', CASE json_type(text, '$.facts.modal') WHEN 'true' THEN json('true') END,
    'sibling_ids', CASE json_type(text, '$.facts.siblings') WHEN 'array' THEN json_extract(text, '$.facts.siblings') END,
    'facts', json('{"submission": null, "sent_at": null, "unsure": null, "twice": null, "probe": null, "unproven": null,
        "misses": null, "cancel": null, "same_as": null, "modal": null, "siblings": null}')
)) AS BLOB) FROM (SELECT CAST(data AS TEXT) AS text))
WHERE instr(data, CAST('"facts"' AS BLOB));

-- A look at a job is called a check everywhere else. The index is one of the jobs that are open.
ALTER TABLE jobs RENAME COLUMN look_at TO check_at;
DROP INDEX jobs_look;
CREATE INDEX jobs_check ON jobs (source, check_at) WHERE check_at IS NOT NULL;
