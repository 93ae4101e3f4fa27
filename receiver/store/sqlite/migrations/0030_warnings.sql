-- How many jobs of a source ended with a warning, such as "no_picture".
CREATE TABLE job_warnings (
    source TEXT NOT NULL,
    warning TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (source, warning)
) STRICT, WITHOUT ROWID;
