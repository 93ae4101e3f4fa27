-- The archive that an event tells of. NULL = it tells of none.
ALTER TABLE events ADD COLUMN archive TEXT;
