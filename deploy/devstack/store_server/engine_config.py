"""The engine's configuration: the files beside this one, with what users and tests ask for added to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.devstack.store_server.users import Bound

CONFIG = Path(__file__).with_name("engine_config.xml")
USERS = Path(__file__).with_name("engine_users.xml")
_WINDOW = "<merge_tree><non_replicated_deduplication_window>{}</non_replicated_deduplication_window></merge_tree>"


def configured(folder: Path, profiles: Mapping[str, Sequence[Bound]], deduplication_window: int) -> Path:
    """The path of the configuration: as shipped, or, where more is asked for, written into ``folder``.

    A window of 0 is none, as by default.
    """
    if not profiles and not deduplication_window:
        return CONFIG
    folder.mkdir(exist_ok=True)
    window = _WINDOW.format(deduplication_window) if deduplication_window else ""
    added = "".join(_profile(name, bounds) for name, bounds in profiles.items())
    (folder / USERS.name).write_text(USERS.read_text().replace("</profiles>", f"{added}</profiles>"))
    config = folder / CONFIG.name
    config.write_text(CONFIG.read_text().replace("</clickhouse>", f"{window}</clickhouse>"))
    return config


def _profile(name: str, bounds: Sequence[Bound]) -> str:
    return f"<{name}><constraints>{''.join(map(_constraint, bounds))}</constraints></{name}>"


def _constraint(bound: Bound) -> str:
    limits = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in (("min", bound.min), ("max", bound.max)) if text)
    return f"<{bound.name}>{limits}{'<const/>' if bound.const else ''}</{bound.name}>"
