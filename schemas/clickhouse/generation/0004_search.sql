-- The words of a session, folded (`schemas.words`), and the index that finds the sessions which have a word.
-- Sessions that were projected before this file have none until they are replayed into a new generation.
ALTER TABLE sessions
    ADD COLUMN search_text String CODEC(ZSTD(1)),
    ADD INDEX by_word search_text TYPE text(tokenizer = splitByString([' ']));
