-- Which parts of these tables were replaced, but are still on the disk?
-- Tables: system.parts.
SELECT
    table,
    name
FROM system.parts
WHERE database = currentDatabase()
  AND table IN {tables:Array(String)}
  AND NOT active
