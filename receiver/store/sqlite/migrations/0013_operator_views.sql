-- An operator event is about no job, and neither are its deliveries: no id is shown that belongs to none.
DROP VIEW event_view;
CREATE VIEW event_view AS
SELECT
    'evt_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (events.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    type,
    source,
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (nullif(events.job, 0), '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    'req_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (events.request, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS request_id,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS time,
    CAST(data AS TEXT) AS data,
    number
FROM events;

DROP VIEW delivery_view;
CREATE VIEW delivery_view AS
SELECT
    'dlv_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (deliveries.number, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS id,
    state AS status,
    CASE WHEN event IS NOT NULL THEN substr(lane, instr(lane, ':') + 1) END AS sink,
    CASE WHEN event IS NULL THEN substr(lane, instr(lane, ':') + 1) END AS source,
    'job_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (nullif(deliveries.job, 0), '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS job_id,
    'evt_' || (WITH RECURSIVE text (rest, digits) AS (VALUES (deliveries.event, '') UNION ALL
        SELECT rest >> 5, substr('0123456789abcdefghjkmnpqrstvwxyz', (rest & 31) + 1, 1) || digits
        FROM text WHERE length(digits) < 13) SELECT digits FROM text WHERE length(digits) = 13) AS event_id,
    attempt,
    strftime('%Y-%m-%dT%H:%M:%S', due_at / 1000, 'unixepoch') || printf('.%03dZ', due_at % 1000) AS due_at,
    strftime('%Y-%m-%dT%H:%M:%S', ((number >> 22) + 1577836800000
        - coalesce((SELECT ahead FROM id_leads WHERE id_leads.number <= deliveries.number ORDER BY id_leads.number DESC LIMIT 1), 0)) / 1000, 'unixepoch')
        || printf('.%03dZ', ((number >> 22) + 1577836800000
        - coalesce((SELECT ahead FROM id_leads WHERE id_leads.number <= deliveries.number ORDER BY id_leads.number DESC LIMIT 1), 0)) % 1000) AS created_at,
    number
FROM deliveries;
