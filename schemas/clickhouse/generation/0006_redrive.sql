-- The position of the dead letter that a record repeats, so that both can be shown together.
ALTER TABLE records ADD COLUMN IF NOT EXISTS redrive_of String DEFAULT '' AFTER added;
