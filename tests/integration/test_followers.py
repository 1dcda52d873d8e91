"""The threads and objects of a projector in `up` disappear once its generation is dropped."""

import asyncio
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.log.sqlite.sqlite_log import SqliteEventLog
from processors.flow.observer import Observer
from runtime.services.followers import Follower, Followers
from runtime.services.tuning import release_memory
from runtime.settings.settings import load_settings
from store.generations import add_generation_event, load_generations
from store.reading.reader import open_reader
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.waiting import eventually

OF_PROJECTORS = ("fold", "write", "rollups", "watchdog")


class Told(Observer):
    """Counts how often readers may have seen more."""

    times = 0

    def marks_written(self) -> None:
        self.times += 1


@pytest.fixture
def store(engine: Options, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestStore]:
    """Provision a store for a log in a file, and let projectors write to it."""
    for made in new_store(new_address(engine), partitions=1):
        monkeypatch.setattr("runtime.services.projector.store_address", lambda _, address=made.address: address)
        made.client.database = made.address.control
        yield made


async def test_the_projector_of_a_dropped_generation_leaves_no_thread_and_no_object(
    store: TestStore, tmp_path: Path
) -> None:
    """Otherwise `up` would hold the memory of every replay until it is restarted."""
    log, reader = SqliteEventLog(tmp_path / "log.sqlite"), open_reader(store.address)
    told = Told()
    followers = Followers(load_settings({"data": str(tmp_path)}), log, reader, told)
    await log.start()
    others = set(threading.enumerate())
    await followers.see(load_generations(store.client), [])
    await log.append(b"key", b"not a record")
    follower = weakref.ref(followers._followers["g1"])
    await asyncio.to_thread(eventually, lambda: _written(follower()) == 1 and told.times > 0)
    threads = [one for one in set(threading.enumerate()) - others if one.name.startswith(OF_PROJECTORS)]

    add_generation_event(store.client, load_generations(store.client)[0].made, "dropped")
    await followers.see(load_generations(store.client), [])

    await asyncio.to_thread(eventually, lambda: not any(one.is_alive() for one in threads))
    await asyncio.to_thread(release_memory)
    assert {one.name.rstrip("_0123456789") for one in threads} >= {"fold", "write", "watchdog"}
    assert follower() is None
    await log.stop()
    reader.close()


def _written(follower: Follower | None) -> int | None:
    return follower and follower.projector.pipeline.written.get(0)
