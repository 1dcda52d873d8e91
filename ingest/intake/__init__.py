"""From a request to records in the log: one file per command."""
