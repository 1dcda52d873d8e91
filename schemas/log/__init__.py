"""The log's contract: records, their bytes, the topic, and positions."""
