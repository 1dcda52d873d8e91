"""Several processes run as one."""
