"""Run the store server for the users that ``STORE_URL`` and the secrets folder name."""

from urllib.parse import unquote, urlsplit

from deploy.secret_files import read_secret
from deploy.settings import BadSettings, Settings
from deploy.stack import STORE_READER
from deploy.store_server.server import serve
from deploy.store_server.users import StoreUser


def run_store_server(settings: Settings) -> int:
    """Serve until SIGTERM; the exit code. The data is in ``store/`` in the data folder."""
    url = urlsplit(settings.store)
    if url.scheme != "clickhouse" or not url.username or not url.password:
        raise BadSettings("store_url: clickhouse://user:password@host:port says who may use the store server")
    users = [StoreUser(unquote(url.username), unquote(url.password), readonly=False)]
    reader = settings.secrets_folder / "reader-password"
    if reader.exists():
        users.append(StoreUser(STORE_READER, read_secret(reader), readonly=True))
    serve(settings.folder / "store", settings.host, settings.port, users)
    return 0
