"""The read side's routes, one file a resource."""
