-- Questions: picks that wait for a person. `question` is what makes one unique, whatever becomes of it; `intent` is the same
-- until it is answered, and that of the pick of this tile from then on. So one index stops a second question, and the
-- other one a second order of the same tile. NULL = it is no question.
ALTER TABLE jobs ADD COLUMN question TEXT;
CREATE UNIQUE INDEX jobs_question ON jobs (question) WHERE question IS NOT NULL;
-- What is held, but for questions: those wait for nothing but a person and their deadline.
CREATE INDEX jobs_judged ON jobs (status) WHERE status = 'held' AND (question IS NULL OR question <> intent);
