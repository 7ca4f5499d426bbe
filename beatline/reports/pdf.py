"""A report as PDF, to be handed to somebody: vector charts, tables over pages, page numbers.

Text is in Roboto, whose file is embedded: Latin, Greek and Cyrillic. Chinese, Japanese and Korean use the
fonts that readers of PDF have for them (ISO 32000-1, 9.7.5.2). What no font has becomes U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import groupby
from math import ceil, floor, log10
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import font_roboto
from reportlab.graphics.charts.barcharts import HorizontalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    ListFlowable,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from beatline.reports.document import Chart, Document, Figure, Table

MOST_ROWS = 1_000  # of a table; nobody reads more on paper
MOST_LETTERS = 300  # of one cell
MOST_SERIES = 8
MOST_BARS = 25
INK, SOFT, LINE, WASH = (HexColor(text) for text in ("#16211c", "#5a675f", "#d5dcd6", "#ecf7f1"))
COLOURS = [
    HexColor(text)
    for text in ("#08734f", "#2f6fd0", "#c2571a", "#8a4fbf", "#b8285a", "#5d7a12", "#0d7f8c", "#6b6b6b")
]
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
LINES_HEIGHT = 52 * mm
LABEL_WIDTH = 44 * mm
REGULAR, BOLD = "Roboto", "Roboto-Bold"
HAN, KANA, HANGUL = "STSong-Light", "HeiseiKakuGo-W5", "HYSMyeongJo-Medium"
SCRIPTS = (
    (0x3040, 0x30FF, KANA), (0x31F0, 0x31FF, KANA), (0xFF66, 0xFF9D, KANA),
    (0x1100, 0x11FF, HANGUL), (0x3130, 0x318F, HANGUL), (0xAC00, 0xD7AF, HANGUL),
    (0x3000, 0x303F, HAN), (0x3400, 0x9FFF, HAN), (0xF900, 0xFAFF, HAN), (0xFF00, 0xFFEF, HAN),
)  # fmt: skip

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9, leading=12.5, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=8, leading=11, textColor=SOFT)
TITLE = ParagraphStyle("title", BODY, fontName=BOLD, fontSize=20, leading=25, spaceAfter=2)
HEADING = ParagraphStyle(
    "heading", BODY, fontName=BOLD, fontSize=11.5, leading=15, spaceBefore=14, spaceAfter=5
)
CELL = ParagraphStyle("cell", BODY, fontSize=8, leading=10.5)
NUMBER = ParagraphStyle("number", CELL, alignment=TA_RIGHT)
HEAD = ParagraphStyle("head", CELL, fontName=BOLD, textColor=SOFT)
HEAD_NUMBER = ParagraphStyle("head number", HEAD, alignment=TA_RIGHT)
VALUE = ParagraphStyle("value", BODY, fontName=BOLD, fontSize=16, leading=20)


def write_pdf(document: Document, file: BinaryIO) -> None:
    """Write a report as PDF. The same document gives the same bytes."""
    load_fonts()
    template = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
        bottomMargin=MARGIN + 4 * mm, title=document.title, subject=document.period, creator="Beatline",
        lang="en", invariant=1,
    )  # fmt: skip
    template.build(list(content(document)), canvasmaker=partial(NumberedCanvas, foot=document.title))


@cache
def load_fonts() -> None:
    """Make the fonts known, once a process."""
    for name, file in ((REGULAR, font_roboto.Roboto), (BOLD, font_roboto.RobotoBold)):
        registerFont(TTFont(name, file))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name in (HAN, KANA, HANGUL):
        registerFont(UnicodeCIDFont(name))


class NumberedCanvas(Canvas):
    """Pages that say how many there are: they are kept until the last one is known."""

    def __init__(self, *arguments: Any, foot: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.foot = foot
        self.pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - ReportLab's name
        """Keep a page that is full."""
        self.pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Write all pages, each with its foot."""
        for number, page in enumerate(self.pages, 1):
            self.__dict__.update(page)
            self.draw_foot(f"Page {number} of {len(self.pages)}")
            super().showPage()
        super().save()

    def draw_foot(self, number: str) -> None:
        """The title at the left, the number at the right."""
        y = MARGIN - 4 * mm
        foot = Paragraph(markup(shortened(self.foot, 90)), SMALL)
        foot.wrapOn(self, WIDTH * 0.8, 10 * mm)
        foot.drawOn(self, MARGIN, y - 2)
        self.setFont(REGULAR, SMALL.fontSize)
        self.setFillColor(SOFT)
        self.drawRightString(A4[0] - MARGIN, y, number)


