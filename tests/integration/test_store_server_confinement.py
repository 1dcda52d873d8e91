"""What the kernel lets a confined process do."""

import subprocess
import sys
from pathlib import Path

import pytest

from devstack.store_server import confinement, server
from devstack.store_server.conditions import Conditions
from devstack.store_server.confinement import CannotConfine, confine
from tests.support import CHECKOUT

# Runs one expression in a thread of a confined process; prints its value, or the error.
CONFINED = """
import os, socket, subprocess, sys, threading
from pathlib import Path
from devstack.store_server.body import as_file
from devstack.store_server.confinement import confine

store, outside, readable, expression, port = *map(Path, sys.argv[1:4]), sys.argv[4], int(sys.argv[5])
confine(store, [readable])

class Nothing:
    def read(self, size):
        return b""

def in_memory():
    with as_file(b"rows", Nothing()) as path:
        return Path(path).read_text()

def attempt():
    try:
        print(eval(expression))
    except OSError as error:
        print(type(error).__name__)

thread = threading.Thread(target=attempt)
thread.start()
thread.join()
"""
REFUSED = [
    "(outside / 'file').read_text()",
    "(store / '..' / 'outside' / 'file').read_text()",
    "(store / 'link').read_text()",
    "list(outside.iterdir())",
    "(outside / 'new').write_text('x')",
    "(readable / 'new').write_text('x')",
    "(outside / 'new').mkdir()",
    "(outside / 'file').unlink()",
    "os.truncate(outside / 'file', 0)",
    "os.rename(outside / 'file', store / 'taken')",
    "os.link(outside / 'file', store / 'taken')",
    "Path('/proc/self/environ').read_text()",
    "Path('/etc/passwd').read_text()",
    "subprocess.run(['/bin/true'])",
    "(store / 'x').write_text('#!/bin/sh') and os.chmod(store / 'x', 0o700) or subprocess.run([store / 'x'])",
    "socket.create_connection(('127.0.0.1', port))",
]
ALLOWED = {
    "(store / 'new').write_text('x')": "1",
    "(readable / 'file').read_text()": "read",
    "in_memory()": "rows",
    "os.mkdir(store / 'a') or os.mkdir(store / 'a' / 'b') or os.rename(store / 'a' / 'b', store / 'c')": "None",
    "__import__('colorsys').__name__": "colorsys",
}


def confined(folder: Path, expression: str, port: int = 1) -> str:
    """Run an expression in a confined process, with three folders; return what it printed."""
    store, outside, readable = (folder / name for name in ("store", "outside", "readable"))
    for made in (store, outside, readable):
        made.mkdir()
    (outside / "file").write_text("secret")
    (readable / "file").write_text("read")
    (store / "link").symlink_to(outside / "file")
    line = [sys.executable, "-c", CONFINED, *map(str, (store, outside, readable)), expression, str(port)]
    done = subprocess.run(line, cwd=CHECKOUT, capture_output=True, text=True, timeout=20, check=True)
    assert (outside / "file").read_text() == "secret"
    assert list(outside.iterdir()) == [outside / "file"]
    return done.stdout.strip()


@pytest.mark.parametrize("expression", REFUSED)
def test_a_confined_process_reaches_nothing_else(tmp_path: Path, expression: str) -> None:
    """Other files, links to them, its environment, programs and addresses are refused in its later threads."""
    assert confined(tmp_path, expression) in {"PermissionError", "OSError"}


@pytest.mark.parametrize("expression", ALLOWED)
def test_a_confined_process_works_on_its_store(tmp_path: Path, expression: str) -> None:
    """It moves files between folders of the store, reads data of inserts in memory, and imports modules."""
    assert confined(tmp_path, expression) == ALLOWED[expression]


def test_without_landlock_the_server_warns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Version 1 can't allow moves between folders. The log says what users of the store can then do."""
    monkeypatch.setattr(confinement, "_RIGHTS_OF_VERSION", {1_000: 0})
    monkeypatch.setenv("TMPDIR", "")
    with pytest.raises(CannotConfine, match=r"Linux 5\.19"):
        confine(tmp_path)

    server._confine(tmp_path, Conditions())

    assert "a user of the store can read every file of this account" in caplog.text
