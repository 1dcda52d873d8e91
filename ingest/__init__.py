"""The write side: a request becomes facts, the facts become durable in the log, then comes the reply."""
