"""From a session's facts to its state. Pure."""
