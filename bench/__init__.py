"""Measurements of speed, cost and memory against marks: one file a subject. Run `make bench`."""
