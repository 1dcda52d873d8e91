"""The error that stops a process."""


class Broken(Exception):
    """A state that must not occur. The process stops; the message says what to do, and a restart is safe."""
