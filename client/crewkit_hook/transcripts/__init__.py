"""What the readers of all agents' session files share."""
