"""The door for the hooks of coding agents."""
