"""Turns states and facts into rows. Pure: equal inputs give equal rows."""
