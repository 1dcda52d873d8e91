"""Modules that commands of the product import when they run, and redaction's compiled rules, for the fork server."""

from importlib import import_module

from ingest.privacy.redaction.detection import may_hold_secrets

for name in (
    *("cli.main", "cli.jobs", "runtime.operations.log_export", "devstack.stack", "devstack.store_server.process"),
    *(
        "runtime.services.auditor",
        "runtime.services.http_services",
        "runtime.operations.provision_store",
        "runtime.services.single_process",
        "runtime.services.worker",
    ),
):
    import_module(name)
may_hold_secrets(b"")
