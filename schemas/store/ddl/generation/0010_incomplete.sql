-- Whether the latest report says that something may be missing: a client that was killed leaves what it had written.
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS is_incomplete Bool;
