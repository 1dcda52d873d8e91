"""Checks that every position of the log has its receipt, and that every stored number matches its facts."""
