"""What is measured, against what: one file a question. Run with `make bench`, or `python -m bench NAME …`."""
