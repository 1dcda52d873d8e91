"""Commands about a session: create, change, end, compact."""
