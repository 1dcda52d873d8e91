-- How many active parts does each table of this generation have?
-- Table: system.parts.
SELECT
    table,
    count() AS parts
FROM system.parts
WHERE database = currentDatabase()
  AND active
GROUP BY table
ORDER BY table
