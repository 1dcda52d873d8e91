"""The `crewkit-sessions` command: a thin layer with one file per group of commands.

Every start imports all these files, so that `--help` lists every command. To keep help, usage errors and `token` fast,
the files import only click and msgspec at the top; functions import the rest.
"""
