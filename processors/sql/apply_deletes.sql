-- Write the parts of a table anew without the rows that were deleted from them.
-- Table: any from which `sweep` deletes.
ALTER TABLE {table:Identifier} APPLY DELETED MASK
SETTINGS mutations_sync = 0
