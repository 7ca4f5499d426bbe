"""docker-compose.yml as Compose sees it: anchors merged, and variables put in."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
MAKE_ENV = ROOT / "deploy" / "make_env.py"

# The forms that the file may use, of those in the Compose specification (12-interpolation.md).
VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<how>:-|:\?)(?P<word>[^{}$]*))?\})")

Service = dict[str, Any]


class MissingVariableError(Exception):
    """A variable that has to be set is not; the message is the file's."""


def raw_compose() -> dict[str, Any]:
    """The file with its variables as they are written."""
    return cast(dict[str, Any], yaml.safe_load(FILE.read_text()))


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables put in. Raises MissingVariableError."""
    file = cast(dict[str, Any], put_in(raw_compose(), variables))
    for service in file["services"].values():
        if "environment" in service:
            service["environment"] = resolved(service["environment"], variables)
    return file


def resolved(environment: Service, variables: Mapping[str, str]) -> Service:
    """An environment with variables that have no value passed on, or left out where they are not set."""
    passed = {key: variables.get(key) if value is None else value for key, value in environment.items()}
    return {key: value for key, value in passed.items() if value is not None}


def put_in(value: Any, variables: Mapping[str, str]) -> Any:
    """A value of the file with the variables in all its strings put in."""
    if isinstance(value, dict):
        return {key: put_in(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [put_in(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    assert "$" not in VARIABLE.sub("", value), f"{value}: a $ that is no variable"
    return VARIABLE.sub(lambda match: replacement(match, variables), value)


def replacement(match: re.Match[str], variables: Mapping[str, str]) -> str:
    """What stands for one variable. With a colon, an empty one counts as unset."""
    if match["escaped"]:
        return "$"
    text = variables.get(match["name"], "")
    if not text and match["how"] == ":?":
        raise MissingVariableError(f"{match['name']}: {match['word']}")
    if not text and match["how"] == ":-":
        return match["word"]
    return text


def written_env(domain: str = "") -> dict[str, str]:
    """The variables of an .env that `make env` writes."""
    lines = env_text(domain).splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def env_text(domain: str) -> str:
    """What deploy/make_env.py writes."""
    write: Callable[[str], str] = runpy.run_path(str(MAKE_ENV))["env_text"]
    return write(domain)


def is_ours(service: Service) -> bool:
    """Whether it runs our image."""
    return str(service["image"]).startswith("beatline:")


def runs_once(service: Service) -> bool:
    """Whether it does its work and ends."""
    return service["restart"] == "no"
