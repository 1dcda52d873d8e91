"""Modules that commands of the product import when they run, and redaction's compiled rules, for the fork server."""

from importlib import import_module

from ingest.privacy.redaction.detection import may_hold_secrets

for name in (
    *("cli.main", "cli.requests", "deploy.log_tools", "deploy.devstack.stack", "deploy.devstack.store_server.process"),
    *("runtime.auditor", "runtime.http_services", "runtime.provision", "runtime.single_process", "runtime.worker"),
):
    import_module(name)
may_hold_secrets(b"")
