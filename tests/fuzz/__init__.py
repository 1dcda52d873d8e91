"""`make fuzz`: attack `up` with hostile requests beside a well-behaved client, and check every promise."""
