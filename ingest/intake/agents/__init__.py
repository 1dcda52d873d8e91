"""What the agent endpoints share: the session of an agent, and how facts of several sessions are appended."""
