"""The production shape on one machine without containers, for development and tests."""
