-- How many active parts does each table of this generation have, and how many bytes?
-- Table: system.parts.
SELECT
    table,
    count() AS parts,
    sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE database = currentDatabase()
  AND active
GROUP BY table
ORDER BY table
