"""The log's port and its two adapters: Kafka and SQLite."""
