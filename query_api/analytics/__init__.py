"""What is read about many sessions at once, a file for each question."""
