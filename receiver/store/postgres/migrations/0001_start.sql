-- The same tables as in receiver/store/sqlite/migrations, with the same columns in the same order, so that the same
-- statements run on them. What an index of SQLite carries by itself, the row's number, is written out here.

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
-- What of `meta` is a number.
CREATE TABLE meta_numbers (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
CREATE TABLE requests (
    number  bigint PRIMARY KEY,
    source  text NOT NULL,
    state   text NOT NULL,
    proof   text NOT NULL,
    ref_job bigint,
    note    text,
    headers bytea NOT NULL,
    body    bytea NOT NULL,
    sender  text
);
CREATE INDEX requests_state ON requests (state, number) WHERE state <> 'mapped';
CREATE INDEX requests_ref ON requests (ref_job) WHERE ref_job IS NOT NULL;

CREATE TABLE jobs (
    number          bigint PRIMARY KEY,
    source          text COLLATE "C" NOT NULL,
    provider_job_id text,
    status          text COLLATE "C" NOT NULL,
    action          text,
    parent          bigint,
    root            bigint NOT NULL,
    intent          text COLLATE "C",
    data            bytea NOT NULL,
    check_at        bigint,
    event           bigint,
    tags            text,
    key             bigint,
    question        text COLLATE "C"
);
CREATE UNIQUE INDEX jobs_key ON jobs (key, source) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX jobs_intent ON jobs (intent) WHERE intent IS NOT NULL;
CREATE UNIQUE INDEX jobs_question ON jobs (question) WHERE question IS NOT NULL;
CREATE INDEX jobs_root ON jobs (root, number) WHERE parent IS NOT NULL;
CREATE INDEX jobs_parent ON jobs (parent, number) WHERE parent IS NOT NULL;
CREATE INDEX jobs_open ON jobs (source, status)
    WHERE status <> 'completed' AND status <> 'failed' AND status <> 'canceled';
CREATE INDEX jobs_live ON jobs (source)
    WHERE intent IS NOT NULL AND (status = 'submitting' OR status = 'queued' OR status = 'running');
CREATE INDEX jobs_status ON jobs (status, number) WHERE status <> 'completed';
CREATE INDEX jobs_check ON jobs (source, check_at, number) WHERE check_at IS NOT NULL;
CREATE INDEX jobs_judged ON jobs (number) WHERE status = 'held' AND (question IS NULL OR question <> intent);

CREATE TABLE events (
    number  bigint PRIMARY KEY,
    job     bigint NOT NULL,
    key     bigint NOT NULL,
    type    text NOT NULL,
    source  text NOT NULL,
    request bigint,
    at      bigint NOT NULL,
    archive text,
    choices bigint,
    data    bytea NOT NULL,
    -- The transaction that wrote it: whoever follows events goes by the order of these.
    tx      xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE UNIQUE INDEX events_key ON events (job, key);
CREATE INDEX events_tx ON events (tx, number);
CREATE INDEX events_type ON events (type, number) WHERE type NOT IN ('job.progress', 'job.completed');
CREATE INDEX events_late ON events (request) WHERE request IS NOT NULL AND number - request > 67108864;

CREATE TABLE choices (
    number bigint PRIMARY KEY,
    body   bytea NOT NULL
);
CREATE TABLE tags (
    name  text NOT NULL,
    value text NOT NULL,
    job   bigint NOT NULL,
    PRIMARY KEY (name, value, job)
);
CREATE INDEX tags_job ON tags (job);
CREATE FUNCTION untag() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM tags WHERE job = OLD.number; RETURN NULL; END $$;
CREATE TRIGGER jobs_untagged AFTER DELETE ON jobs FOR EACH ROW WHEN (OLD.tags IS NOT NULL) EXECUTE FUNCTION untag();

CREATE TABLE deliveries (
    number   bigint PRIMARY KEY,
    lane     text NOT NULL,
    job      bigint NOT NULL,
    event    bigint,
    state    text NOT NULL,
    due_at   bigint NOT NULL,
    attempt  bigint NOT NULL,
    base     bigint NOT NULL,
    receipt  text,
    owner    bigint,
    left_at  bigint
);
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX deliveries_due ON deliveries (lane, due_at, number) WHERE state = 'pending';
CREATE INDEX deliveries_running ON deliveries (lane) WHERE state = 'running';
CREATE INDEX deliveries_dead ON deliveries (number) WHERE state = 'dead';
CREATE INDEX deliveries_unseen ON deliveries (number) WHERE state = 'dead' AND left_at IS NULL;
CREATE INDEX deliveries_job ON deliveries (job);
CREATE UNIQUE INDEX deliveries_order ON deliveries (job) WHERE event IS NULL;

CREATE TABLE attempts (
    delivery   bigint NOT NULL,
    number     bigint NOT NULL,
    started_at text NOT NULL,
    took_ms    bigint NOT NULL,
    outcome    text NOT NULL,
    status     bigint,
    note       text,
    PRIMARY KEY (delivery, number)
);
CREATE TABLE lanes (
    lane    text PRIMARY KEY,
    free_at double precision NOT NULL
);
CREATE TABLE destinations (
    lane       text PRIMARY KEY,
    wait_until bigint NOT NULL,
    failures   bigint NOT NULL,
    paused_at  bigint,
    probes     bigint NOT NULL
);
CREATE TABLE missing_webhooks (
    source text PRIMARY KEY,
    since  bigint NOT NULL,
    jobs   bigint NOT NULL
);
CREATE TABLE costs (
    job    bigint PRIMARY KEY,
    source text NOT NULL,
    rule   text,
    at     bigint NOT NULL,
    state  text NOT NULL,
    unit   text NOT NULL,
    amount text
);
CREATE INDEX costs_at ON costs (at);
CREATE TABLE cost_sums (
    size    bigint NOT NULL,
    at      bigint NOT NULL,
    source  text NOT NULL,
    rule    text NOT NULL,
    state   text NOT NULL,
    unit    text NOT NULL,
    amount  text NOT NULL,
    unknown bigint NOT NULL,
    jobs    bigint NOT NULL,
    PRIMARY KEY (size, at, source, rule, state, unit)
);
CREATE TABLE breakers (
    source   text COLLATE "C" PRIMARY KEY,
    code     text NOT NULL,
    note     text NOT NULL,
    since    bigint NOT NULL,
    probe_at bigint NOT NULL,
    failures bigint NOT NULL
);
CREATE TABLE job_warnings (
    source  text NOT NULL,
    warning text NOT NULL,
    jobs    bigint NOT NULL,
    PRIMARY KEY (source, warning)
);
CREATE TABLE forgotten (
    key bigint PRIMARY KEY
);
CREATE TABLE id_leads (
    number bigint PRIMARY KEY,
    ahead  bigint NOT NULL
);
CREATE TABLE refused (
    number  bigint PRIMARY KEY,
    at      bigint NOT NULL,
    source  text,
    reason  text NOT NULL,
    sender  text NOT NULL,
    headers text NOT NULL
);
CREATE TABLE refusal_bursts (
    source  text PRIMARY KEY,
    told_at bigint NOT NULL
);
CREATE TABLE inline_pictures (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job    bigint NOT NULL,
    sha256 bytea NOT NULL,
    body   bytea NOT NULL,
    UNIQUE (sha256, job)
);
CREATE INDEX inline_pictures_job ON inline_pictures (job);

-- The processes on this database: who has not been seen for a while is gone, and what it claimed is lost.
CREATE TABLE replicas (
    slot         integer PRIMARY KEY,
    owner        bigint NOT NULL,
    dispatches   boolean NOT NULL DEFAULT false,
    seen_at      timestamptz NOT NULL
);
