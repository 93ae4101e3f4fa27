-- Where a request came from: its address, behind trusted proxies the real one. NULL = not known, as of earlier ones.
ALTER TABLE requests ADD COLUMN sender TEXT;

DROP VIEW request_view;
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
    nullif(sender, '') AS sender,
    strftime('%Y-%m-%dT%H:%M:%S', ((number >> 22) + 1577836800000
        - coalesce((SELECT ahead FROM id_leads WHERE id_leads.number <= requests.number ORDER BY id_leads.number DESC LIMIT 1), 0)) / 1000, 'unixepoch')
        || printf('.%03dZ', ((number >> 22) + 1577836800000
        - coalesce((SELECT ahead FROM id_leads WHERE id_leads.number <= requests.number ORDER BY id_leads.number DESC LIMIT 1), 0)) % 1000) AS received_at,
    length(body) AS bytes,
    CAST(headers AS TEXT) AS headers,
    CAST(body AS TEXT) AS body,
    number
FROM requests;
