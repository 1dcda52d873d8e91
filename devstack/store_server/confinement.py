"""Let the kernel confine this process to the store's folder, so that no SQL reaches another file, address or program.

Grants in `engine_config.xml` refuse table functions and engines that open files. The function `file` needs no grant,
and an engine in-process reads whatever its account may read. Landlock (Linux 5.19) refuses that, in any spelling.
"""

import ctypes
import os
import struct
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READS = _READ_FILE | _READ_DIR
_RIGHTS_OF_VERSION = {2: (1 << 14) - 1, 3: (1 << 15) - 1}  # version 1 can't allow moves between folders
_CONNECT_TCP, _CONNECT_SINCE = 1 << 1, 4
# What Python and the engine load or look up, none of it a user's file. Not /proc: it shows our environment.
_OF_THE_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/sys", "/dev/urandom", "/etc/ld.so.cache"),
    *("/proc/self/auxv", "/proc/self/maps", "/proc/stat", "/proc/meminfo", "/proc/sys/vm/overcommit_memory"),
    *(sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")),
)
_libc = ctypes.CDLL(None, use_errno=True)


class CannotConfine(Exception):
    """The kernel has no Landlock, or an early one."""


def confine(folder: Path, readable: Iterable[Path] = ()) -> None:
    """From now on, this process writes only in ``folder`` and reads only there, in ``readable`` and code.

    It starts no program and connects to no address. Only threads that start later are confined, too, so call this
    before the engine is loaded. Raises CannotConfine.
    """
    version = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < min(_RIGHTS_OF_VERSION):
        raise CannotConfine("this kernel has no Landlock, or one before Linux 5.19")
    rights = _RIGHTS_OF_VERSION[min(version, max(_RIGHTS_OF_VERSION))]
    handled = struct.pack("QQ", rights, _CONNECT_TCP) if version >= _CONNECT_SINCE else struct.pack("Q", rights)
    rules = _checked(_libc.syscall(_CREATE_RULESET, handled, len(handled), 0))
    _allow(rules, folder, rights & ~_EXECUTE)
    for path in (*map(Path, _OF_THE_SYSTEM), *readable):
        if path.exists():
            _allow(rules, path, _READS)
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights if path.is_dir() else rights & _OF_FILES, opened)
    try:
        _checked(_libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
    finally:
        os.close(opened)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock failed")
    return result
