"""What of a request may reach the log: no content where none may be kept, and no secret."""
