-- The views that a SQLite file has, with the same columns, for who opens the database with another program; read only.

CREATE FUNCTION id_text(kind text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT $1 || '_' || string_agg(
        substr('0123456789abcdefghjkmnpqrstvwxyz', (($2 >> (5 * place)) & 31)::integer + 1, 1), '' ORDER BY place DESC
    ) FROM generate_series(0, 12) AS place;
END;
CREATE FUNCTION moment_text(ms bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT to_char(timestamp 'epoch' + $1 * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
END;
-- When an id was made: its upper bits tell, but for how far ids ran ahead of a clock that was set back.
CREATE FUNCTION id_moment(number bigint) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT moment_text(($1 >> 22) + 1577836800000 - coalesce(
        (SELECT ahead FROM id_leads WHERE id_leads.number <= $1 ORDER BY id_leads.number DESC LIMIT 1), 0
    ));
END;
-- Foreign bytes as text; what is no UTF-8, or holds a zero byte, with its bytes written out.
CREATE FUNCTION bytes_text(body bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN convert_from(body, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN encode(body, 'escape');
END $$;
-- Our own JSON; PostgreSQL takes no text out of JSON in which a U+0000 stands anywhere.
CREATE FUNCTION kept_json(data bytea) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(convert_from($1, 'UTF8'), '\u0000', '\ufffd')::json;
END;

CREATE VIEW job_view AS
SELECT
    id_text('job', jobs.number) AS id,
    jobs.source,
    jobs.provider_job_id,
    jobs.action,
    jobs.status,
    (kept.body ->> 'progress')::integer AS progress,
    kept.body ->> 'prompt' AS prompt,
    kept.body ->> 'params' AS params,
    kept.body ->> 'parent_id' AS parent_id,
    kept.body ->> 'root_id' AS root_id,
    kept.body ->> 'rule' AS rule,
    kept.body ->> 'decided_by' AS decided_by,
    jobs.tags,
    kept.body ->> 'images' AS images,
    kept.body ->> 'grid_url' AS grid_url,
    kept.body #>> '{cost,amount}' AS cost,
    kept.body #>> '{cost,unit}' AS cost_unit,
    kept.body #>> '{error,code}' AS error,
    kept.body #>> '{error,message}' AS error_message,
    kept.body #>> '{hold,reason}' AS hold,
    kept.body ->> 'created_at' AS created_at,
    kept.body ->> 'submitted_at' AS submitted_at,
    kept.body ->> 'finished_at' AS finished_at,
    kept.body ->> 'deadline' AS deadline,
    jobs.number
FROM jobs LEFT JOIN events ON events.number = jobs.event,
LATERAL (SELECT coalesce(kept_json(events.data), kept_json(jobs.data) -> 'job') AS body) AS kept;

CREATE VIEW event_view AS
SELECT
    id_text('evt', number) AS id,
    type,
    source,
    id_text('job', nullif(job, 0)) AS job_id,
    id_text('req', request) AS request_id,
    moment_text(at) AS time,
    convert_from(data, 'UTF8') AS data,
    number
FROM events;

CREATE VIEW request_view AS
SELECT
    id_text('req', number) AS id,
    source,
    state AS status,
    proof,
    id_text('job', ref_job) AS job_id,
    note,
    nullif(sender, '') AS sender,
    id_moment(number) AS received_at,
    length(body) AS bytes,
    bytes_text(headers) AS headers,
    bytes_text(body) AS body,
    number
FROM requests;

CREATE VIEW delivery_view AS
SELECT
    id_text('dlv', number) AS id,
    state AS status,
    CASE WHEN event IS NOT NULL THEN substr(lane, strpos(lane, ':') + 1) END AS sink,
    CASE WHEN event IS NULL THEN substr(lane, strpos(lane, ':') + 1) END AS source,
    id_text('job', nullif(job, 0)) AS job_id,
    id_text('evt', event) AS event_id,
    attempt,
    moment_text(due_at) AS due_at,
    id_moment(number) AS created_at,
    number
FROM deliveries;

CREATE VIEW attempt_view AS
SELECT
    id_text('dlv', delivery) AS delivery_id,
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
    id_text('job', job) AS job_id,
    source,
    rule,
    state AS status,
    amount,
    unit,
    moment_text(at) AS reserved_at,
    job AS job_number
FROM costs;

CREATE VIEW breaker_view AS
SELECT
    source,
    code,
    note,
    moment_text(since) AS since,
    moment_text(probe_at) AS probe_at,
    failures
FROM breakers;

CREATE VIEW refused_view AS
SELECT
    moment_text(at) AS time,
    source,
    reason,
    sender,
    headers,
    number
FROM refused;
