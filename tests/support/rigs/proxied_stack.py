"""Run `stack` behind two proxies, for Kafka and for the store, with which a test breaks the network.

`python proxied_stack.py DATA PORT KAFKA_PROXY STORE_PROXY` runs the same as `crewkit-sessions stack`, but all our
processes reach Kafka and the store through the two ports.
"""

import sys
from pathlib import Path

import msgspec

from devstack.kafka_jars.broker import BrokerSettings
from devstack.stack import Stack, run_stack
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.stack_folder import LOCAL, Ports


class ProxiedStack(Stack, frozen=True, kw_only=True):
    """A stack whose processes connect to the proxies' ports; the broker also advertises its proxy."""

    proxies: Ports

    @property
    def kafka(self) -> BrokerSettings:
        return msgspec.structs.replace(super().kafka, advertised_port=self.proxies.kafka)

    def _env(self, user: str, password: str) -> dict[str, str]:
        proxied = msgspec.structs.replace(self, ports=self.proxies)
        return super(ProxiedStack, proxied)._env(user, password)


def main(data: str, port: str, kafka_proxy: str, store_proxy: str) -> int:
    """Run until SIGTERM; return the exit code."""

    def adapt(stack: Stack) -> Stack:
        proxies = msgspec.structs.replace(stack.ports, kafka=int(kafka_proxy), store=int(store_proxy))
        fields = {name: getattr(stack, name) for name in Stack.__struct_fields__}
        return ProxiedStack(**fields, proxies=proxies)

    make_embedded_secrets(Path(data) / "secrets")
    return run_stack(Path(data), LOCAL, int(port), report=lambda line: print(line, flush=True), adapt=adapt)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
