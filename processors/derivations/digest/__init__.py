"""The digest of a session, for the prompt of another session."""
