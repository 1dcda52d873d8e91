-- Since when have all checks of a generation found nothing of the erasures at these positions? Others have no row.
-- Table: erasure_checks (key: generation, began_at), in the control database.
SELECT
    generation,
    toUnixTimestamp64Milli(found[last_unclean + 1].3) AS certified_ms
FROM
(
    SELECT
        generation,
        arraySort(groupArray((began_at, is_clean, ended_at))) AS found,
        arrayLastIndex(check -> NOT check.2, found) AS last_unclean
    FROM
    (
        SELECT
            generation,
            began_at,
            ended_at,
            arrayAll(
                position -> clean_below[position.1 + 1] > position.2,
                {positions:Array(Tuple(UInt16, UInt64))}) AS is_clean
        FROM erasure_checks
    )
    GROUP BY generation
)
WHERE last_unclean < length(found)
