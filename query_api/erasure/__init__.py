"""One erasure: how far it is, and its certificate."""
