"""From a request to the facts that the log keeps for ever. Pure: time, ids and secrets are arguments."""
