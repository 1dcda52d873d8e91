-- How many rows of facts are in a generation? Facts that were written twice count until they are merged.
-- Table: facts (from its metadata, nothing is read).
SELECT count() AS facts
FROM facts
