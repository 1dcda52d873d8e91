"""The store server: ClickHouse's HTTP protocol in front of chDB, so that several processes share one store."""

from deploy.store_server.server import StoreServer, serve
from deploy.store_server.users import StoreUser

__all__ = ["StoreServer", "StoreUser", "serve"]
