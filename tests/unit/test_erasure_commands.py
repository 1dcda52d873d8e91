"""The commands about erasures, over an installation that records what it is asked."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from cli import find_installation
from cli.erasures import erase, erasures

ID = "9f8b7a6c-5d4e-4f3a-8b2c-1d0e9f8a7b6c"
CERTIFICATE = {"format": 1, "erasure": ID}


class Asked:
    """An installation, and with which role and body it was asked."""

    def __init__(self) -> None:
        self.roles, self.bodies = list[str](), list[Any]()

    def open(self, _data: object, _url: object, _token: object, _org: str, role: str) -> "Asked":
        self.roles.append(role)
        return self

    def post(self, _path: str, body: bytes) -> Any:
        self.bodies.append(json.loads(body))
        return {"data": {"id": ID}, "meta": {"position": "0:1"}}

    def get(self, path: str) -> Any:
        assert path == f"/acme/erasures/{ID}/certificate"
        return {"data": CERTIFICATE, "meta": {}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    monkeypatch.setattr(find_installation, "open_installation", found.open)
    return found


def test_now_is_asked_for_as_owner(asked: Asked) -> None:
    """Without it an admin is enough, and the body has no field that earlier versions would refuse."""
    for more in ((), ("--now",)):
        ended = CliRunner().invoke(erase, ["session", str(UUID(int=1)), "--org", "acme", "--yes", *more])
        assert ended.exit_code == 0, ended.output

    assert asked.roles == ["admin", "owner"]
    assert [body.get("now") for body in asked.bodies] == [None, True]


def test_a_certificate_is_printed_or_written(asked: Asked, tmp_path: Path) -> None:
    """The file has nothing but the certificate."""
    out = tmp_path / "DSR-118.json"
    for more in ((), ("--out", str(out)), ("--json",)):
        ended = CliRunner().invoke(erasures, ["certificate", ID, "--org", "acme", *more])
        assert ended.exit_code == 0, ended.output
        text = out.read_text() if more[:1] == ("--out",) else ended.output
        found = json.loads(text)
        assert (found["data"] if more == ("--json",) else found) == CERTIFICATE
