-- How many rows of facts does a generation have? A fact that was written twice counts twice until it is merged.
-- Table: facts (only its metadata; no rows are read).
SELECT count() AS facts
FROM facts
