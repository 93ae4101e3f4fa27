-- Numbers are time-ordered 63-bit ids (receiver/lib/ids.py); times are Unix milliseconds; bodies are JSON unless foreign.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- What came in, verbatim. Never changed but for `state` and `note` (reparse).
CREATE TABLE requests (
    number  INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    state   TEXT NOT NULL,      -- mapped, unmapped, unreadable
    proof   TEXT NOT NULL,      -- secret, signature, ref, token
    ref_job INTEGER,
    note    TEXT,
    headers BLOB NOT NULL,
    body    BLOB NOT NULL
);
CREATE INDEX requests_unmapped ON requests (number) WHERE state <> 'mapped';

-- `data` is the whole KeptJob; the other columns are what queries and constraints need of it.
CREATE TABLE jobs (
    number          INTEGER PRIMARY KEY,
    source          TEXT NOT NULL,
    provider_job_id TEXT,
    status          TEXT NOT NULL,
    action          TEXT,
    parent          INTEGER,
    root            INTEGER NOT NULL,
    intent          TEXT,
    data            BLOB NOT NULL
);
CREATE UNIQUE INDEX jobs_provider_job_id ON jobs (source, provider_job_id) WHERE provider_job_id IS NOT NULL;
-- The index, not code, stops doubles: one intent is one job.
CREATE UNIQUE INDEX jobs_intent ON jobs (intent) WHERE intent IS NOT NULL;
CREATE INDEX jobs_open ON jobs (source, status) WHERE status NOT IN ('completed', 'failed', 'canceled');
CREATE INDEX jobs_root ON jobs (root) WHERE parent IS NOT NULL;
CREATE INDEX jobs_parent ON jobs (parent) WHERE parent IS NOT NULL;

-- `body` is the CloudEvent as sinks get it.
CREATE TABLE events (
    number  INTEGER PRIMARY KEY,
    job     INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    type    TEXT NOT NULL,
    source  TEXT NOT NULL,
    request INTEGER,
    body    BLOB NOT NULL
);
CREATE UNIQUE INDEX events_key ON events (job, key);

CREATE TABLE deliveries (
    number   INTEGER PRIMARY KEY,
    lane     TEXT NOT NULL,     -- sink:NAME or order:SOURCE
    job      INTEGER NOT NULL,
    event    INTEGER,           -- NULL for an order
    state    TEXT NOT NULL,     -- pending, running, done, dead
    due_at   INTEGER NOT NULL,  -- "not before" when pending, "lease until" when running
    attempt  INTEGER NOT NULL,
    base     INTEGER NOT NULL,  -- attempts made before it was last redelivered
    receipt  TEXT
);
CREATE INDEX deliveries_due ON deliveries (lane, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_running ON deliveries (lane) WHERE state = 'running';
CREATE INDEX deliveries_dead ON deliveries (number) WHERE state = 'dead';
CREATE INDEX deliveries_job ON deliveries (job);
CREATE UNIQUE INDEX deliveries_order ON deliveries (job) WHERE event IS NULL;

CREATE TABLE attempts (
    delivery   INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    took_ms    INTEGER NOT NULL,
    outcome    TEXT NOT NULL,
    status     INTEGER,
    note       TEXT,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;
