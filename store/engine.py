"""The ClickHouse engine as a library in this process (chDB)."""

from kernel.absent_packages import absent


def load_engine() -> None:
    """Load the library, 500 MB. While it loads, the process has another working directory.

    Without this, it imports pyarrow and numpy for conversions that nothing here uses: half of the time, and 30 MB.
    """
    with absent("pyarrow"):
        import chdb  # noqa: F401
