"""The hook client of crewkit-sessions: it runs on a developer's machine, and needs the standard library only."""

__version__ = "0.1.0"
