"""What the tests need from outside: a real broker, and topics of their own."""
