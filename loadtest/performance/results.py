"""Results as files: one JSON file a measurement, in a folder outside of what is committed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def write(folder: Path, name: str, data: Mapping[str, Any], *, machine: list[list[str]], quick: bool) -> None:
    """Write what a measurement has found, with when and on what it ran."""
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "name": name,
        "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "quick": quick,
        "machine": machine,
        "data": data,
    }
    draft = folder / f"{name}.json.new"
    draft.write_text(json.dumps(result, indent=1))
    draft.replace(folder / f"{name}.json")


def read(folder: Path) -> dict[str, Result]:
    """All results of a folder by the name of their measurement."""
    files = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}
