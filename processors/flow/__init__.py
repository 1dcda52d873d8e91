"""When a batch may be taken and written: pauses, rates, outages, and who watches."""
