"""What a hook does: it notes the event in the spool, starts the sender unless it is running, and returns.

The agent waits for this, so it imports only what Python has loaded anyway, and never waits for another program. What
can be found out later is left to the sender; what may be gone by then is noted: the time, the agent's process, what its
environment says, and the branch.
"""

from __future__ import annotations

import os
import sys
import time

from crewkit_hook import foreign, spool

PAYLOAD_BYTES_MAX = 64 << 20
GIT_BYTES_MAX = 64 << 10
_PASSED_ON = (  # what the sender needs of the agent's environment, which may hold secrets
    *("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", spool.HOME_VARIABLE),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
)


def note(client: str, process: str) -> None:
    """Note the event whose payload is on standard input. ``process`` is used unless the environment names one."""
    at_ms = time.time_ns() // 1_000_000
    parts: list[bytes] = []
    size = 0
    while part := os.read(0, 1 << 20):  # first of all, and to the end: if an agent can't write, it reports a failure
        if size <= PAYLOAD_BYTES_MAX:
            parts.append(part)
        size += len(part)
    home = spool.home()
    if not os.path.exists(os.path.join(home, spool.SETTINGS)):  # not connected, or no longer
        return
    if size > PAYLOAD_BYTES_MAX:
        spool.count_dropped(home)
    elif (payload := b"".join(parts)).strip():
        spool.put(home, at_ms, _header(client, process), payload)
        start_sender(home)


def start_sender(home: str) -> None:
    """Start the sender in its own session, unless one is running. It outlives the agent."""
    if spool.is_sending(home):
        return
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "send.py")
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    command = [sys.executable, "-I", "-S", program]
    try:
        os.posix_spawn(sys.executable, command, environment, file_actions=null, setsid=True)
    except NotImplementedError:  # an old C library; the sender creates its session itself
        os.posix_spawn(sys.executable, command, environment, file_actions=null)


def _header(client: str, process: str) -> dict[str, str]:
    header = {"client": client, "process": process}
    variables, _ = _of_agent(client)
    header.update((name, os.environ[variable]) for name, variable in variables.items() if variable in os.environ)
    if "attended" not in header:
        header["attended"] = attended(client, header["process"])
    try:
        folder = os.getcwd()
    except OSError:  # the agent removed it, as with a worktree
        return header
    return {**header, "folder": folder, **git_of(folder)}


def _of_agent(client: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return which variables of an agent say more about it, and which arguments make it run without a user."""
    try:
        agent = __import__(f"crewkit_hook.agents.{client.replace('-', '_')}", fromlist=["HEADLESS"])
    except ImportError:  # an agent of another version: the sender refuses its events
        return {}, ()
    return agent.ENVIRONMENT, agent.HEADLESS


def attended(client: str, process: str) -> str:
    """Return "1" if an agent that does not say so has a user at its terminal, "0" if not, "" if that is unknown."""
    try:
        given = os.readlink(f"/proc/{process}/fd/0")
    except OSError:
        return ""
    _, headless = _of_agent(client)
    is_terminal = given.startswith(("/dev/pts/", "/dev/tty"))
    arguments = _read(f"/proc/{process}/cmdline", 4_000).split("\0")
    return "1" if is_terminal and not any(one in arguments for one in headless) else "0"


def git_of(folder: str) -> dict[str, str]:
    """Return the git folder of a working folder, and the content of its HEAD; empty outside repositories."""
    try:
        git = _git_folder(folder)
    except ValueError:  # a zero byte in a path
        return {}
    return {"git": git, "head": _read(os.path.join(git, "HEAD"), 1_000).strip()} if git else {}


def _git_folder(folder: str) -> str:
    """Return the git folder with a working folder's HEAD; the folder may be in a worktree or a submodule.

    Empty outside repositories, and if a `.git` file names a git folder that does not name this working folder in turn:
    an unpacked archive could name the git folder of any other repository.
    """
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git):
            return git
        if os.path.isfile(git):
            named = _read(git, 4_000).partition("gitdir:")[2].strip()
            git = os.path.join(folder, named)
            return git if named and _serves(git, folder) else ""
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def _serves(git: str, folder: str) -> bool:
    """Return whether a git folder names a working folder: for a worktree in `gitdir`, for a submodule in `config`.

    A folder made by `git init --separate-git-dir` names none, so its branch is not known.
    """
    named = os.path.dirname(_read(os.path.join(git, "gitdir"), 4_000).strip()) or _worktree(git)
    return bool(named) and os.path.realpath(os.path.join(git, named)) == os.path.realpath(folder)


def _worktree(git: str) -> str:
    """Return `core.worktree`: git has no other setting called `worktree`."""
    for line in _read(os.path.join(git, "config"), GIT_BYTES_MAX).splitlines():
        name, _, value = line.partition("=")
        if name.strip().lower() == "worktree":
            return value.strip().strip('"')
    return ""


def _read(path: str, size: int) -> str:
    try:
        return os.fsdecode(foreign.start_of(path, size))
    except OSError:
        return ""
