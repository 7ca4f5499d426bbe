"""`python -m grafana` (`make dashboards`): writes the boards to provisioning/dashboards/definitions."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

BOARDS = Path(__file__).parent / "boards"
DEFINITIONS = Path(__file__).parent / "provisioning" / "dashboards" / "definitions"
PARTS = ("__init__", "parts")
OPERATIONS = ("collector", "workers", "database", "service_levels")  # the others are in the folder product


def definitions() -> dict[Path, str]:
    """The JSON text of each board, by its file under DEFINITIONS: a provider reads a whole folder."""
    names = sorted(path.stem for path in BOARDS.glob("*.py") if path.stem not in PARTS)
    return {folder(name) / f"{name}.json": definition(name) for name in names}


def folder(name: str) -> Path:
    """The folder of a board."""
    return Path("operations" if name in OPERATIONS else "product")


def definition(name: str) -> str:
    """The JSON text of one board."""
    board = importlib.import_module(f"grafana.boards.{name}").board().build()
    return json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the definitions, and remove those whose board is gone."""
    texts = definitions()
    for path in DEFINITIONS.rglob("*.json"):
        if path.relative_to(DEFINITIONS) not in texts:
            path.unlink()
    for file, text in texts.items():
        (DEFINITIONS / file).parent.mkdir(parents=True, exist_ok=True)
        (DEFINITIONS / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