def content(document: Document) -> Iterator[Flowable]:
    """Everything from the title to the last note."""
    yield Paragraph(markup(document.title), TITLE)
    yield Paragraph(markup(document.period), BODY)
    yield Paragraph(markup(document.made), SMALL)
    if document.filters:
        yield Spacer(0, 6)
        filters = [Paragraph(markup(each), BODY) for each in document.filters]
        yield ListFlowable(filters, bulletType="bullet", bulletFontSize=7, leftIndent=10)
    if document.figures:
        yield Spacer(0, 12)
        yield figures(document.figures)
    for chart in document.charts:
        yield KeepTogether([Paragraph(markup(chart.title), HEADING), drawn(chart)])
    for table in document.tables:
        yield from printed(table)
    if document.notes:
        yield Spacer(0, 12)
        yield from (Paragraph(markup(note), SMALL) for note in document.notes)


def figures(shown: list[Figure]) -> Grid:
    """Numbers beside each other, four in a row."""
    rows = [shown[start : start + 4] for start in range(0, len(shown), 4)]
    cells = [[figure(each) for each in row] + [""] * (len(rows[0]) - len(row)) for row in rows]
    grid = Grid(cells, colWidths=WIDTH / len(cells[0]))
    washed = [("BACKGROUND", (0, y), (len(row) - 1, y), WASH) for y, row in enumerate(rows)]
    grid.setStyle(TableStyle([
        *washed, ("INNERGRID", (0, 0), (-1, -1), 4, HexColor("#ffffff")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ("TOPPADDING", (0, 0), (-1, -1), 7), ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
    ]))  # fmt: skip
    return grid


def figure(shown: Figure) -> list[Paragraph]:
    """One number with its name, and how it changed."""
    lines = [Paragraph(markup(shown.name), SMALL), Paragraph(markup(shown.value), VALUE)]
    return [*lines, Paragraph(markup(shown.change), SMALL)] if shown.change else lines


def drawn(chart: Chart) -> Flowable:
    """A chart, with a legend where there is more than one series."""
    series = dict(list(chart.series.items())[:MOST_SERIES])
    values = [value for each in series.values() for value in each if value is not None]
    if not values:
        return Paragraph("Nothing was counted.", SMALL)
    legend_height = 14 * ceil(len(series) / 3) if len(series) > 1 else 0
    plot = bars(chart.labels, series) if chart.bars else lines(chart.labels, series)
    drawing = Drawing(WIDTH, plot.height + 30 + legend_height)
    plot.y = legend_height + 22
    paint(plot, len(series), min(0, *values), max(0, *values))
    drawing.add(plot)
    if legend_height:
        drawing.add(legend(list(series)))
    return drawing


def lines(labels: list[str], series: dict[str, list[float | None]]) -> HorizontalLineChart:
    """Lines over labels in their order."""
    plot = HorizontalLineChart()
    plot.x, plot.width, plot.height = 44, int(WIDTH) - 52, int(LINES_HEIGHT)
    plot.data = [tuple(each) for each in series.values()]
    plot.categoryAxis.categoryNames = thinned([plain(label, 24) for label in labels])
    return plot


def bars(labels: list[str], series: dict[str, list[float | None]]) -> HorizontalBarChart:
    """Bars below each other, the first label at the top."""
    plot = HorizontalBarChart()
    plot.x, plot.width = int(LABEL_WIDTH), int(WIDTH - LABEL_WIDTH) - 8
    plot.height = min(len(labels), MOST_BARS) * (8 + 7 * len(series))
    plot.data = [tuple(reversed(each[:MOST_BARS])) for each in series.values()]
    plot.categoryAxis.categoryNames = [plain(label, 34) for label in reversed(labels[:MOST_BARS])]
    plot.barSpacing, plot.groupSpacing = 1, 6
    return plot


def paint(plot: HorizontalLineChart | HorizontalBarChart, series: int, lowest: float, highest: float) -> None:
    """Axes, their labels and the colours of the series."""
    scale(plot.valueAxis, lowest, highest)
    for axis in (plot.categoryAxis, plot.valueAxis):
        axis.labels.fontName, axis.labels.fontSize, axis.labels.fillColor = REGULAR, 7, SOFT
        axis.strokeColor, axis.visibleTicks = LINE, False
    plot.valueAxis.visibleAxis, plot.valueAxis.visibleGrid = False, True
    plot.valueAxis.gridStrokeColor, plot.valueAxis.gridStrokeWidth = LINE, 0.4
    for number in range(series):
        if isinstance(plot, HorizontalBarChart):
            plot.bars[number].fillColor, plot.bars[number].strokeColor = COLOURS[number], None
        else:
            plot.lines[number].strokeColor, plot.lines[number].strokeWidth = COLOURS[number], 1.4


def scale(axis: Any, lowest: float, highest: float) -> None:
    """Round steps, some five of them, from zero or below it to above the highest value."""
    spread = (highest - lowest) or 1.0
    magnitude = 10.0 ** floor(log10(spread / 5))
    step = next(magnitude * each for each in (1, 2, 5, 10) if spread / (magnitude * each) <= 5)
    axis.valueMin, axis.valueMax = floor(lowest / step) * step, ceil(highest / step) * step or step
    axis.valueStep = step
    axis.labelTextFormat = lambda value: f"{value:,.10g}"


def legend(names: list[str]) -> Legend:
    """Names of series with their colours, three beside each other."""
    shown = Legend()
    shown.x, shown.y, shown.alignment, shown.boxAnchor = 44, 0, "right", "sw"
    shown.fontName, shown.fontSize, shown.fillColor = REGULAR, 7.5, INK
    shown.columnMaximum, shown.deltax, shown.deltay, shown.dx, shown.dy = ceil(len(names) / 3), 160, 12, 7, 7
    shown.strokeWidth, shown.strokeColor, shown.autoXPadding = 0, None, 8
    colours: list[Color] = COLOURS[: len(names)]
    shown.colorNamePairs = [(colour, plain(name, 40)) for colour, name in zip(colours, names, strict=True)]
    return shown


def thinned(labels: list[str]) -> list[str]:
    """Labels so few that they do not run into each other; the others are empty."""
    room = max(1, int((WIDTH - 52) / (max((len(label) for label in labels), default=1) * 3.9 + 8)))
    every = ceil(len(labels) / room) or 1
    return [label if place % every == 0 else "" for place, label in enumerate(labels)]


def printed(table: Table) -> Iterator[Flowable]:
    """A table whose head is repeated on each page."""
    yield CondPageBreak(40 * mm)
    yield Paragraph(markup(table.title), HEADING)
    if not table.rows:
        yield Paragraph("Nothing was counted.", SMALL)
        return
    head = [
        Paragraph(markup(shortened(name, 80)), HEAD_NUMBER if place in table.numbers else HEAD)
        for place, name in enumerate(table.columns)
    ]
    rows = [cells(row, table.numbers) for row in table.rows[:MOST_ROWS]]
    grid = LongTable([head, *rows], colWidths=widths(table), repeatRows=1)
    grid.setStyle(TableStyle([
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, SOFT), ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3), ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]))  # fmt: skip
    yield grid
    if len(table.rows) > MOST_ROWS:
        more = f"and {len(table.rows) - MOST_ROWS:,} more rows, which the export as CSV has"
        yield Paragraph(more, SMALL)


