"""The two URLs that choose log and store."""

from pathlib import Path

import pytest

from deploy.log_url import KafkaAddress, SqliteAddress, parse_log_url
from deploy.settings import BadSettings, Settings
from deploy.store_url import parse_store_url


def test_a_store_url_names_a_folder_or_a_server() -> None:
    """Percent-encoded credentials are decoded; the path names the control database."""
    embedded = parse_store_url("chdb:///var/lib/crewkit")
    server = parse_store_url("clickhouse://user:p%40ss@db:9123/mine")

    assert embedded.options["interface"] == "chdb"
    assert embedded.options["path"].startswith("/var/lib/crewkit?config-file=")
    assert server.options == {"host": "db", "port": 9123, "username": "user", "password": "p@ss"}
    assert (server.control, server.database("g1")) == ("mine", "mine_g1")


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1048576"])
def test_too_little_for_the_caches_is_refused(wrong: str) -> None:
    """With the name of the setting."""
    with pytest.raises(BadSettings, match="engine_cache_bytes_max"):
        parse_store_url(f"chdb:///var/lib/crewkit?cache_bytes_max={wrong}")


def test_a_server_has_its_own_caches() -> None:
    """The setting is for the engine in the process alone."""
    url = "clickhouse://user:password@db:8123/mine"

    assert Settings(store_url=url).store == url


def test_a_log_url_names_a_file_or_a_topic() -> None:
    """Without a topic it is the product's own."""
    assert parse_log_url("sqlite:///a/b") == SqliteAddress(Path("/a/b"))
    assert parse_log_url("kafka://a:1,b:2/t") == KafkaAddress("a:1,b:2", "t")
    assert parse_log_url("kafka://a:1") == KafkaAddress("a:1", "crewkit.sessions.v1")


@pytest.mark.parametrize("url", ["", "mysql://x", "chdb://", "chdb://host/x", "clickhouse:///x", "chdb:///"])
def test_other_store_urls_are_refused_with_an_example(url: str) -> None:
    """The message shows what would be right."""
    with pytest.raises(ValueError, match="clickhouse://user:password@host:port/database"):
        parse_store_url(url)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite://h/x", "kafka:///t", "redis://x", "kafka://u:p@h/t"])
def test_other_log_urls_are_refused_with_an_example(url: str) -> None:
    """The message shows what would be right."""
    with pytest.raises(ValueError, match="kafka://host:port"):
        parse_log_url(url)
