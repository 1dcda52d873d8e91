"""The attackers' initial state: fixed secrets, tokens made with them, sessions.

None of it changes, so the same seed makes the same requests in every run.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from edge.names import AUDIENCE, ISSUER
from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.installation import Installation

ATTACKERS, PROBE_ORG = "mallory", "acme"
USER = "eve"
SESSIONS = 6
ISSUED_AT, EXPIRES_AT = 1_767_225_600, 4_102_444_800  # 2026 and 2100
KEYS = {name: hashlib.sha256(b"fuzz " + name.encode()).digest() for name in ("seed.key", "id.keys", "token.key")}


class AttackSetup(NamedTuple):
    """The attackers' sessions and tokens."""

    sessions: tuple[str, ...] = ("00000000-0000-4000-8000-000000000000",) * 2

    def token(self, role: str = "admin", org: str = ATTACKERS, user: str = USER) -> str:
        """Return a valid token."""
        return signed(claims(role, org, user))

    @property
    def operator(self) -> str:
        """Return the token of an operator."""
        return self.token("operator", OPERATOR_ORG)


def claims(role: str = "admin", org: str = ATTACKERS, user: str = USER) -> dict[str, Any]:
    """Return the claims of a valid token, the same each time."""
    names = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "org_id": org, "role": role, "jti": f"{org}-{user}-{role}"}
    return {**names, "iat": ISSUED_AT, "exp": EXPIRES_AT}


def signed(payload: dict[str, Any], key: bytes = KEYS["token.key"], **headers: Any) -> str:
    """Sign a token with this payload."""
    return jwt.encode(payload, key, algorithm="HS256", headers=headers)


def prepare_data_folder(data: Path) -> None:
    """Write the secrets into an empty folder."""
    (data / "secrets").mkdir(parents=True, mode=0o700)
    data.chmod(0o700)
    for name, key in KEYS.items():
        file = data / "secrets" / name
        file.write_text(key.hex() + "\n")
        file.chmod(0o600)


def create_setup(installation: Installation) -> AttackSetup:
    """Create the attackers' sessions; their ids follow from their keys, so they are the same in every run."""
    made = []
    with installation.client("admin", ATTACKERS, USER) as http:
        for n in range(SESSIONS):
            body = {"agent_name": "reviewer", "sensitive": n == SESSIONS - 1}
            reply = http.post(f"/api/v1/{ATTACKERS}/sessions", json=body, headers={"Idempotency-Key": f"scene-{n}"})
            made.append(reply.raise_for_status().json()["data"]["id"])
    return AttackSetup(tuple(made))
