-- What orders cost, when to look at jobs, and which sources must not order.

-- One row a job that may cost something: reserved when it is planned, settled by what becomes of it. Amounts are decimal
-- text, never floats; NULL = not known.
CREATE TABLE costs (
    job    INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    rule   TEXT,
    at     INTEGER NOT NULL,    -- the moment of the reservation: it counts in that day's budget
    state  TEXT NOT NULL,       -- reserved, spent, released
    unit   TEXT NOT NULL,
    amount TEXT
);
CREATE INDEX costs_source ON costs (source, at);
CREATE INDEX costs_rule ON costs (rule, at) WHERE rule IS NOT NULL;

-- When to ask the vendor about a job, or to look whether its hold is over.
ALTER TABLE jobs ADD COLUMN look_at INTEGER;
CREATE INDEX jobs_look ON jobs (source, look_at) WHERE look_at IS NOT NULL;

-- A source whose account refuses orders (no credits, bad key): nothing is ordered there until a probe gets through.
CREATE TABLE breakers (
    source   TEXT PRIMARY KEY,
    code     TEXT NOT NULL,
    note     TEXT NOT NULL,
    since    INTEGER NOT NULL,
    probe_at INTEGER NOT NULL,
    failures INTEGER NOT NULL
) WITHOUT ROWID;
