"""Checking the promise: every position of the log has its receipt, and every stored number is what its facts say."""
