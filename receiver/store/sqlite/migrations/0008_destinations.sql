-- Lanes that did not take what was sent lately: they asked for a wait, or they are paused after failures in a row. A lane
-- that takes everything has no row.
CREATE TABLE destinations (
    lane       TEXT PRIMARY KEY,    -- sink:NAME or order:SOURCE
    wait_until INTEGER NOT NULL,    -- Unix ms
    failures   INTEGER NOT NULL,    -- in a row
    paused_at  INTEGER,             -- Unix ms; NULL = not paused
    probes     INTEGER NOT NULL
) WITHOUT ROWID;

-- Sources whose jobs completed by asking while none of their webhooks came.
CREATE TABLE missing_webhooks (
    source TEXT PRIMARY KEY,
    since  INTEGER NOT NULL,        -- when the first such job was made, Unix ms
    jobs   INTEGER NOT NULL
) WITHOUT ROWID;
