"""All tables and all SQL work on the oldest supported engine, and older engines are refused."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from generations.prove.tables import ALL
from prices.price_list import list_prices
from runtime.operations.provision_store import provision_store
from runtime.settings.private_files import cache_folder
from store import connect as connecting
from store.connect import FLOOR
from store.errors import Refused
from store.migrate import check_migrated
from store.reading.errors import ReadRefused
from store.reading.reader import open_reader
from tests.support import CHECKOUT
from tests.support.rigs.personas import Persona, act
from tests.support.rigs.store import TestStore
from tests.support.rigs.whole_store import asked_by_the_read_side

# Its engine is not a dependency of the product: it is installed once into the account's cache folder.
REQUIREMENTS = Path(__file__).with_name("floor_engine.txt")


def floor_engine() -> Path:
    """Return its folder. Skip if it can't be installed, or fail if `REQUIRE_CHDB_FLOOR=1` requires it."""
    version = REQUIREMENTS.read_text().partition("chdb-core==")[2].split()[0]
    folder = cache_folder() / f"chdb-core-{version}"
    if not folder.exists():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder.parent))
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--target", place, "--requirements", REQUIREMENTS], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(place)
        reason = f"chdb-core of the floor can't be installed: {done.stderr.strip()}"
        if os.environ.get("REQUIRE_CHDB_FLOOR") == "1":
            pytest.fail(f"REQUIRE_CHDB_FLOOR=1, but {reason}")
        pytest.skip(reason)
    with suppress(OSError):  # another worker was faster
        place.rename(folder)
    shutil.rmtree(place, ignore_errors=True)


WHOLE = "tests.support.rigs.whole_store:"
PROCESSORS = CHECKOUT / "processors"


def everything(folder: Path, engine: Path | None) -> dict[str, Any]:
    """Provision twice, project, repair and run each query, as one user with all rights."""
    user = Persona()
    return {
        "version": act(folder, user, f"{WHOLE}version", engine=engine),
        "made_again": act(folder, user, f"{WHOLE}make", engine=engine),
        "used": act(folder, user, f"{WHOLE}project", engine=engine),
        "asked": act(folder, user, f"{WHOLE}ask", engine=engine),
    }


@pytest.mark.part("floor")
def test_the_floor_answers_every_question_like_the_current_engine(tmp_path: Path) -> None:
    """Each DDL file and each SQL file runs on both, with results equal to the last digit."""
    floor = everything(tmp_path / "floor", floor_engine())
    current = everything(tmp_path / "current", None)

    versions = [tuple(map(int, done["version"].split("."))) for done in (floor, current)]
    assert FLOOR <= versions[0] < versions[1]
    for done in (floor, current):
        assert done["made_again"] == []
        assert set(done["used"]) == {file.stem for file in (PROCESSORS / "sql").glob("*.sql")}
        assert set(done["asked"]["used"]) == asked_by_the_read_side()
        assert {status for status, _ in done["asked"]["answers"].values()} == {200}
        assert done["asked"]["audit"] == [["hours", True, True], ["all", True, True]]
    assert floor["asked"]["answers"] == current["asked"]["answers"]
    assert floor["asked"]["proof"] == current["asked"]["proof"]
    assert floor["asked"]["gaps"] == current["asked"]["gaps"] != []
    assert {count["table"] for count in floor["asked"]["proof"]["by_column"]} >= {table.name for table in ALL}


@pytest.mark.fault(row=28)
async def test_an_older_store_is_refused_by_every_side(store: TestStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test raises the floor above the current engine."""
    monkeypatch.setattr(connecting, "FLOOR", (99, 1))
    reader = open_reader(store.address)
    why = r"^the store is ClickHouse 26\..*, but 99\.1 or newer is needed: upgrade it"
    try:
        with pytest.raises(Refused, match=why):
            provision_store(store.address, store.partitions, list_prices())
        with pytest.raises(Refused, match=why):
            check_migrated(store.address, "g1")
        with pytest.raises(ReadRefused, match=why):
            await reader.check()
    finally:
        reader.close()
