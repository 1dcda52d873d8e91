"""Work that operators request of an installation: the rules, the routes, and the state of all generations."""
