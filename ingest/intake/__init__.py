"""From a request to records in the log: one file a command."""
