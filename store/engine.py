"""The ClickHouse engine as a library in this process (chDB)."""

from store.absent_packages import absent


def load_engine() -> None:
    """Load the library (500 MB). The process's working directory changes while it loads.

    Hiding pyarrow keeps it from importing pyarrow and numpy, for conversions that are not used here. That saves half
    the time and 30 MB.
    """
    with absent("pyarrow"):
        import chdb  # noqa: F401
