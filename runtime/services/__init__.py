"""The processes that serve: one file for each, and what they share."""
