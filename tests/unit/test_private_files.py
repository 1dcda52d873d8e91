"""Other accounts on the machine have no access to an installation's files."""

import os
import stat
from pathlib import Path

import pytest

from ingest.log.atomic_write import write_whole
from runtime.services.logging import best_effort_stream, configure_logging
from runtime.services.run_folder import locked_folder, read_address, write_address
from runtime.settings.private_files import SymbolicLink, private_data_folder, private_folder
from runtime.settings.settings import BadSettings

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
ANOTHER = 12345


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_data_folder_is_made_for_its_owner_alone_and_an_open_one_is_closed(tmp_path: Path) -> None:
    """The mode is 700 with any umask, for a new folder and for an existing one."""
    fresh, wide = tmp_path / "fresh", tmp_path / "wide"
    wide.mkdir()
    wide.chmod(0o755)

    for folder in (fresh, wide):
        private_data_folder(folder)

    assert (mode_of(fresh), mode_of(wide)) == (0o700, 0o700)


def test_a_shared_folder_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    """Closing /tmp, as root could, would break the machine."""
    tmp_path.chmod(0o1777)

    with pytest.raises(BadSettings, match=f"data: {tmp_path} .*name a new folder inside it"):
        private_data_folder(tmp_path)

    assert mode_of(tmp_path) == 0o1777


def test_a_folder_that_cannot_be_made_is_reported_in_a_sentence(tmp_path: Path) -> None:
    """For example if a file is in its place."""
    (tmp_path / "file").touch()

    with pytest.raises(BadSettings, match=r"file/data can't be created: Not a directory"):
        private_data_folder(tmp_path / "file" / "data")


@needs_root
def test_a_folder_of_another_account_is_refused(tmp_path: Path) -> None:
    """Its owner could open it again."""
    (tmp_path / "run").mkdir()
    for folder in (tmp_path / "run", tmp_path):
        os.chown(folder, ANOTHER, -1)

    with pytest.raises(BadSettings, match="does not belong only to this account"):
        private_data_folder(tmp_path)
    with pytest.raises(BadSettings, match="another account"):
        private_folder(tmp_path / "run")


def test_a_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    """If `run` and `log` are symbolic links, nothing is created, changed or closed at their targets."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    for name in ("run", "log"):
        (tmp_path / name).symlink_to(elsewhere)

    with pytest.raises(SymbolicLink, match="run is a symbolic link"), locked_folder(tmp_path):
        pass
    with pytest.raises(SymbolicLink, match="run is a symbolic link"):
        write_address(tmp_path, "127.0.0.1", 1)
    with pytest.raises(SymbolicLink, match="log is a symbolic link"):
        configure_logging(tmp_path / "log" / "up.log")

    assert list(elsewhere.iterdir()) == []
    assert mode_of(elsewhere) == 0o755


def test_a_file_that_leads_elsewhere_is_replaced_or_refused(tmp_path: Path) -> None:
    """Whole files replace the link, opened files are refused, and the target is unchanged."""
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "log").mkdir()
    for link in (run / "address.json", run / "up.pid", run / "lock", tmp_path / "log" / "up.log"):
        link.symlink_to(precious)

    url = write_address(tmp_path, "127.0.0.1", 1)
    write_whole(run / "up.pid", "7")
    with pytest.raises(SymbolicLink, match="lock is a symbolic link"), locked_folder(tmp_path):
        pass
    with pytest.raises(SymbolicLink, match=r"up\.log is a symbolic link"):
        best_effort_stream(tmp_path / "log" / "up.log")

    assert precious.read_text() == "as it was"
    assert read_address(tmp_path) == url
    assert not (run / "address.json").is_symlink()
    assert (mode_of(run / "address.json"), mode_of(run / "up.pid")) == (0o600, 0o600)
