"""Answers of reports as documents and as PDF."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO

import psycopg
import pytest
from pypdf import PdfReader

from beatline.reports.definition import By, Conditions, Definition, Grouping, Kind, Measure
from beatline.reports.document import Figure
from beatline.reports.engine import run_report
from beatline.reports.pdf import write_pdf
from beatline.reports.periods import Fixed, Last, This, Unit
from beatline.reports.printed import as_document, change_words, number_words
from tests.fixtures.event_log import insert_rows
from tests.fixtures.reports import AUTUMN, report_rows

NOW = AUTUMN + timedelta(days=2)
WEEK = Fixed(datetime(2026, 10, 20), datetime(2026, 10, 27))


def test_an_answer_is_printed_with_its_words_numbers_and_chart(connection: psycopg.Connection) -> None:
    insert_rows(connection, report_rows(200))
    definition = Definition(
        WEEK,
        grain=Unit.DAY,
        filters=Conditions(event_types=["view"]),
        compare=True,
        time_zone="Europe/Berlin",
    )
    result = run_report(connection, 1, definition, NOW)

    document = as_document("Views", result)
    file = BytesIO()
    write_pdf(document, file)

    assert (document.title, document.filters) == ("Views", ["Event type is “view”"])
    assert document.period == "20 October 2026 to 26 October 2026 (Europe/Berlin)"
    assert [figure.value for figure in document.figures] == [
        str(result.all.total), str(result.all.previous_total)
    ]  # fmt: skip
    assert document.charts[0].labels[0] == "20 Oct 2026"
    assert document.charts[0].series["This period"] == result.all.points
    assert len(document.tables[0].rows) == 7
    assert document.tables[0].numbers == {1, 2}
    text = "".join(page.extract_text() for page in PdfReader(file).pages)
    assert "Views" in text
    assert "20 October 2026 to 26 October 2026" in text


@pytest.mark.parametrize(
    ("definition", "charts", "columns"),
    [
        (Definition(Last(2, Unit.DAY)), [], ["Events"]),
        (Definition(WEEK, Measure(Kind.AVERAGE, "n"), groupings=[Grouping(By.PROPERTY, "plan")]), [True],
         ["Property plan", "Average of n"]),
        (Definition(This(Unit.WEEK), Measure(), Unit.HOUR, [Grouping(By.PAGE), Grouping(By.EVENT_TYPE)]),
         [False], ["Hour", "Page", "Event type", "Events"]),
    ],
)  # fmt: skip
def test_charts_and_tables_follow_the_definition(
    connection: psycopg.Connection, definition: Definition, charts: list[bool], columns: list[str]
) -> None:
    insert_rows(connection, report_rows(200))

    document = as_document("Name", run_report(connection, 1, definition, NOW))

    assert [chart.bars for chart in document.charts] == charts
    assert document.tables[0].columns == columns
    for chart in document.charts:
        assert all(len(points) == len(chart.labels) for points in chart.series.values())
    write_pdf(document, BytesIO())


def test_given_no_events_then_that_is_printed_too(connection: psycopg.Connection) -> None:
    definition = Definition(WEEK, Measure(Kind.MINIMUM, "n"), Unit.DAY, compare=True)

    document = as_document("Nothing", run_report(connection, 1, definition, NOW))

    assert document.figures == [Figure("Lowest n", "-"), Figure("Period before", "-")]
    write_pdf(document, BytesIO())


def test_numbers_are_to_be_read() -> None:
    numbers = [None, 0, 12_345, 1.0, 1_234.567, 0.123456, -2.5]
    assert list(map(number_words, numbers)) == ["-", "0", "12,345", "1", "1,234.57", "0.123", "-2.50"]
    changes = [change_words(*pair) for pair in ((112, 100), (50, 100), (1, 0), (None, 5), (-5.0, -10.0))]
    assert changes == ["+12.0 %", "-50.0 %", None, None, "+50.0 %"]
