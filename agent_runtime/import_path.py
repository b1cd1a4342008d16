"""Import paths: how a file or a setting names an object of Python, such as `my_agents:agents`."""

from __future__ import annotations

import re

from agent_runtime.errors import TextError, quoted

_IMPORT_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def parse_import_path(text: str) -> str:
    """An import path such as `package.module:name`. Raises `TextError`."""
    path = text.strip()
    if "://" in path:
        raise TextError("names a remote agent, which is not available yet", "Write package.module:name")
    module, _, name = path.partition(":")
    if module.endswith(".py"):
        dotted = module.removesuffix(".py").removeprefix("./").strip("/").replace("/", ".")
        raise TextError(f"{quoted(path)} names a file, not a module", f"Leave out .py: {dotted}:{name or 'agents'}")
    if not _IMPORT_PATH.fullmatch(path):
        raise TextError(f"{quoted(path)} is not an import path", "Write package.module:name")
    return path
