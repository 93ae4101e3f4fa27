-- What is left of jobs that were pruned: a hash of source and vendor's id (receiver/store/sql/keys.py). A late repeat of such a
-- job's webhook must not make a new job, whose rules would order again.
CREATE TABLE forgotten (
    key INTEGER PRIMARY KEY
);
