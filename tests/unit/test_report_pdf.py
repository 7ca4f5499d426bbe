"""Reports as PDF: read back as a reader of PDF would."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from beatline.reports.document import Chart, Document, Figure, Table
from beatline.reports.pdf import MOST_ROWS, write_pdf

REPORT = Document(
    title="Sign-ups",
    period="16 to 22 November 2026",
    made="Project shop, made 23 November 2026, 06:00",
    filters=["Type is sign_up"],
    figures=[Figure("Events", "12,345", "+12.4 % against 10,983")],
    charts=[Chart("Events a day", ["16 Nov", "17 Nov"], {"Events": [7.0, None]})],
    tables=[Table("By page", ["Page", "Events"], [["/", "7"]], frozenset({1}))],
    notes=["Times are UTC."],
)


def written(document: Document) -> PdfReader:
    """The report, read back."""
    file = BytesIO()
    write_pdf(document, file)
    return PdfReader(file, strict=True)


def text_of(document: Document) -> str:
    """All text of the report."""
    return "\n".join(page.extract_text() for page in written(document).pages)


def test_it_says_all_that_the_report_holds() -> None:
    text = text_of(REPORT)

    for said in ("Sign-ups", "16 to 22 November 2026", "Project shop", "Type is sign_up", "12,345", "+12.4 %",
                 "Events a day", "17 Nov", "By page", "Times are UTC.", "Page 1 of 1"):  # fmt: skip
        assert said in text


def test_the_file_says_what_it_is() -> None:
    about = written(REPORT).metadata

    assert about
    assert (about.title, about.subject, about.creator) == ("Sign-ups", "16 to 22 November 2026", "Beatline")


def test_charts_are_drawn_and_no_pictures() -> None:
    page = written(REPORT).pages[0]

    assert not page.images


def test_given_many_rows_then_each_page_has_the_head_and_its_number() -> None:
    rows = [[f"/page/{number}", str(number)] for number in range(200)]
    pages = written(replace(REPORT, tables=[Table("By page", ["Page", "Events"], rows)])).pages

    texts = [page.extract_text() for page in pages]
    assert len(texts) > 3
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of {len(texts)}" in text
        assert "Events" in text or "/page/" not in text
    assert all(any(row[0] + "\n" in text for text in texts) for row in rows)


def test_given_more_rows_than_anybody_reads_then_it_says_how_many_are_left_out() -> None:
    rows = [["/", "1"]] * (MOST_ROWS + 20)

    assert "and 20 more rows" in text_of(replace(REPORT, tables=[Table("By page", ["Page", "Events"], rows)]))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("<b>bold</b> & <font color='red'>red</font>", "<b>bold</b> & <font color='red'>red</font>"),
        ("<img src='file:///etc/passwd'/>", "<img src='file:///etc/passwd'/>"),
        ("&amp; &#65;", "&amp; &#65;"),
        ("Отчёт Ελλάδα Łódź", "Отчёт Ελλάδα Łódź"),
        ("a\nb\tc\0d", "a b c\ufffdd"),
        ("🎉", "\ufffd"),
    ],
)
def test_no_text_is_markup_and_none_breaks_it(given: str, read: str) -> None:
    table = Table(given, [given], [[given]])
    chart = Chart(given, [given], {given: [1.0], "other": [2.0]}, bars=True)
    report = Document(given, given, given, [given], [Figure(given, given, given)], [chart], [table], [given])

    assert text_of(report).count(read) >= 9


@pytest.mark.parametrize("text", ["注册报告", "東京のレポート", "서울 보고서"])
def test_scripts_of_east_asia_are_there(text: str) -> None:
    assert text.replace(" ", "") in text_of(replace(REPORT, title=text)).replace(" ", "")


@pytest.mark.parametrize("letters", [1, 500, 5_000])
def test_words_without_end_fit(letters: int) -> None:
    word = "x" * letters
    cell = Table(word, [word, word], [[word, word]], frozenset({1}))

    assert text_of(replace(REPORT, title=word[:200], filters=[word], tables=[cell])).count("x") >= letters


@pytest.mark.parametrize(
    "values",
    [[], [None], [0.0], [-5.0, 5.0], [1e15], [1e-9, 2e-9], [float(number) for number in range(2_000)]],
    ids=str,
)
@pytest.mark.parametrize("bars", [False, True])
def test_any_numbers_can_be_drawn(values: list[float | None], bars: bool) -> None:
    labels = [f"{number} Nov" for number in range(len(values))]
    report = replace(REPORT, charts=[Chart("Values", labels, {"a": values, "b": values}, bars)])

    assert "Values" in text_of(report)


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    text = text_of(replace(REPORT, figures=[], charts=[Chart("C", [], {})], tables=[Table("T", ["a"], [])]))

    assert text.count("Nothing was counted.") == 2


def test_the_same_report_is_the_same_file() -> None:
    first, second = BytesIO(), BytesIO()
    write_pdf(REPORT, first)
    write_pdf(REPORT, second)

    assert first.getvalue() == second.getvalue()
