"""State and facts become rows here; pure, and the same whenever they are the same."""
