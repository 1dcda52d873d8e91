"""Code that every package may use. It needs only the standard library."""
