"""JSON Schemas of event types (draft 2020-12): checked, compiled, held against an event's properties.

Schemas come from whoever administers a project, events from everybody. So whatever an event costs is bounded:
nothing is ever fetched, patterns take linear time, and telling what is wrong with an event, which may cost
far more than finding out that something is, has a bounded share of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import msgspec
from jsonschema_rs import Draft202012Validator, RegexOptions

from beatline.errors import BeatlineError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_BYTES = 64 * 2**10
MOST_APPLIED = 10_000  # subschemas that one event may have to pass, references followed
PATTERN_BYTES = 2**20  # of one compiled pattern

MOST_ERRORS = 10  # that are told of one event
TEXT_LENGTH = 200  # of a path and of a message
MOST_VALUES = 1_000  # of an event that is explained
EXPLAINING_SHARE = 0.1  # of the time of a process
EXPLAINING_SECONDS = 0.5  # saved up at most

PROPERTIES = "properties"
UNEXPLAINED = {PROPERTIES: ["Does not fit the schema of its type."]}

MAPS = ("properties", "patternProperties", "dependentSchemas")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLE = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
REFERENCES = ("$ref", "$dynamicRef")

Errors = dict[str, list[str]]


@dataclass
class BadSchema(BeatlineError):  # noqa: N818 - said to whoever sent it
    """The schema cannot be used: where in it, as `schema.properties.price`, and why."""

    place: str
    message: str


@dataclass(frozen=True, slots=True)
class EventSchema:
    """A compiled schema.

    named: the property names that it mentions. recursive: it refers to itself; then the time to explain an
    event cannot be told beforehand.
    """

    validator: Draft202012Validator
    named: frozenset[str]
    recursive: bool


def schema_text(schema: Any) -> str:
    """A schema as JSON text, checked. Raises BadSchema."""
    try:
        encoded = msgspec.json.encode(schema)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, TypeError) as error:
        raise BadSchema("schema", f"Not JSON: {error}") from None
    if len(encoded) > SCHEMA_BYTES:
        raise BadSchema("schema", f"Larger than {SCHEMA_BYTES} bytes.")
    if b"\\u0000" in encoded:
        raise BadSchema("schema", "NUL characters cannot be stored.")
    text = encoded.decode()
    compile_schema(text)
    return text


def compile_schema(text: str) -> EventSchema:
    """Compile a schema of JSON text. Raises BadSchema."""
    schema = msgspec.json.decode(text)
    if not isinstance(schema, dict | bool):
        raise BadSchema("schema", "Not an object, nor true or false.")
    if isinstance(schema, dict) and str(schema.get("$schema", DIALECT)).rstrip("#") != DIALECT:
        raise BadSchema("schema.$schema", f"Only {DIALECT} is understood.")
    try:
        jsonschema_rs.meta.validate(schema)
        validator = Draft202012Validator(
            schema, offline=True, validate_formats=True, mask="value",
            pattern_options=RegexOptions(size_limit=PATTERN_BYTES),
        )  # fmt: skip
        survey = Survey(schema)
    except jsonschema_rs.ValidationError as error:
        raise bad_schema(error) from None
    except (RecursionError, ValueError):  # the latter is jsonschema-rs's own limit
        raise BadSchema("schema", "Nested too deeply, or references follow too many others.") from None
    if survey.weight > MOST_APPLIED:
        raise BadSchema("schema", f"Applies more than {MOST_APPLIED} subschemas, references followed.")
    return EventSchema(validator, frozenset(survey.named), survey.recursive)


def bad_schema(error: jsonschema_rs.ValidationError) -> BadSchema:
    """What the library finds wrong with a schema, with the place in it."""
    place = ".".join(["schema", *map(str, error.instance_path)])
    message = error.message
    if error.kind.name == "format" and error.kind.value == "regex":
        message = "Not a regular expression, or one with look-around or back-references, or too large."
    return BadSchema(place[:TEXT_LENGTH], message[:TEXT_LENGTH])


class Survey:
    """What following the references of a schema finds: its weight, which is how many subschemas it applies;
    the property names it mentions; whether it is recursive. Raises BadSchema for a reference that leads out
    of the schema or to nothing, RecursionError for long chains of them."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.named: set[str] = set()
        self.recursive = False
        self.weights: dict[int, int | None] = {}  # by the schema's identity; None while it is being weighed
        self.weight = self.weigh(root)

    def weigh(self, schema: Any) -> int:
        """How many subschemas a schema applies, itself included; one that encloses it counts once."""
        if not isinstance(schema, dict):
            return 1
        if id(schema) in self.weights:
            known = self.weights[id(schema)]
            self.recursive |= known is None
            return known or 1
        if "$id" in schema and schema is not self.root:
            raise BadSchema("schema", "$id inside of a schema is not supported.")
        self.weights[id(schema)] = None
        self.named.update(schema.get("properties", ()), schema.get("required", ()))
        weight = 1
        for subschema in subschemas(schema):
            weight += self.weigh(subschema)
        for keyword in REFERENCES:
            if keyword in schema:
                weight += self.weigh(resolve(self.root, schema[keyword]))
        self.weights[id(schema)] = weight
        return weight


