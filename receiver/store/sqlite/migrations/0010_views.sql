-- For who opens the file with another program: what is kept, under the ids and with the times that gridhook shows. Only
-- read from them: what programs may change goes through the command line and the API. `number` is what the tables join
-- and sort by, and quick to look for.
--
-- An id is its kind and 13 digits of base 32 (receiver/lib/ids.py); its upper 41 bits are the milliseconds since 2020 of
-- the moment when it was made.

CREATE VIEW job_view AS
SELECT
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (jobs.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    jobs.source,
    jobs.provider_job_id,
    jobs.action,
    jobs.status,
    json_extract(job, '$.progress') AS progress,
    json_extract(job, '$.prompt') AS prompt,
    json_extract(job, '$.params') AS params,
    json_extract(job, '$.parent_id') AS parent_id,
    json_extract(job, '$.root_id') AS root_id,
    json_extract(job, '$.rule') AS rule,
    json_extract(job, '$.decided_by') AS decided_by,
    jobs.tags,
    json_extract(job, '$.images') AS images,
    json_extract(job, '$.grid_url') AS grid_url,
    json_extract(job, '$.cost.amount') AS cost,
    json_extract(job, '$.cost.unit') AS cost_unit,
    json_extract(job, '$.error.code') AS error,
    json_extract(job, '$.error.message') AS error_message,
    json_extract(job, '$.hold.reason') AS hold,
    json_extract(job, '$.created_at') AS created_at,
    json_extract(job, '$.submitted_at') AS submitted_at,
    json_extract(job, '$.finished_at') AS finished_at,
    json_extract(job, '$.deadline') AS deadline,
    jobs.number
FROM (
    SELECT jobs.*, coalesce(CAST(events.data AS TEXT), json_extract(CAST(jobs.data AS TEXT), '$.job')) AS job
    FROM jobs LEFT JOIN events ON events.number = jobs.event
) AS jobs;

CREATE VIEW event_view AS
SELECT
    'evt_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (events.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    type,
    source,
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (events.job, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    'req_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (events.request, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS request_id,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS time,
    CAST(data AS TEXT) AS data,
    number
FROM events;

CREATE VIEW request_view AS
SELECT
    'req_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (requests.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    source,
    state AS status,
    proof,
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (requests.ref_job, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    note,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS received_at,
    length(body) AS bytes,
    CAST(headers AS TEXT) AS headers,
    CAST(body AS TEXT) AS body,
    number
FROM (
    -- Where the clock was set back, ids run ahead of it.
    SELECT requests.*, (number >> 22) + 1577836800000 - coalesce((
        SELECT ahead FROM id_leads WHERE id_leads.number <= requests.number ORDER BY id_leads.number DESC LIMIT 1
    ), 0) AS at FROM requests
) AS requests;

CREATE VIEW delivery_view AS
SELECT
    'dlv_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (deliveries.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    state AS status,
    CASE WHEN event IS NOT NULL THEN substr(lane, instr(lane, ':') + 1) END AS sink,
    CASE WHEN event IS NULL THEN substr(lane, instr(lane, ':') + 1) END AS source,
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (deliveries.job, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    'evt_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (deliveries.event, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS event_id,
    attempt,
    strftime('%Y-%m-%dT%H:%M:%S', due_at / 1000, 'unixepoch') || printf('.%03dZ', due_at % 1000) AS due_at,
    strftime('%Y-%m-%dT%H:%M:%S', ((number >> 22) + 1577836800000) / 1000, 'unixepoch')
        || printf('.%03dZ', ((number >> 22) + 1577836800000) % 1000) AS created_at,
    number
FROM deliveries;

CREATE VIEW attempt_view AS
SELECT
    'dlv_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (attempts.delivery, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS delivery_id,
    number AS attempt,
    started_at,
    took_ms,
    outcome,
    status AS http_status,
    note,
    delivery AS delivery_number
FROM attempts;

CREATE VIEW cost_view AS
SELECT
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (costs.job, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    source,
    rule,
    state AS status,
    amount,
    unit,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS reserved_at,
    job AS job_number
FROM costs;

CREATE VIEW breaker_view AS
SELECT
    source,
    code,
    note,
    strftime('%Y-%m-%dT%H:%M:%S', since / 1000, 'unixepoch') || printf('.%03dZ', since % 1000) AS since,
    strftime('%Y-%m-%dT%H:%M:%S', probe_at / 1000, 'unixepoch') || printf('.%03dZ', probe_at % 1000) AS probe_at,
    failures
FROM breakers;
