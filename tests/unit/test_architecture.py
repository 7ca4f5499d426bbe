"""The layout is the architecture: collector and workers know the kernel, never each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "beatline": {"beatline"},
    "collector": {"beatline", "collector"},
    "workers": {"beatline", "workers"},
}


def imported(file: Path) -> set[str]:
    """The top-level packages that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        sideways = imported(file) & set(ALLOWED) - ALLOWED[package]
        assert not sideways, f"{file} imports {sideways}"


def test_every_query_says_what_it_is_for_and_is_used() -> None:
    code = "".join(
        file.read_text() for package in (*ALLOWED, "loadtest") for file in (ROOT / package).rglob("*.py")
    )
    for file in (ROOT / "sql" / "queries").glob("*.sql"):
        assert file.read_text().startswith("-- "), f"{file} has no purpose line"
        assert f'"{file.stem}"' in code, f"nobody runs {file}"


def test_lock_files_hold_no_addresses() -> None:
    locks = [*ROOT.glob("requirements/*.txt"), ROOT / "console/package-lock.json"]
    locks.append(ROOT / "tracker/package-lock.json")
    locks.append(ROOT / "tests/timescale/package-lock.json")
    for file in locks:
        text = file.read_text()
        for address in ('"resolved": "http', "--index-url", "--extra-index-url", "--find-links"):
            assert address not in text, f"{file} names a host"
