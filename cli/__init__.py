"""The `crewkit-sessions` command: thin, one file a group of commands.

Each start imports all these files, so that `--help` lists every command. So functions import what they need beyond
click and msgspec: help, usage errors and `token` then appear at once.
"""
