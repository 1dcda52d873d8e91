"""What a hook does: it notes the event in the spool, starts the sender unless it runs, and returns.

The agent waits for this, so it imports what Python has loaded anyway, and a second program is never started for an
answer. What can be found out later is left to the sender; what may be gone by then is noted: the time, the agent's
process, what its environment says, and the branch.
"""

from __future__ import annotations

import os
import sys
import time

from crewkit_hook import foreign, spool

PAYLOAD_BYTES_MAX = 64 << 20
GIT_BYTES_MAX = 64 << 10
_ENVIRONMENT = (  # of Claude Code; an agent that it starts inherits them
    ("process", "CLAUDE_PID"),
    ("attended", "CLAUDE_CODE_SESSION_ATTENDED"),
    ("telemetry", "CLAUDE_CODE_ENABLE_TELEMETRY"),
)
_ONE_PROMPT = {"codex": ("exec",), "gemini-cli": ("-p", "--prompt")}  # arguments that let it work without a person
_PASSED_ON = (  # what the sender needs of the agent's environment, which may hold secrets
    *("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", spool.HOME_VARIABLE),
    *(
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "https_proxy",
        "http_proxy",
        "no_proxy",
    ),
)


def note(client: str, process: str) -> None:
    """Note the event whose payload is on the standard input. ``process`` is the agent's, unless it says so itself."""
    at_ms = time.time_ns() // 1_000_000
    payload = _all_of_stdin()  # before all else: an agent takes it for a failure if it can't write
    home = spool.home()
    if not os.path.exists(os.path.join(home, spool.SETTINGS)):  # not connected, or no longer
        return
    if len(payload) > PAYLOAD_BYTES_MAX:
        spool.count_dropped(home)
    elif payload.strip():
        spool.put(home, at_ms, _header(client, process), payload)
        start_sender(home)


def start_sender(home: str) -> None:
    """Start the sender in a session of its own, unless one runs. It outlives the agent."""
    if spool.is_sending(home):
        return
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "send.py")
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    command = [sys.executable, "-I", "-S", program]
    try:
        os.posix_spawn(sys.executable, command, environment, file_actions=null, setsid=True)
    except NotImplementedError:  # an old C library; the sender makes its session itself
        os.posix_spawn(sys.executable, command, environment, file_actions=null)


def _header(client: str, process: str) -> dict[str, str]:
    header = {"client": client, "process": process}
    if client == "claude-code":
        header.update((name, os.environ[variable]) for name, variable in _ENVIRONMENT if variable in os.environ)
    if "attended" not in header:
        header["attended"] = attended(client, header["process"])
    try:
        folder = os.getcwd()
    except OSError:  # the agent removed it, as with a worktree
        return header
    return {**header, "folder": folder, **git_of(folder)}


def attended(client: str, process: str) -> str:
    """Return 1 if an agent that does not say so has a person at its terminal, 0 if not, nothing if it can't be seen."""
    try:
        given = os.readlink(f"/proc/{process}/fd/0")
    except OSError:
        return ""
    is_terminal = given.startswith(("/dev/pts/", "/dev/tty"))
    arguments = _read(f"/proc/{process}/cmdline", 4_000).split("\0")
    return "1" if is_terminal and not any(one in arguments for one in _ONE_PROMPT.get(client, ())) else "0"


def git_of(folder: str) -> dict[str, str]:
    """Return the folder of git of a working folder, and what its HEAD says; empty outside of repositories."""
    try:
        git = _git_folder(folder)
    except ValueError:  # a zero byte in a path
        return {}
    return {"git": git, "head": _read(os.path.join(git, "HEAD"), 1_000).strip()} if git else {}


def _git_folder(folder: str) -> str:
    """Return the folder with the HEAD of a working folder, also of a worktree or a submodule.

    Empty outside of repositories, and where a file names a folder of git that does not name this working folder:
    an unpacked archive could name that of any other repository.
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
    """Return whether a folder of git names a working folder: a worktree's in `gitdir`, a submodule's in `config`.

    What `git init --separate-git-dir` makes names none, so its branch is not known.
    """
    named = os.path.dirname(_read(os.path.join(git, "gitdir"), 4_000).strip()) or _worktree(git)
    return bool(named) and os.path.realpath(os.path.join(git, named)) == os.path.realpath(folder)


def _worktree(git: str) -> str:
    """Return `core.worktree`, the only setting of git with this name."""
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


def _all_of_stdin() -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := os.read(0, 1 << 20):
        if size <= PAYLOAD_BYTES_MAX:
            parts.append(part)
        size += len(part)
    return b"".join(parts)
