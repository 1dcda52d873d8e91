"""The store server: ClickHouse's HTTP protocol in front of chDB, so that several processes share one store."""

from deploy.devstack.store_server.server import StoreServer, serve
from deploy.devstack.store_server.users import Bound, StoreUser

__all__ = ["Bound", "StoreServer", "StoreUser", "serve"]
