-- What was reported about the latest jobs? If a process repeats an event of a job, the last row counts.
-- Table: requests, in the control database (small, read whole).
SELECT
    toUnixTimestamp64Micro(at) AS at_us,
    toUnixTimestamp64Micro(now64(6)) - at_us AS age_us,
    id,
    event,
    kind,
    generation,
    by,
    partitions,
    detail
FROM
(
    SELECT
        at,
        id,
        event,
        kind,
        generation,
        by,
        partitions,
        detail
    FROM requests
    WHERE id IN (SELECT id FROM requests WHERE event = 'requested' ORDER BY at DESC LIMIT {limit:UInt32})
    ORDER BY at DESC
    LIMIT 1 BY id, event, by, partitions
)
ORDER BY at
