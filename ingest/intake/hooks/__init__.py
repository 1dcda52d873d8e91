"""The endpoint for coding agents' hooks."""
