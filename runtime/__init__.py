"""The parts that make up a process."""
