"""Secrets are created on demand, or for one machine; a process that finds none says so and creates none."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import crewkit_sessions
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import id_secrets, token_key
from runtime.settings.settings import BadSettings

PRODUCTION = {"seed.key", "id.keys", "operator.key", "operator.pub"}
KAFKA = {"LOG_URL": "kafka://127.0.0.1:1/t", "STORE_URL": "clickhouse://u:p@127.0.0.1:1", "DEV_TOKENS": "1"}


def run(*arguments: str, **env: str) -> Result:
    """Run `crewkit-sessions ARGUMENTS`; raise the command's refusal."""
    return CliRunner(env=env).invoke(crewkit_sessions, arguments, catch_exceptions=False)


def made(folder: Path) -> dict[str, str]:
    """Return the content of each file in a folder."""
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("by", ["--data", "--secrets"])
def test_secrets_are_made_on_demand_and_what_to_do_is_said(tmp_path: Path, by: str) -> None:
    """One line per file, without the secret; only the owner may read; no key signs tokens for orgs."""
    folder = tmp_path / "new" / "secrets"

    printed = run("secrets", "make", by, str(folder if by == "--secrets" else folder.parent)).stdout

    assert set(made(folder)) == PRODUCTION
    assert [line.partition(":")[0] for line in printed.splitlines()] == [
        str(folder / name) for name in ("seed.key", "id.keys", "operator.key", "operator.pub")
    ]
    assert not any(value.split()[-1] in printed for value in made(folder).values())
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_secret_is_overwritten(tmp_path: Path) -> None:
    """A second run refuses; with `--dev-tokens` it adds the missing key, and changes nothing else."""
    run("secrets", "make", "--secrets", str(tmp_path / "s"))
    before = made(tmp_path / "s")

    with pytest.raises(BadSettings, match="already has its secrets, which are never overwritten"):
        run("secrets", "make", "--secrets", str(tmp_path / "s"))
    run("secrets", "make", "--secrets", str(tmp_path / "s"), "--dev-tokens")

    after = made(tmp_path / "s")
    assert set(after) == PRODUCTION | {"token.key"}
    assert before == {name: after[name] for name in before}


@pytest.mark.parametrize("lost", ["seed.key", "id.keys"])
def test_a_lost_secret_is_not_made_anew(tmp_path: Path, lost: str) -> None:
    """The other secret exists, so the lost one existed too, and ids were made with it."""
    folder = tmp_path / "secrets"
    make_embedded_secrets(folder)
    (folder / lost).unlink()

    for making in (lambda: make_embedded_secrets(folder), lambda: run("secrets", "make", "--data", str(tmp_path))):
        with pytest.raises(BadSettings, match=f"{lost} is missing from .*: restore it"):
            making()
    assert not (folder / lost).exists()


@pytest.mark.parametrize(
    "command",
    [
        ("provision", "--partitions", "4"),
        ("ingest", "--port", "0"),
        ("query-api", "--port", "0"),
        ("serve", "--port", "0"),
        ("token", "--org", "acme", "--user", "u", "--role", "admin"),
        ("token", "--operator"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("own_logging")
def test_with_kafka_missing_secrets_are_a_refusal(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Each command names the file and the command that creates it, and has created nothing."""
    with pytest.raises(BadSettings, match=r"secrets/\w+\.key.* (is missing|exists):.*crewkit-sessions secrets make"):
        run(*command, "--data", str(tmp_path), **KAFKA)

    assert not (tmp_path / "secrets").exists()


@pytest.mark.usefixtures("own_logging")
def test_up_makes_no_secrets_for_a_log_that_has_begun(tmp_path: Path) -> None:
    """A folder was restored without its secrets, so its ids would be invalid."""
    (tmp_path / "log.sqlite").touch()

    with pytest.raises(BadSettings, match=r"id\.keys is missing: copy it"):
        run("up", "--data", str(tmp_path), "--port", "0")

    assert set(made(tmp_path / "secrets")) == {"token.key"}


def test_the_secrets_of_one_machine_sign_its_tokens(tmp_path: Path) -> None:
    """`up` and `stack` create these secrets at their first start."""
    make_embedded_secrets(tmp_path / "s")
    make_embedded_secrets(tmp_path / "s")

    assert set(made(tmp_path / "s")) == {"seed.key", "id.keys", "token.key"}
    assert len(token_key(tmp_path / "s")) == len(id_secrets(tmp_path / "s").seed_key) == 32
