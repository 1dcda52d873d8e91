"""Hook events: from a batch to records."""
