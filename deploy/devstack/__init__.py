"""The production layout on one machine without containers, for development and tests."""
