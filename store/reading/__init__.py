"""Ask ClickHouse a question: one statement at a time, within limits of time and memory, fair to every org."""
