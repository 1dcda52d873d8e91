"""An export of the log: compressed segments and a manifest. It is the backup, and moves a log elsewhere."""
