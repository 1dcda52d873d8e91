-- What did the last check of each generation find, and up to which erasures has any check found nothing left?
-- Table: erasure_checks (key: generation, began_at), in the control database.
SELECT
    generation,
    toUnixTimestamp64Micro(max(began_at)) AS began_us,
    toUnixTimestamp64Milli(argMax(ended_at, began_at)) AS ended_ms,
    argMax(checks.clean_below, began_at) AS clean_below,
    maxForEach(checks.clean_below) AS certified_once,
    argMax(checks.report, began_at) AS report
FROM erasure_checks AS checks
GROUP BY generation
