"""The write side: a request becomes records, the log makes them durable, then comes the response."""
