"""Turns a session's facts into its state. Pure."""
