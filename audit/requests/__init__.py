"""Work that operators request from an installation: the rules, the routes, and the state of all generations."""
