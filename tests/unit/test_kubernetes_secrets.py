"""The commands in deploy/kubernetes/README.md create every Secret and ConfigMap to which the manifests refer."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.settings.secrets import operator_keys, own_secrets
from runtime.settings.settings import Settings
from tests.support.manifests import of_kind, pods, rendered
from tests.support.pages import blocks

PAGE = "deploy/kubernetes/README.md"
# Records `create secret generic` and `create configmap`, with the content of their files.
KUBECTL = f"""#!{sys.executable}
import json, pathlib, sys
words = sys.argv[1:]
if "create" in words and words[words.index("create") + 1] in ("secret", "configmap"):
    named = words[words.index("create") + (3 if "secret" in words else 2)]
    files = [word.removeprefix("--from-file=") for word in words if word.startswith("--from-file=")]
    data = {{}}
    for file in files:
        key, _, path = file.rpartition("=")
        for found in sorted(pathlib.Path(path).iterdir()) if pathlib.Path(path).is_dir() else [pathlib.Path(path)]:
            data[key or found.name] = found.read_text()
    with open("noted", "a") as noted:
        noted.write(json.dumps([named, data]) + "\\n")
"""


def made(folder: Path) -> dict[str, dict[str, str]]:
    """Run the page's commands in a folder; return what they would create, by name."""
    what_the_operator_has(folder)
    (script, *_) = (block.text for block in blocks(PAGE) if block.section == "Production" and block.language == "sh")
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").write_text(KUBECTL)
    (folder / "bin" / "kubectl").chmod(0o755)
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return dict(json.loads(line) for line in (folder / "noted").read_text().splitlines())


def what_the_operator_has(folder: Path) -> None:
    """Make the files that production provides: passwords, CAs and the issuer's keys."""
    for name in (
        "store/provision",
        "store/projector",
        "store/query",
        "kafka/provision",
        "kafka/ingest",
        "kafka/projector",
        "kafka/keeper",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"password of {name}")
    for name in ("valkey/password", "authorities/kafka.crt", "authorities/clickhouse.crt", "authorities/valkey.crt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    (folder / "jwks.json").write_text("{}")


def referenced() -> set[tuple[str, str]]:
    """Return name and key of what the pods mount and no manifest creates; the key is empty if all keys are mounted."""
    documents = rendered()
    there = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    found = set()
    for pod in pods(documents):
        for volume in pod.spec["volumes"]:
            if "secret" in volume:
                items = volume["secret"].get("items", [{"key": ""}])
                found |= {(volume["secret"]["secretName"], item["key"]) for item in items}
            elif "configMap" in volume and volume["configMap"]["name"] not in there:
                found.add((volume["configMap"]["name"], ""))
        for container in pod.containers:
            found |= {
                (source["secretRef"]["name"], "") for source in container.get("envFrom", ()) if "secretRef" in source
            }
    return found


@pytest.mark.slow
def test_the_readme_makes_what_the_manifests_refer_to(tmp_path: Path) -> None:
    """Every mounted key exists, and nothing is created that no pod reads."""
    secrets = made(tmp_path)

    assert {name for name, _ in referenced()} == set(secrets)
    assert [(name, key) for name, key in referenced() if key and key not in secrets[name]] == []
    assert [name for name, data in secrets.items() if not data or not all(data.values())] == []


@pytest.mark.slow
def test_the_processes_accept_the_keys(tmp_path: Path) -> None:
    """They read them from a volume, with the modes in the manifests; no key that signs tokens is there."""
    keys = made(tmp_path)["crewkit-keys"]
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o700)
    for name, text in keys.items():
        (volume / name).write_text(text)
        (volume / name).chmod(0o400)
    settings = Settings(secrets=str(volume))

    assert own_secrets(volume).fingerprint
    assert operator_keys(settings)
    assert not {"operator.key", "token.key"} & set(keys)


def test_files_of_the_production_recipe_are_those_that_settings_name(tmp_path: Path) -> None:
    """A ConfigMap is mounted as a folder, so its keys are the file names."""
    secrets = made(tmp_path)
    (settings,) = (d["data"] for d in of_kind(rendered(), "ConfigMap") if "LOG_URL" in d["data"])

    for name in ("authorities", "jwks"):
        wanted = {found for value in settings.values() for found in re.findall(rf"/etc/crewkit/{name}/([\w.]+)", value)}
        assert wanted == set(secrets[name])
