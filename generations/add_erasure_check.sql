-- Store the result of a check for what is left of erased records, with its generation.
-- Table: erasure_checks, in the control database.
INSERT INTO erasure_checks (began_at, generation, clean_below, report)
SELECT
    fromUnixTimestamp64Micro({began_us:Int64}, 'UTC'),
    {generation:String},
    {clean_below:Array(UInt64)},
    {report:String}
