-- Add a job, or a report about one.
-- Table: requests, in the control database.
INSERT INTO requests (id, event, kind, generation, by, partitions, detail)
SELECT
    {id:UUID},
    {event:String},
    {kind:String},
    {generation:String},
    {by:String},
    {partitions:Array(UInt16)},
    {detail:String}
