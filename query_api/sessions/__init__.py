"""What is read about sessions, a file for each question."""