def subschemas(schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas that a schema applies, references aside."""
    for keyword, value in schema.items():
        if keyword in MAPS:
            yield from value.values()
        elif keyword in LISTS:
            yield from value
        elif keyword in SINGLE:
            yield value


def resolve(root: Any, reference: str) -> Any:
    """What a reference within a schema leads to. Raises BadSchema."""
    if not reference.startswith("#"):
        raise BadSchema("schema", f"{reference[:TEXT_LENGTH]!r} leads out of the schema; nothing is fetched.")
    try:
        if reference.startswith("#/"):
            return at_pointer(root, reference[2:])
        return find_anchor(root, reference[1:]) if len(reference) > 1 else root
    except (LookupError, TypeError, ValueError):
        raise BadSchema("schema", f"{reference[:TEXT_LENGTH]!r} leads to nothing.") from None


def at_pointer(root: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), given without its first slash."""
    value = root
    for part in unquote(pointer).split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def find_anchor(value: Any, name: str) -> Any:
    """The schema with an anchor, anywhere below. Raises LookupError."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if name in (value.get("$anchor"), value.get("$dynamicAnchor")):
                return value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    raise LookupError(name)


def complaints(schema: EventSchema, properties: dict[str, Any], page_url: str | None) -> Errors:
    """What is wrong with an event, {"properties.<path>": [message]}; {} when it fits."""
    instance = seen(schema, properties, page_url)
    return {} if schema.validator.is_valid(instance) else explain(schema, instance)


def seen(schema: EventSchema, properties: dict[str, Any], page_url: str | None) -> dict[str, Any]:
    """What the schema gets to see: the properties, those of protocols ($…) only when it names them, so that
    additionalProperties can be false whatever SDK sends; and page_url when it names that."""
    instance = {k: v for k, v in properties.items() if k[:1] != "$" or k in schema.named}
    if page_url is not None and "page_url" in schema.named:
        instance["page_url"] = page_url
    return instance


class Allowance:
    """Seconds of work that come in at a rate and are saved up to a bound. clock: seconds that only grow."""

    def __init__(self, share: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.share, self.most, self.clock = share, most, clock
        self.left, self.at = most, clock()

    def is_there(self) -> bool:
        """Whether something is left now."""
        now = self.clock()
        self.left = min(self.most, self.left + (now - self.at) * self.share)
        self.at = now
        return self.left > 0

    def spend(self, seconds: float) -> None:
        """Take away what was used."""
        self.left -= seconds


explaining = Allowance(EXPLAINING_SHARE, EXPLAINING_SECONDS)


def explain(schema: EventSchema, instance: dict[str, Any]) -> Errors:
    """What is wrong with an event that does not fit; only that it does not, where telling could take long:
    every value may be wrong in several ways, and hostile events bring many."""
    if schema.recursive or not explaining.is_there() or not few_values(instance):
        return dict(UNEXPLAINED)
    started = time.thread_time()
    errors: Errors = {}
    for error in islice(schema.validator.iter_errors(instance), MOST_ERRORS):
        path = ".".join([PROPERTIES, *map(str, error.instance_path)])
        errors.setdefault(path[:TEXT_LENGTH], []).append(error.message[:TEXT_LENGTH])
    explaining.spend(time.thread_time() - started)
    return errors


def few_values(instance: Any) -> bool:
    """Whether there are at most MOST_VALUES values, however nested."""
    count, pending = 0, [instance]
    while pending and count <= MOST_VALUES:
        value = pending.pop()
        count += 1
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return count <= MOST_VALUES
