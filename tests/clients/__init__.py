"""Tests with unmodified agents: `make clients` installs them and runs these tests."""
