"""Bodies and replies of the HTTP API, and what each name in them means."""
