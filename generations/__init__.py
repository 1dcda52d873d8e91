"""A generation is one set of the derived tables. Here one is made, filled, proven, switched to and dropped."""
