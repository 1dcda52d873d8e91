"""`make chaos`: an installation at work, broken in every way again and again, and then every number is checked."""
