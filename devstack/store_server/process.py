"""Run the store server for the users that ``STORE_URL`` and the secrets folder name."""

from devstack.stack import STORE_READER
from devstack.store_server.server import serve
from devstack.store_server.users import StoreUser
from runtime.services.ports import is_loopback
from runtime.settings.private_files import read_secret
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import store_address


def run_store_server(settings: Settings) -> int:
    """Serve ``store/`` in the data folder until SIGTERM; return the exit code. Raises `BadSettings`."""
    _check_host(settings)
    store = store_address(settings)
    writer = store.options
    if not writer.get("password"):
        raise BadSettings(
            "store_url: clickhouse://user@host:port and store_password_file say who may use the store server"
        )
    users = [StoreUser(writer["username"], writer["password"], readonly=False)]
    reader = settings.secrets_folder / "reader-password"
    if reader.exists():
        inserts = ((store.control, "requests"),)  # operators' jobs
        users.append(StoreUser(STORE_READER, read_secret(reader), readonly=True, inserts=inserts))
    serve(settings.folder / "store", settings.host, settings.port, users)
    return 0


def _check_host(settings: Settings) -> None:
    try:
        is_local = is_loopback(settings.host)
    except OSError as error:
        raise BadSettings(f"host: {settings.host} isn't an address of this machine: {error}") from error
    if not is_local:
        raise BadSettings(
            f"host: {settings.host} is reachable from other machines, and the store server, which is for development, "
            "sends passwords and payloads as plain HTTP: listen on 127.0.0.1"
        )
