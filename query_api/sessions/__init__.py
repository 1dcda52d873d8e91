"""The questions about sessions, one file each."""
