"""The hook client of crewkit-sessions: it runs on a developer's machine and needs only the standard library."""

__version__ = "0.1.0"
