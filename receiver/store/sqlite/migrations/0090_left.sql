-- When a person left a dead letter, Unix ms: it is out of their inbox, and can still be redelivered. NULL = nobody did.
ALTER TABLE deliveries ADD COLUMN left_at INTEGER;
-- The dead letters that nobody left: what the inbox shows and counts.
CREATE INDEX deliveries_unseen ON deliveries (number) WHERE state = 'dead' AND left_at IS NULL;
