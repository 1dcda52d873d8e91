"""Sessions that are derived from what agents send: their ids, their creation, and how their facts are appended."""
