"""The kinds of conditions: a module each with its struct, and a statement each in sql/queries.

A new kind is a subclass of Condition, its statement, and a line in KINDS.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from beatline.errors import BeatlineError
from beatline.watches.kinds.absence import Absence
from beatline.watches.kinds.change import Change
from beatline.watches.kinds.condition import Condition, Faults
from beatline.watches.kinds.threshold import Threshold

KINDS: dict[str, type[Condition]] = {
    "threshold": Threshold,
    "absence": Absence,
    "change": Change,
}
FIELD = re.compile(r"(?P<message>.*) - at `\$\.(?P<field>\w+)`")
NAMED = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>\w*)")


class BadCondition(BeatlineError):  # noqa: N818 - said to whoever wrote it
    """A condition that cannot be; faults is {field: [message]}."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(str(faults))
        self.faults = faults


def condition_of(kind: str, fields: Any) -> Condition:
    """The condition that a watch is stored with."""
    return msgspec.convert(fields, KINDS[kind])


def checked_condition(kind: str, fields: Any, resolve_level: float | None) -> Condition:
    """The condition that somebody wrote. Raises BadCondition."""
    try:
        condition = condition_of(kind, fields)
    except msgspec.ValidationError as error:
        raise BadCondition({"condition": fault_of(str(error))}) from None
    if faults := condition.faults(resolve_level):
        own = {field: messages for field, messages in faults.items() if field != "resolve_level"}
        beside = {field: messages for field, messages in faults.items() if field == "resolve_level"}
        raise BadCondition(({"condition": own} if own else {}) | beside)  # type: ignore[arg-type]
    return condition


def fault_of(message: str) -> Any:
    """msgspec's message by the field that it is about."""
    if named := NAMED.match(message):
        missing = named["what"] == "missing required"
        return {named["field"]: ["Missing." if missing else "Unknown field."]}
    if at := FIELD.match(message):
        return {at["field"]: [at["message"]]}
    return [message]
