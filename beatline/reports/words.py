"""Reports in plain words, for people: the header of a PDF, the console, the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from beatline.analytics.event_log import Operator
from beatline.reports.definition import By, Condition, Conditions, Definition, Grouping, Kind, Measure
from beatline.reports.periods import Fixed, Last, Period, Rolling, This, Unit
from beatline.reports.result import Result

MEASURES = {
    Kind.COUNT: "Events", Kind.USERS: "Users", Kind.SESSIONS: "Sessions", Kind.SUM: "Sum of {}",
    Kind.AVERAGE: "Average of {}", Kind.MINIMUM: "Lowest {}", Kind.MAXIMUM: "Highest {}",
}  # fmt: skip
COLUMNS = {
    "user_id": "User is {}", "anonymous_id": "Anonymous id is {}", "session_id": "Session is {}",
    "device_id": "Device is {}", "page_url": "Page is {}", "page_prefix": "Page begins with {}",
}  # fmt: skip
OPERATORS = {
    Operator.EQUALS: "is", Operator.CONTAINS: "contains", Operator.GREATER: "is greater than",
    Operator.LESS: "is less than",
}  # fmt: skip
RUNNING = {
    Unit.MINUTE: "This minute", Unit.HOUR: "This hour", Unit.DAY: "Today", Unit.WEEK: "This week",
    Unit.MONTH: "This month", Unit.YEAR: "This year",
}  # fmt: skip
EVERYTHING = "All events"


def title_words(definition: Definition) -> str:
    """What is asked, in one line: 'Users per day, by event type and page'."""
    per = f" per {definition.grain}" if definition.grain else ""
    by = " and ".join(map(grouping_words, definition.groupings))
    return f"{measure_words(definition.measure)}{per}{f', by {by}' if by else ''}"


def measure_words(measure: Measure) -> str:
    """A measure: 'Average of cart.total', '95th percentile of duration'."""
    if measure.kind is Kind.PERCENTILE:
        return (
            f"Median of {measure.property}"
            if measure.percentile == 50
            else (f"{measure.percentile}th percentile of {measure.property}")
        )
    return MEASURES[measure.kind].format(measure.property)


def grouping_words(grouping: Grouping) -> str:
    """What is grouped by: 'event type', 'property plan', 'user trait seats'."""
    names = {By.PROPERTY: "property", By.SEGMENT: "user trait"}
    return (
        f"{names[grouping.by]} {grouping.property}" if grouping.by in names else grouping.by.replace("_", " ")
    )


def filter_words(filters: Conditions) -> list[str]:
    """The filters, a sentence each; that all events count, when there are none."""
    words = []
    if filters.event_types:
        words.append(f"Event type is {any_of(filters.event_types)}")
    for name, text in COLUMNS.items():
        value = getattr(filters, name)
        if value is not None:
            words.append(text.format(quoted(value)))
    words += [condition_words(each) for each in filters.properties]
    return words or [EVERYTHING]


def condition_words(condition: Condition) -> str:
    """What a property is asked: 'Property plan is “pro”'."""
    if condition.operator is Operator.EXISTS:
        return f"Property {condition.property} is {'there' if condition.value else 'missing'}"
    return f"Property {condition.property} {OPERATORS[condition.operator]} {quoted(condition.value)}"


def any_of(names: list[str]) -> str:
    """'a', 'a or b', 'a, b or c'."""
    *others, last = map(quoted, names)
    return f"{', '.join(others)} or {last}" if others else last


def quoted(value: str | float | bool | None) -> str:
    """A value: text in quotes, everything else as JSON has it."""
    return f"“{value}”" if isinstance(value, str) else msgspec.json.encode(value).decode()


def period_words(period: Period) -> str:
    """A period as it was asked for: 'Yesterday', 'Last 7 days', 'This month'. Fixed ones say from when to
    when by their result."""
    match period:
        case Last(1, Unit.DAY):
            return "Yesterday"
        case Last(count, unit):
            return f"Last {unit}" if count == 1 else f"Last {count} {unit}s"
        case This(unit):
            return RUNNING[unit]
        case Rolling(count, unit):
            return f"The {count} {unit}s until now" if count > 1 else f"The {unit} until now"
        case Fixed():
            return "Fixed period"


def span_words(since: datetime, until: datetime, time_zone: str) -> str:
    """From when to when: whole days by their dates, the last one too, else with the times of day."""
    if is_midnight(since) and is_midnight(until) and until > since:
        first, last = day_words(since), day_words(until - timedelta(hours=1))
        return f"{first if first == last else f'{first} to {last}'} ({time_zone})"
    return f"{day_words(since)} {since:%H:%M} to {day_words(until)} {until:%H:%M} ({time_zone})"


def is_midnight(at: datetime) -> bool:
    """Whether a day starts, by the time's own clocks."""
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def day_words(at: datetime) -> str:
    """A date: '3 March 2026'. Not by the locale of the machine."""
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def result_words(result: Result) -> list[str]:
    """What an answer is about, for a header: the period, what it is compared with, and when it was
    computed."""
    zone = result.definition.time_zone
    span = span_words(result.since, result.until, zone)
    period = result.definition.period
    words = [span if isinstance(period, Fixed) else f"{period_words(period)}: {span}"]
    if result.previous:
        words.append(f"Compared with {span_words(result.previous.since, result.previous.until, zone)}")
    words.append(f"As of {day_words(result.as_of)} {result.as_of:%H:%M} ({zone})")
    return words
