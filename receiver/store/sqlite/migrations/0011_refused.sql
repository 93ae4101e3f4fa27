-- The newest requests that were refused: why, from where, and the names of their headers; nothing else of them is kept.
-- Numbers count all that were refused, so a gap is as many as were refused between two that are kept.
CREATE TABLE refused (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,   -- Unix ms
    source  TEXT,               -- NULL = it named none that there is
    reason  TEXT NOT NULL,
    sender  TEXT NOT NULL,      -- address
    headers TEXT NOT NULL       -- JSON: names
);

-- When the operator was last told of a burst of requests of a source that were not verified.
CREATE TABLE refusal_bursts (
    source  TEXT PRIMARY KEY,
    told_at INTEGER NOT NULL    -- Unix ms
) WITHOUT ROWID;

CREATE VIEW refused_view AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS time,
    source,
    reason,
    sender,
    headers,
    number
FROM refused;
