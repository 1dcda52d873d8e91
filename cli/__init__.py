"""The `crewkit-sessions` command: thin, one file a group of commands."""
