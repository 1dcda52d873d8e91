-- Which generation do readers use, and how many partitions feed it?
-- Table: generations, in the control database (small, read whole). No row: none is live.
WITH
    (SELECT argMax(name, at) FROM generations WHERE event = 'live') AS live
SELECT
    live AS name,
    max(generations.partitions) AS partitions
FROM generations
WHERE generations.name = live
GROUP BY live
