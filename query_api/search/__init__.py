"""Searching the sessions: what was asked, and where it stands in what was found. Pure; the store does the finding."""
