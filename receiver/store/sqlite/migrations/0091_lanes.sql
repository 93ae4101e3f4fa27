-- When the next delivery of a lane may begin, by its rate, Unix ms: kept for lanes that have one.
CREATE TABLE lanes (
    lane    TEXT PRIMARY KEY,
    free_at REAL NOT NULL
) WITHOUT ROWID;
