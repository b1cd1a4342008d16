"""Whether the packages that Python would import under our names are ours. Imports nothing of ours: it runs first.

Signoff installs three packages with short names. A user's own `storage.py` on the path ahead of them breaks every
import; one beside the policy file is merely never found, because ours was imported before it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

OURS = ("bot", "agent_runtime", "storage")
ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds all three."""


def strangers() -> dict[str, Path]:
    """Those of our names under which Python finds something else, and where."""
    found = {name: _origin(name) for name in OURS}
    return {name: origin for name, origin in found.items() if origin is not None and origin.parent != ROOT}


def namesakes(folder: Path) -> dict[str, Path]:
    """A user's own modules in a folder that have one of our names."""
    if folder.resolve() == ROOT:
        return {}
    candidates = {name: (folder / f"{name}.py", folder / name) for name in OURS}
    return {name: path for name, paths in candidates.items() for path in paths if _is_module(path)}


def _origin(name: str) -> Path | None:
    """The package's folder, or the module's file."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module made by hand, without a spec
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None


def _is_module(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.glob("*.py")))
