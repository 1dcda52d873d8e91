-- Store the report of a proof, with its generation.
-- Table: proofs, in the control database.
INSERT INTO proofs (generation, compared_with, request, equal, report)
SELECT
    {generation:String},
    {compared_with:String},
    {request:UUID},
    {equal:Bool},
    {report:String}
