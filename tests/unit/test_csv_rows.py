"""CSV rows as events: columns, cells, and files that are odd or broken."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatline.ingest.csv_rows import BadFile, Row, decode_row, read_columns, read_rows, typed
from beatline.ingest.lines import BOM, Lines
from beatline.ingest.pipeline import Unfit
from beatline.ingest.wire import TrackedEvent

MAX_BYTES = 1_000


def rows(text: str | bytes, default_type: str | None = None, max_bytes: int = MAX_BYTES) -> list[Row]:
    """The rows of a CSV file."""
    body = text.encode() if isinstance(text, str) else text
    lines = Lines(BytesIO(body), max_bytes)
    return list(read_rows(lines, read_columns(lines, default_type)))


def events(text: str | bytes, default_type: str | None = None) -> list[dict[str, Any]]:
    """The events of its rows."""
    return [msgspec.json.decode(row.raw) for row in rows(text, default_type)]


def problem(row: Row) -> str:
    """Why a row cannot be read."""
    with pytest.raises(Unfit) as refusal:
        decode_row(row.raw)
    return str(refusal.value.rejection.errors["row"][0])


def test_it_works() -> None:
    assert events(
        "timestamp,user_id,event_type,page_url,session_id,amount\n"
        "2024-03-15T14:30:00Z,usr_789,page_view,/products,sess_456,9.5\n"
    ) == [
        {
            "timestamp": "2024-03-15T14:30:00Z",
            "user_id": "usr_789",
            "event_type": "page_view",
            "page_url": "/products",
            "session_id": "sess_456",
            "properties": {"amount": 9.5},
        }
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("event_type,user_id", {"event_type": "a", "user_id": "b"}),
        ("Event Type,User ID", {"event_type": "a", "user_id": "b"}),
        ("eventType,userId", {"event_type": "a", "user_id": "b"}),
        ("EVENT-TYPE, user_id ", {"event_type": "a", "user_id": "b"}),
        ("event,distinct_id", {"event_type": "a", "distinct_id": "b"}),
        ("event_name,time", {"event_type": "a", "timestamp": "b"}),
        ("event_type,ts", {"event_type": "a", "timestamp": "b"}),
        ("event_type,$insert_id", {"event_type": "a", "properties": {"$insert_id": "b"}}),
        ("event_type,message id", {"event_type": "a", "event_id": "b"}),
        ("event_type,event", {"event_type": "a", "properties": {"event": "b"}}),
        ("event,event_name", {"event_type": "a", "properties": {"event_name": "b"}}),
        ("event_type,Plan", {"event_type": "a", "properties": {"Plan": "b"}}),
        ("event_type,sent_at", {"event_type": "a", "properties": {"sent_at": "b"}}),
        ("event_type,", {"event_type": "a"}),
        ("event_type,$row", {"event_type": "a"}),
        ("event_type,$reason", {"event_type": "a"}),
    ],
)
def test_a_column_means_a_field_by_its_name_and_else_a_property(
    header: str, expected: dict[str, Any]
) -> None:
    assert events(f"{header}\na,b\n") == [expected]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", BOM])
def test_delimiter_line_ends_and_byte_order_mark_do_not_matter(bom: bytes, end: str, delimiter: str) -> None:
    text = end.join(delimiter.join(cells) for cells in (["event_type", "note"], ["a", '"x\ny"'], ["b", ""]))
    assert events(bom + text.encode()) == [
        {"event_type": "a", "properties": {"note": "x\ny"}},
        {"event_type": "b"},
    ]


def test_a_delimiter_inside_of_quotes_is_none() -> None:
    assert events('"event_type";"a,b,c";user_id\nx;1;u\n') == [
        {"event_type": "x", "user_id": "u", "properties": {"a,b,c": 1}}
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7), ("0", 0), ("-3", -3), ("1.50", 1.5), ("-0.5", -0.5), ("999999999999999", 999999999999999),
        ("true", True), ("FALSE", False), ("True", True),
        ("007", "007"), ("+49", "+49"), ("1e5", "1e5"), ("12E3456", "12E3456"), ("1_000", "1_000"),
        ("1234567890123456", "1234567890123456"), ("1.", "1."), (".5", ".5"), ("1,5", "1,5"),
        ("0x1F", "0x1F"), ("NaN", "NaN"), ("null", "null"), ("yes", "yes"),
        (" 7", " 7"), ("\u0667", "\u0667"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_a_property_is_a_number_or_boolean_only_where_it_plainly_is_one(cell: str, value: object) -> None:
    assert typed(cell) == value
    assert type(typed(cell)) is type(value)


@given(st.text())
def test_a_typed_number_says_the_same_as_its_text(text: str) -> None:
    value = typed(text)
    if not isinstance(value, str | bool):
        assert msgspec.json.decode(text.encode()) == value


def test_fields_are_texts_whatever_they_look_like() -> None:
    (event,) = events("event_type,user_id,event_id\n1,007,12\n")
    assert event == {"event_type": "1", "user_id": "007", "event_id": "12"}
    assert msgspec.convert(event, TrackedEvent).user_id == "007"


def test_blanks_around_a_field_are_dropped_and_a_property_keeps_its_own() -> None:
    assert events("event_type,user_id,note\n view , u ,  x \n") == [
        {"event_type": "view", "user_id": "u", "properties": {"note": "  x "}}
    ]


def test_the_properties_column_is_a_json_object_and_other_columns_come_on_top() -> None:
    (event,) = events('event_type,properties,plan\na,"{""plan"": ""free"", ""tags"": [1, null]}",pro\n')
    assert event["properties"] == {"plan": "pro", "tags": [1, None]}


@pytest.mark.parametrize("cell", ["[1]", "plain", '"{""a"": }"', "7"])
def test_properties_that_are_no_json_object_are_left_for_the_event_to_be_refused(cell: str) -> None:
    (row,) = rows(f"event_type,properties,plan\na,{cell},pro\n")
    with pytest.raises(msgspec.ValidationError, match="properties"):
        decode_row(row.raw)


def test_a_type_for_all_rows_fills_empty_cells() -> None:
    assert events("user_id\nu\n", "view") == [{"event_type": "view", "user_id": "u"}]
    assert events("event_type,user_id\n,u\nclick,u\n", "view") == [
        {"event_type": "view", "user_id": "u"},
        {"event_type": "click", "user_id": "u"},
    ]


def test_rows_know_their_lines_and_empty_ones_are_passed_over() -> None:
    read = rows('event_type,note\n\na,"x\ny"\n,\nb,1\n')
    assert [(row.line, row.cells) for row in read] == [(3, ["a", "x\ny"]), (6, ["b", "1"])]


def test_a_short_row_has_no_value_for_what_is_missing() -> None:
    assert events("event_type,user_id,plan\na\n") == [{"event_type": "a"}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"a,b,c", "More cells than columns."),
        (b'a,"b"c', "Not valid CSV"),
        (b"a\rb", "Not valid CSV"),
        (b"a,\xff\xfe", "Not UTF-8."),
        (b"a," + b"x" * MAX_BYTES, f"Longer than {MAX_BYTES} bytes."),
        (b'a,"' + b"x\n" * MAX_BYTES, f"Longer than {MAX_BYTES} bytes."),
    ],
)
def test_a_row_that_cannot_be_read_costs_its_neighbours_nothing(row: bytes, reason: str) -> None:
    read = rows(b"event_type,user_id\nfirst,u\n" + row + b"\nlast,u\n")

    assert reason in problem(read[1])
    assert decode_row(read[0].raw).event_type == "first"
    assert decode_row(read[-1].raw).event_type == "last"


def test_a_quote_that_is_never_closed_takes_the_rest_of_the_file() -> None:
    first, broken = rows('event_type,note\na,1\nb,"open\nc,2\n')
    assert decode_row(first.raw).event_type == "a"
    assert "unexpected end of data" in problem(broken)
    assert broken.cells == ['b,"open\nc,2\n']


@pytest.mark.parametrize(
    ("header", "field", "message"),
    [
        ("", "header", "name the columns"),
        ("\n", "header", "name the columns"),
        (",,", "header", "name the columns"),
        ("user_id,plan", "event_type", "No column is named event_type"),
        ("event_type,user_id,userId", "header", "Two columns are named user_id"),
        ("event_type,plan,plan", "header", "Two columns are named plan"),
        (",".join(f"c{number}" for number in range(1_001)), "header", "More than 1000 columns"),
        ("event_type," + "x" * 20_000, "header", "Longer than"),
        ('event_type,"open', "event_type", "No column"),
        ("[1, 2]", "event_type", "No column"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_used_is_refused(header: str, field: str, message: str) -> None:
    with pytest.raises(BadFile) as refusal:
        rows(header, max_bytes=10_000)
    assert message in refusal.value.errors[field][0]


@pytest.mark.parametrize("text", ["event_type\nä\n".encode("utf-16"), "event_typé\nx\n".encode("latin-1")])
def test_a_file_in_another_encoding_is_refused(text: bytes) -> None:
    with pytest.raises(BadFile, match="UTF-8"):
        rows(text)


@pytest.mark.parametrize("default_type", ["", "x" * 129])
def test_a_type_for_all_rows_has_the_length_of_a_type(default_type: str) -> None:
    with pytest.raises(BadFile, match="Length"):
        rows("user_id\nu\n", default_type)


def test_reading_may_go_on_from_any_row() -> None:
    body = BOM + b'event_type,note\n\na,"x\ny"\nb,1\nc,"2"\n'
    lines = Lines(BytesIO(body), MAX_BYTES)
    columns = read_columns(lines, None)
    places = [(lines.offset, lines.number)]
    whole = []
    for row in read_rows(lines, columns):
        whole.append(row)
        places.append((lines.offset, lines.number))

    for done, (offset, number) in enumerate(places):
        rest = read_rows(Lines(BytesIO(body), MAX_BYTES, offset, number), columns)
        assert list(rest) == whole[done:]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_whatever_the_csv_module_writes_is_read_back(cells: list[list[str]]) -> None:
    import csv
    from io import StringIO

    written = StringIO()
    csv.writer(written).writerows([["event_type", "note"], *cells])
    read = [row.cells for row in rows(written.getvalue(), "x", 2**20)]
    assert read == [row for row in cells if any(row)]
