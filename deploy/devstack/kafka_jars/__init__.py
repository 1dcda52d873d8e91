"""One Kafka broker on this machine, run from jars: for `crewkit-sessions stack` and the tests, not for production.

`jars.py` fetches the jars, `broker.py` writes the configuration and runs the broker, `users.py` says who may connect,
`probe.py` asks whether it serves (`scram.py` is how it logs in).
"""
