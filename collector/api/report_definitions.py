"""Definitions of reports as the API takes and gives them (docs/reports.md)."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from beatline.analytics.event_log import MOST_PROPERTIES, Operator
from beatline.events import utc_now
from beatline.property_paths import LENGTH
from beatline.reports.definition import (
    LONGEST,
    MOST_GROUPINGS,
    MOST_GROUPS,
    PERCENTILES,
    By,
    Definition,
    Kind,
    from_json,
    problems,
)  # fmt: skip
from beatline.reports.periods import GRAINS, Unit
from collector.api.event_filters import MOST_TYPES, NO_NUL, PropertyBody, checked_value
from collector.api.schemas import StrictSchema

PERIODS = {
    "fixed": {"since", "until"},
    "last": {"count", "unit"},
    "this": {"unit"},
    "rolling": {"count", "unit"},
}
EXAMPLE = {"kind": "last", "count": 7, "unit": "day"}
VALUE = {"description": "Text, number, true, false or null; its type counts.", "nullable": True}


def one_of(names: Any, **options: Any) -> fields.String:
    """A text out of a few."""
    return fields.String(validate=validate.OneOf([str(name) for name in names]), **options)


def text(longest: int, about: str) -> fields.String:
    """A text to filter by."""
    return fields.String(
        allow_none=True,
        validate=[validate.Length(1, longest), NO_NUL],
        metadata={"description": about},
    )


def path() -> fields.String:
    """The name of a property or trait."""
    about = {"description": "Nested ones with dots.", "example": "cart.total"}
    return fields.String(allow_none=True, validate=[validate.Length(1, LENGTH), NO_NUL], metadata=about)


class PeriodSchema(StrictSchema):
    """fixed: since, until. last: count whole units that are over; this: the running unit until now; rolling:
    count units until now."""

    kind = one_of(PERIODS, required=True)
    since = fields.DateTime(metadata={"description": "Without an offset of the report's time zone."})
    until = fields.DateTime(metadata={"description": "Itself not within."})
    count = fields.Integer(strict=True, validate=validate.Range(1, LONGEST.days))
    unit = one_of(Unit)

    @validates_schema
    def has_its_fields(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a period without what its kind needs, or with more."""
        wanted, given = PERIODS[data["kind"]], data.keys() - {"kind"}
        wrong = {name: ["Missing data for required field."] for name in wanted - given}
        wrong |= {name: [f"A period of kind {data['kind']} has none."] for name in given - wanted}
        if wrong:
            raise ValidationError(wrong)


class MeasureSchema(StrictSchema):
    """What is measured; the kinds behind sessions are of a property."""

    kind = one_of(Kind, required=True)
    property = path()
    percentile = fields.Integer(
        allow_none=True,
        strict=True,
        validate=validate.OneOf(PERCENTILES),
        metadata={"enum": [*PERCENTILES, None]},
    )


class GroupingSchema(StrictSchema):
    """What to group by; property: that or the trait of a segment."""

    by = one_of(By, required=True)
    property = path()


class ConditionSchema(StrictSchema):
    """What a property is asked, as in the event log."""

    property = fields.String(required=True, validate=[validate.Length(1, LENGTH), NO_NUL])
    operator = one_of(Operator, load_default=Operator.EQUALS.value)
    value = fields.Raw(allow_none=True, metadata=VALUE)

    @post_load
    def check_value(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Refuse a value that the operator does not take."""
        value = data.get("value", msgspec.UNSET)
        if isinstance(value, list | dict):
            raise ValidationError("Not a text, number, true, false or null.", "value")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValidationError("Larger than 64 bits.", "value")
        asked = PropertyBody(data["property"], Operator(data["operator"]), value)
        try:
            return data | {"value": checked_value(asked)}
        except ValidationError as error:
            raise ValidationError(error.messages, "value") from None


class ConditionsSchema(StrictSchema):
    """Which events; all that is given has to be so."""

    event_types = fields.List(
        fields.String(validate=[validate.Length(1, 128), NO_NUL]),
        allow_none=True,
        validate=validate.Length(1, MOST_TYPES),
    )
    user_id = text(200, "Of this user.")
    anonymous_id = text(200, "With this anonymous id.")
    session_id = text(200, "Of this session.")
    device_id = text(200, "Of this device.")
    page_url = text(2_048, "Of exactly this page.")
    page_prefix = text(2_048, "Of pages whose URL begins so.")
    properties = fields.List(fields.Nested(ConditionSchema), validate=validate.Length(0, MOST_PROPERTIES))


class DefinitionSchema(StrictSchema):
    """A report. compare: with the previous period. top: so many groups, the others together."""

    period = fields.Nested(PeriodSchema, required=True, metadata={"example": EXAMPLE})
    measure = fields.Nested(MeasureSchema)
    grain = one_of(
        GRAINS, allow_none=True, metadata={"description": "Points of time; null: the whole period."}
    )
    groupings = fields.List(fields.Nested(GroupingSchema), validate=validate.Length(0, MOST_GROUPINGS))
    filters = fields.Nested(ConditionsSchema)
    top = fields.Integer(strict=True, validate=validate.Range(1, MOST_GROUPS))
    compare = fields.Boolean()
    time_zone = fields.String(validate=validate.Length(1, 64), metadata={"example": "Europe/Berlin"})

    @post_load
    def as_definition(self, data: dict[str, Any], **_: Any) -> Definition:
        """The definition. Raises ValidationError by field."""
        definition = from_json(data)
        found = problems(definition, utc_now())
        if found:
            raise ValidationError(found)
        return definition


class ColumnSchema(Schema):
    """A column of the table."""

    name = fields.String(required=True)
    type = one_of(["time", "text", "value", "integer", "number"], required=True)
    unit = fields.String(required=True, allow_none=True)


class SeriesSchema(Schema):
    """A line of a chart; points lie over the result's, previous_points point by point under them."""

    label = fields.String(required=True)
    group = fields.List(fields.Raw(allow_none=True, metadata=VALUE), required=True, allow_none=True)
    other = fields.Boolean(required=True, metadata={"description": "All groups beyond the top ones."})
    total = fields.Float(required=True, allow_none=True)
    points = fields.List(fields.Float(allow_none=True), required=True)
    previous_total = fields.Float(required=True, allow_none=True)
    previous_points = fields.List(fields.Float(allow_none=True), required=True)


class PreviousSchema(Schema):
    """The period before."""

    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True)
    points = fields.List(fields.DateTime(), required=True)


class ResultSchema(Schema):
    """What a report answers, exact at as_of."""

    title = fields.String(required=True, metadata={"description": "What is asked, in words."})
    about = fields.List(fields.String(), required=True, metadata={"description": "Its time, in words."})
    filters = fields.List(fields.String(), required=True, metadata={"description": "Its filters, in words."})
    definition = fields.Nested(DefinitionSchema, required=True)
    columns = fields.List(fields.Nested(ColumnSchema), required=True)
    rows = fields.List(fields.List(fields.Raw(allow_none=True, metadata=VALUE)), required=True)
    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True)
    as_of = fields.DateTime(required=True)
    source = one_of(["aggregates", "events"], required=True)
    points = fields.List(fields.DateTime(), required=True)
    first_is_partial = fields.Boolean(required=True)
    last_is_partial = fields.Boolean(required=True)
    series = fields.List(fields.Nested(SeriesSchema), required=True)
    all = fields.Nested(SeriesSchema, required=True)
    previous = fields.Nested(PreviousSchema, required=True, allow_none=True)
