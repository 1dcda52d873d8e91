-- How many rows of {{table}} are in a range, and what are the sums of their hashes, by bucket?
-- Table: {{table}} (key: begins with the columns of the condition).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
-- `facts_added` counts facts at positions of the log; `places` adds the hash of a position once for each of its facts.
-- In `facts` they are those that exist, in `receipts` those that the receipts claim.
SELECT
    {{bucket}} AS bucket,
    count() AS found,
    sum(cityHash64([{{hashes}}])) AS content,
    sum({{bytes}}) AS bytes,
    sum({{facts_added}}) AS facts_added,
    sum({{places}}) AS places
FROM {{table}} FINAL
{{range}}
GROUP BY bucket
ORDER BY bucket