def cells(row: list[str], numbers: frozenset[int]) -> list[Paragraph]:
    """The cells of a row."""
    return [
        Paragraph(markup(shortened(text, MOST_LETTERS)), NUMBER if place in numbers else CELL)
        for place, text in enumerate(row)
    ]


def widths(table: Table) -> list[float]:
    """How wide the columns are: by what they hold, none less than a sixteenth, in all the page's width."""
    longest = [
        max([len(name), *(len(row[place]) for row in table.rows[:MOST_ROWS])])
        for place, name in enumerate(table.columns)
    ]
    shares = [min(max(letters, 4), 60) for letters in longest]
    least = sum(shares) / 16
    wide = [max(share, least) for share in shares]
    return [WIDTH * share / sum(wide) for share in wide]


def markup(text: str) -> str:
    """Text for a paragraph: nothing of it is markup, and each script has a font."""
    runs = groupby(clean(text), key=lambda letter: font_of(letter) or REGULAR)
    return "".join(in_font(font, escape("".join(letters))) for font, letters in runs)


def plain(text: str, longest: int) -> str:
    """Text for a drawing, which has one font."""
    return "".join(
        letter if font_of(letter) == REGULAR else "\ufffd" for letter in clean(shortened(text, longest))
    )


def in_font(font: str, escaped: str) -> str:
    """A run of letters in a font."""
    return escaped if font == REGULAR else f'<font name="{font}">{escaped}</font>'


def clean(text: str) -> str:
    """Letters that some font has; spaces for what breaks lines."""
    spaced = (" " if letter.isspace() else letter for letter in text)
    return "".join(letter if letter.isprintable() and font_of(letter) else "\ufffd" for letter in spaced)


@cache
def glyphs() -> Callable[[int], bool]:
    """Whether Roboto has a letter."""
    load_fonts()
    known: dict[int, int] = getFont(REGULAR).face.charToGlyph  # type: ignore[attr-defined]
    return known.__contains__


def font_of(letter: str) -> str | None:
    """The font of a letter; None where none has it."""
    code = ord(letter)
    if glyphs()(code):
        return REGULAR
    return next((font for first, last, font in SCRIPTS if first <= code <= last), None)


def shortened(text: str, longest: int) -> str:
    """Text with at most so many letters, the last one … when some are left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
