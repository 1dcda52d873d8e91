-- Add an event of a generation, unless the request behind it has ended (a process may be late).
-- Table: generations, requests, in the control database.
INSERT INTO generations (name, event, fold_version, prices_sha256, partitions)
SELECT
    {name:String},
    {event:String},
    {fold_version:UInt32},
    {prices_sha256:String},
    {partitions:UInt16}
WHERE {request:UUID} NOT IN (SELECT id FROM requests WHERE event IN ('done', 'failed'))
