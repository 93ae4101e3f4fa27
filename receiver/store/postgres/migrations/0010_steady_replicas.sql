-- Since when a process has been seen without a gap. Who has just come back itself, as all do after the database was away,
-- cannot tell yet who else lives.
ALTER TABLE replicas ADD COLUMN steady_since timestamptz NOT NULL DEFAULT clock_timestamp();
