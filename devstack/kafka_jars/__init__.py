"""One Kafka broker on this machine, run from jars: for `crewkit-sessions stack` and the tests, not for production.

`jars.py` fetches the jars and archives their classes, `broker.py` writes the configuration and runs the broker,
`users.py` holds the users, `probe.py` checks whether the broker serves.
"""
