"""What the errors of an object store mean."""

import re

from ingest.log.archive.refusals import Refused
from schemas.log.position import LogUnavailable

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_CREDENTIALS_OF_A_MACHINE = "//169.254."  # is asked if the environment has no credentials
_PASSES = ("408", "409", "429")
_AGAIN = "run the command again: it continues where it stopped"


def explained(error: Exception, name: str) -> Refused | LogUnavailable:
    """Return the error to raise for a place of this name.

    Of the text it has only the status and the store's code, since the rest quotes requests.
    """
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    answer = " ".join(found[1] for found in (status, code) if found)
    if status is None and _CREDENTIALS_OF_A_MACHINE in text:
        return Refused(f"{name} can't be used without credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if status is None and "configured region" in text:
        return Refused(f"{name} is in another region: set AWS_REGION to the region of the bucket")
    if status is None and not isinstance(error, FileNotFoundError):
        return LogUnavailable(f"{name} can't be reached: check AWS_ENDPOINT_URL and the network, then {_AGAIN}")
    if status is None or status[1] == "404":
        return Refused(f"{name} can't be used: there is no such bucket; create it, or name another one")
    if status[1] in ("401", "403"):
        return Refused(
            f"{name} denies access ({answer}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may "
            "list, read, write and remove the objects"
        )
    if status[1].startswith("4") and status[1] not in _PASSES:
        return Refused(f"{name} refuses the request ({answer}): check AWS_REGION and AWS_ENDPOINT_URL")
    return LogUnavailable(f"{name} has an outage ({answer}): {_AGAIN}")
