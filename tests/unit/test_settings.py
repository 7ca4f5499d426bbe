"""Settings are strict, and documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from beatline.errors import StartError
from beatline.settings import Settings

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_it_works() -> None:
    settings = Settings.from_env({"BEATLINE_PORT": "9000", "BEATLINE_DEMO": "off", "BEATLINE_DATA": "/d"})
    assert (settings.port, settings.demo, settings.data) == (9000, False, Path("/d"))
    assert settings.host == Settings().host


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BEATLINE_PORT", "http"),
        ("BEATLINE_PORT", "0"),
        ("BEATLINE_PORT", "65536"),
        ("BEATLINE_DEMO", "maybe"),
        ("BEATLINE_SERVER", "waitress"),
        ("BEATLINE_RETENTION_DAYS", "-1"),
    ],
)
def test_a_wrong_value_stops_the_start_with_the_name(name: str, value: str) -> None:
    with pytest.raises(StartError, match=name):
        Settings.from_env({name: value})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://somewhere/db\n")
    settings = Settings.from_env({"BEATLINE_DATABASE_URL_FILE": str(secret)})
    assert settings.database_url == "postgresql://somewhere/db"


def test_a_missing_file_stops_the_start_with_the_name() -> None:
    with pytest.raises(StartError, match="BEATLINE_DATABASE_URL_FILE"):
        Settings.from_env({"BEATLINE_DATABASE_URL_FILE": "/nowhere/at/all"})


def test_an_empty_variable_is_an_unset_one() -> None:
    assert Settings.from_env({"BEATLINE_PORT": ""}).port == Settings().port


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(BEATLINE_\w+)` \| ([^|]*) \|", CONFIGURATION.read_text(), re.MULTILINE))
    defaults = {f"BEATLINE_{item.name.upper()}": item.default for item in fields(Settings)}
    assert rows.keys() == defaults.keys()
    for name, default in defaults.items():
        shown = {True: "on", False: "off", None: "unset"}.get(default, default)  # type: ignore[call-overload]
        shown = default if type(default) is int else shown
        assert rows[name].strip().strip("`") == str(shown), name
