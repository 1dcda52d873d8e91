"""Checks that the addresses of a service are free before it loads anything slow."""

from runtime.services.ports import is_free
from runtime.settings.settings import Settings
from store.broken import Broken


def check_ports(settings: Settings) -> None:
    """Raise `Broken` if another program is listening, or an address does not belong to this machine."""
    for option, address in (("port", (settings.host, settings.port)), ("admin-port", settings.admin_address)):
        if address is not None and not is_free(*address):
            raise Broken(f"port {address[1]} of {address[0]} is taken: choose another with --{option}")
