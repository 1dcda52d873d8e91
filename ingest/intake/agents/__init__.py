"""What the doors for agents share: the session of an agent, and how facts of several sessions are appended."""
