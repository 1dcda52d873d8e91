"""What is found in a session once it has ended."""
