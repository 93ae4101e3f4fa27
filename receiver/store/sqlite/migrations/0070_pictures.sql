-- Pictures that vendors sent within a webhook or an answer, in place of an address. A job names them by their hash.
CREATE TABLE inline_pictures (
    number INTEGER PRIMARY KEY,
    job    INTEGER NOT NULL,
    sha256 BLOB    NOT NULL,
    body   BLOB    NOT NULL,
    UNIQUE (sha256, job)
);
CREATE INDEX inline_pictures_job ON inline_pictures (job);
