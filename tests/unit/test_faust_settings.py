"""Settings of Faust whose wrong value would be noticed only in production."""

from pathlib import Path

import pytest

from processors.runners.faust_app import ROUND_BYTES_MAX, FaustSettings, _app, _fetch_bytes


def test_a_long_outage_of_the_store_ends_no_membership(tmp_path: Path) -> None:
    """The worker stays in its group although it reads nothing from the log for far longer than 20 minutes."""
    settings = FaustSettings(
        bootstrap="127.0.0.1:1", topic="topic", partitions=4, group="group", instance=0, folder=tmp_path
    )

    app = _app(settings)

    assert app.conf.broker_max_poll_interval >= 24 * 3600


@pytest.mark.parametrize("partitions", [1, 4, 8, 64, 128])
def test_a_round_over_all_partitions_is_bounded(partitions: int) -> None:
    """Otherwise one of many partitions would wait for minutes, as if Faust withheld it."""
    assert partitions * _fetch_bytes(partitions) <= ROUND_BYTES_MAX


def test_few_partitions_fetch_as_much_as_ever() -> None:
    """Up to four partitions each fetch the usual size; more partitions fetch less, down to 256 KiB."""
    assert _fetch_bytes(1) == _fetch_bytes(4) == 8 << 20
    assert _fetch_bytes(1_000) == 256 << 10
