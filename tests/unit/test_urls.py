"""The two URLs that choose log and store."""

from pathlib import Path

import pytest

from ingest.log.atomic_write import write_whole
from runtime.settings.log_url import KafkaAddress, SqliteAddress, parse_log_url
from runtime.settings.settings import BadSettings, Settings, load_settings
from runtime.settings.store_url import parse_store_url, store_address
from tests.support.rigs.certificates import Authority


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
    """The message contains the name of the setting."""
    with pytest.raises(BadSettings, match="engine_cache_bytes_max"):
        parse_store_url(f"chdb:///var/lib/crewkit?cache_bytes_max={wrong}")


def test_a_server_has_its_own_caches() -> None:
    """The setting applies to the in-process engine only."""
    url = "clickhouse://user:password@db:8123/mine"

    assert Settings(store_url=url).store == url


def test_a_log_url_names_a_file_or_a_topic() -> None:
    """Without a topic, the product's default is used."""
    assert parse_log_url("sqlite:///a/b") == SqliteAddress(Path("/a/b"))
    assert parse_log_url("kafka://a:1,b:2/t") == KafkaAddress("a:1,b:2", "t")
    assert parse_log_url("kafka://a:1") == KafkaAddress("a:1", "crewkit.sessions.v1")


@pytest.mark.parametrize("url", ["", "mysql://x", "chdb://", "chdb://host/x", "clickhouse:///x", "chdb:///"])
def test_other_store_urls_are_refused_with_an_example(url: str) -> None:
    """The message shows a valid URL."""
    with pytest.raises(ValueError, match="clickhouse://user:password@host:port/database"):
        parse_store_url(url)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite://h/x", "kafka:///t", "redis://x", "kafka://u:p@h/t"])
def test_other_log_urls_are_refused_with_an_example(url: str) -> None:
    """The message shows a valid URL."""
    with pytest.raises(ValueError, match="kafka://host:port"):
        parse_log_url(url)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("kafka://a:1/t?security_protocol=SASL_SSL", "'security_protocol' after"),
        ("kafka://a:1/t#x", "a fragment"),
        ("kafka://u:s3cret@a:1/t", "set the user in KAFKA_USER"),
        ("kafka://a:1/t/more", "'t/more' is not a topic name"),
        ("kafka://a:0/t", "the port of a"),
        ("kafka://a:1,b:70000/t", "the port of b"),
        ("kafka://a:1,,b:2/t", "no host"),
        ("kafka://a:1,b:x/t", "the port of b"),
        ("kafka://[::1/t", "not a URL"),
        ("sqlite:///file?mode=ro", "'mode' after"),
        ("sqlite:///file#x", "a fragment"),
    ],
)
def test_a_part_of_a_log_url_that_has_no_meaning_is_refused(url: str, part: str) -> None:
    """The message names the part. Silently ignoring it might leave the connection unprotected."""
    with pytest.raises(BadSettings, match=part) as refused:
        parse_log_url(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("clickhouse://u:s3cret@h:8443/db?secure=true&verify=false", "'verify' after"),
        ("clickhouse://u:s3cret@h/db?secure=yes", "secure must be true or false"),
        ("clickhouse://u:s3cret@h/db?secure=true&secure=false", "twice"),
        ("clickhouse://u:s3cret@h/db?secure", "form key=value"),
        ("clickhouse://u:s3cret@h/db#x", "a fragment"),
        ("clickhouse://u:s3cret@h/db/more", "'db/more' is not a database name"),
        ("clickhouse://u:s3cret@h/a-b", "'a-b' is not a database name"),
        ("clickhouse://u:s3cret@h:0/db", "the port of h"),
        ("clickhouse://u:s3cret@h:65536/db", "the port of h"),
        ("clickhouse://u:s3cret@h:1,i:2/db", "several hosts"),
        ("chdb:///folder?secure=true", "'secure' after"),
    ],
)
def test_a_part_of_a_store_url_that_has_no_meaning_is_refused(url: str, part: str) -> None:
    """The message names the part, and never the password."""
    with pytest.raises(BadSettings, match=part) as refused:
        parse_store_url(url)
    assert "s3cret" not in str(refused.value)


def test_a_secure_store_has_a_port_and_files(tmp_path: Path) -> None:
    """`secure=true` is TLS with a verified certificate; without a password, our client certificate logs in."""
    authority = Authority(tmp_path, "ca")
    ours = authority.sign("us")
    secret = tmp_path / "password"
    write_whole(secret, "s3cret\n")
    files = {"store_ca_file": str(authority.file), "store_cert_file": str(ours.cert), "store_key_file": str(ours.key)}
    url = "clickhouse://us@db/mine?secure=true"
    server = {"host": "db", "port": 8443, "username": "us", "secure": True, "verify": True}
    ours_there = {"ca_cert": str(authority.file), "client_cert": str(ours.cert), "client_cert_key": str(ours.key)}

    assert store_address(Settings(store_url=url)).options == server | {"password": ""}
    assert store_address(Settings(store_url=url, **files)).options == server | ours_there | {"password": ""}
    both = store_address(Settings(store_url=url, store_password_file=str(secret), **files))
    assert both.options == server | ours_there | {"password": "s3cret", "tls_mode": "strict"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"store_url": "clickhouse://u:p@h", "store_password_file": "PASSWORD"}, "store_url contains a password too"),
        ({"store_url": "clickhouse://u@h", "store_password_file": "/nowhere"}, "/nowhere does not exist"),
        ({"store_url": "clickhouse://u@h", "store_ca_file": "PASSWORD"}, "add .secure=true"),
        ({"store_url": "clickhouse://u@h?secure=true", "store_ca_file": "PASSWORD"}, "contains no PEM certificates"),
        ({"store_url": "clickhouse://u@h?secure=true", "store_key_file": "PASSWORD"}, "needs store_cert_file"),
    ],
)
def test_files_of_a_store_that_do_not_fit_are_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """The message is a sentence that names the setting."""
    secret = tmp_path / "password"
    write_whole(secret, "s3cret\n")
    placed = {name: value.replace("PASSWORD", str(secret)) for name, value in given.items()}

    with pytest.raises(BadSettings, match=said):
        store_address(Settings(**placed))


@pytest.mark.parametrize(
    ("name", "url", "instead"),
    [
        ("store_url", "clickhouse://u:s3cret@h/db", "STORE_PASSWORD_FILE"),
        ("rate_limit_url", "redis://:s3cret@h:6379/0", "RATE_LIMIT_PASSWORD_FILE"),
    ],
)
def test_a_password_in_an_option_is_refused(tmp_path: Path, name: str, url: str, instead: str) -> None:
    """All accounts on a machine can read command lines; environment and file belong to the owner."""
    with pytest.raises(BadSettings, match=instead) as refused:
        load_settings({"data": str(tmp_path), name: url}, {})
    assert "s3cret" not in str(refused.value)

    assert getattr(load_settings({"data": str(tmp_path)}, {name.upper(): url}), name) == url
    without = url.replace(":s3cret", "")
    assert getattr(load_settings({"data": str(tmp_path), name: without}, {}), name) == without
