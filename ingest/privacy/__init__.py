"""Decides what part of a request may reach the log: no content where none may be stored, and no secrets."""
