"""An export of the log: a folder of compressed segments and a manifest. It is the backup, and moves a log elsewhere.

::

    line.py       one record <-> one line of JSON
    segment.py    records <-> the bytes of one file
    manifest.py   what the folder holds, with its own hash
    folder.py     the files: locked, private, each replaced whole
    export.py     log -> folder, from where the manifest ends
    verify.py     folder -> findings
    restore.py    folder -> empty log, or one that holds the beginning of the same import
"""
