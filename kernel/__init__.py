"""What every part may use, made of the standard library alone."""
