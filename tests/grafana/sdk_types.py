"""Whether JSON fits the types of Grafana's SDK, which itself takes whatever it is given."""

from __future__ import annotations

import json
import sys
import typing
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

register_default_plugins()


def parse(model: Any, data: dict[str, Any]) -> Any:
    """Data as an object of the SDK. Raises TypeError: an unknown field, or a value of another type."""
    parsed = model.from_json(data)
    encoded = json.loads(json.dumps(parsed, cls=JSONEncoder))
    if encoded != data:
        raise TypeError(f"{model.__name__} keeps {encoded} of {data}")
    check(parsed, model, model.__name__)
    return parsed


def check(value: Any, hint: Any, where: str) -> None:
    """Raise TypeError unless a value, and all within it, is of a type."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        check_one_of(value, get_args(hint), where)
    elif origin is Literal:
        require(value in get_args(hint), value, hint, where)
    elif origin in (list, dict):
        require(isinstance(value, origin), value, hint, where)
        for key, each in value.items() if origin is dict else enumerate(value):
            check(each, get_args(hint)[-1], f"{where}[{key!r}]")
    elif isinstance(hint, EnumType):
        require(value in list(map(str, hint)), value, hint, where)
    elif hint not in (Any, object):
        require(isinstance(value, (int, float) if hint is float else hint), value, hint, where)
        check_attributes(value, where)


def require(fits: bool, value: Any, hint: Any, where: str) -> None:
    """Raise TypeError unless it fits."""
    if not fits:
        raise TypeError(f"{where} is {value!r}, not {hint}")


def check_one_of(value: Any, hints: tuple[Any, ...], where: str) -> None:
    """Raise TypeError unless a value is of one of some types."""
    errors = []
    for hint in hints if value is None else set(hints) - {NoneType}:
        try:
            check(value, hint, where)
        except TypeError as error:
            errors.append(str(error))
        else:
            return
    raise TypeError("; ".join(errors))


def check_attributes(value: Any, where: str) -> None:
    """Raise TypeError unless every attribute of an object of the SDK is of its type; others have none."""
    names = vars(sys.modules[type(value).__module__])
    for name, hint in typing.get_type_hints(type(value), names).items():
        if name in vars(value):
            check(vars(value)[name], hint, f"{where}.{name}")
