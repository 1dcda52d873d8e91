-- The words of what was said and done: prompts, answers, commands, paths and errors. All facts of a record that count
-- share one text, in the row of the first of them: so the index has a posting for each record, not for each fact, and
-- needs a third of the time and of the disk. It has the form of `sessions.search_text`.
-- Facts that an earlier version projected have none. `has_words` says of which records that is true: a replay adds them.
ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS words String DEFAULT '' CODEC(ZSTD(1));

ALTER TABLE facts
    ADD INDEX IF NOT EXISTS by_word words TYPE text(tokenizer = splitByString([' ']));

ALTER TABLE receipts
    ADD COLUMN IF NOT EXISTS has_words Bool DEFAULT false;

ALTER TABLE receipts
    ADD INDEX IF NOT EXISTS by_has_words has_words TYPE minmax;
