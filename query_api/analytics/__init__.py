"""The questions about many sessions at once, one file each."""
