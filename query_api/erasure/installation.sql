-- Which installation is this?
-- Table: installation (one row counts, the first one), in the control database.
SELECT secrets AS fingerprint
FROM installation
ORDER BY at
LIMIT 1
