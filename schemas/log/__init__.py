"""What is in the log: its records, their bytes, and the topic and positions that hold them."""
