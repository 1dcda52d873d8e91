-- Which generation do readers use, how many partitions feed it, and which fold version built it? No row: none is live.
-- Table: generations, in the control database (small, read whole).
WITH
    (SELECT argMax(name, at) FROM generations WHERE event = 'live') AS live
SELECT
    live AS name,
    max(generations.partitions) AS partitions,
    max(generations.fold_version) AS fold_version
FROM generations
WHERE generations.name = live
GROUP BY live
