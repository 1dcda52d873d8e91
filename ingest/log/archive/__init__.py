"""An export of the log: a folder of compressed segments and a manifest. It is the backup, and moves a log elsewhere."""
