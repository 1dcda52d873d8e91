"""One folder for each coding agent. The hook imports this package while its agent waits, so it stays empty."""
