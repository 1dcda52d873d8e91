"""`make chaos`: break a working installation again and again, in every way, and then check every number."""
