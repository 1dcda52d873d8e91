"""`make fuzz`: hostile requests of every kind against `up`, a client beside them, and every promise checked."""
