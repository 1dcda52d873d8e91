"""The link that opens the dashboard signed in."""

from urllib.parse import urlencode


def sign_in_link(url: str, token: str, operator: str) -> str:
    """Return the link. A user's and an operator's token are in its fragment, which browsers don't send."""
    return f"{url}/#{urlencode({'token': token, 'operator': operator})}"
