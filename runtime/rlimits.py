"""How many files a process may have open: a connection is one, and so is each part of a table that is read."""

import resource

WANTED = 65_536
KEPT_FOR_OTHERS = 1_024  # tables, logs, libraries
CONNECTIONS_MAX = 16_384
CONNECTIONS_LEAST = 128


def raise_open_files() -> int:
    """Ask for as many as we are allowed, up to what is useful; how many there may be now.

    The usual 1,024 would be used up by a thousand clients that are merely connected.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed
    return soft if soft != resource.RLIM_INFINITY else WANTED


def connections_max(open_files: int) -> int:
    """How many connections a server may hold at once."""
    return max(CONNECTIONS_LEAST, min(CONNECTIONS_MAX, open_files - KEPT_FOR_OTHERS))
