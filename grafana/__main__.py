"""`python -m grafana` (`make dashboards`): writes every board to provisioning/dashboards/definitions."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

BOARDS = Path(__file__).parent / "boards"
DEFINITIONS = Path(__file__).parent / "provisioning" / "dashboards" / "definitions"
PARTS = ("__init__", "parts")


def definitions() -> dict[str, str]:
    """The JSON text of each board, by the name of its file."""
    names = sorted(path.stem for path in BOARDS.glob("*.py") if path.stem not in PARTS)
    return {f"{name}.json": definition(name) for name in names}


def definition(name: str) -> str:
    """The JSON text of one board."""
    board = importlib.import_module(f"grafana.boards.{name}").board().build()
    return json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the definitions, and remove those whose board is gone."""
    texts = definitions()
    for path in DEFINITIONS.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for file_name, text in texts.items():
        (DEFINITIONS / file_name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
