"""Checks the settings of the HTTP services without loading the services."""

from runtime.settings.credentials import load_credentials
from runtime.settings.rate_limit_settings import create_rate_limits
from runtime.settings.secrets import id_secrets
from runtime.settings.settings import Settings


def check_http(settings: Settings) -> None:
    """Raise the `BadSettings` that `http_services.service` would raise only after other parts have started."""
    load_credentials(settings), id_secrets(settings.secrets_folder), create_rate_limits(settings)
    _ = settings.origins, settings.admin_address
