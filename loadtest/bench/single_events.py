"""Single events over HTTP, stored before they are answered, against a Flask route that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from beatline.settings import Settings
from loadtest.bench import load_client, services, workload
from loadtest.bench.load_client import Load, Result
from loadtest.bench.report import Bar, Goal, Section, Table, milliseconds, thousands
from loadtest.bench.services import SERVERS, Bench

CONNECTIONS = 64
SECONDS = 8.0
WANTED = 0.45
ABOUT = """\
{connections} connections, each sending its next `POST /track` when it has the answer to the last
one; every answer comes after the commit. The yardstick is a bare Flask application whose only
route reads the body and answers at once (`/noop`), on the same server with the same settings. No-op and
durable take turns, {rounds} rounds of {seconds:g} s each after 2 s of warm-up; the table
has the medians. After each server the stored events were counted: exactly the acknowledged ones.
{workers} processes, and {threads} threads in each where the server has threads."""
READING = """\
p50, p95 and p99 are the times from sending an event to having its answer: with {connections}
requests always under way they follow from the rate (Little's law) and are not what a quiet client
sees. The client used {cpu:.0%} of one core at most. The default server is `{default}`
(`BEATLINE_SERVER`)."""


@dataclass(frozen=True)
class Comparison:
    """The medians of one server's rounds."""

    server: str
    noop: Result
    durable: Result

    @property
    def ratio(self) -> float:
        """The durable rate as a share of the no-op rate."""
        return self.durable.rate / self.noop.rate


def measure(bench: Bench) -> Section:
    """Compare on each of the servers."""
    database_url = bench.database("single_events")
    compared = [compare(bench, database_url, server) for server in SERVERS]
    default = next(one for one in compared if one.server == Settings().server)
    return Section(
        title="Single events",
        about=about(bench),
        table=table(compared),
        bars=bars(compared),
        reading=READING.format(
            connections=CONNECTIONS,
            default=default.server,
            cpu=max(result.cpu for one in compared for result in (one.noop, one.durable)),
        ),
        goals=[
            Goal(
                f"durable over no-op rate of single events ({default.server})",
                default.ratio,
                at_least=WANTED,
            )
        ],
    )


def compare(bench: Bench, database_url: str, server: str) -> Comparison:
    """Alternate no-op and durable rounds on one server; check that what was acknowledged is stored."""
    services.start_clean(database_url)
    noop: list[Result] = []
    durable: list[Result] = []
    with (
        services.noop_server(bench, server) as noop_port,
        services.collector(bench, database_url, server) as port,
    ):
        for _ in range(bench.rounds):
            noop.append(apply(bench, noop_port, "/noop"))
            durable.append(apply(bench, port, "/track"))
    services.expect_stored(database_url, sum(result.answered for result in durable))
    return Comparison(server, middle(noop), middle(durable))


def apply(bench: Bench, port: int, path: str) -> Result:
    """One round."""
    services.settle()
    requests = workload.single_requests(path)
    return load_client.run(Load(port, requests, CONNECTIONS, bench.seconds(SECONDS)))


def middle(results: list[Result]) -> Result:
    """The median of each figure."""
    return Result(
        answered=sum(result.answered for result in results),
        requests=round(median(result.rate for result in results)),
        seconds=1.0,
        p50=median(result.p50 for result in results),
        p95=median(result.p95 for result in results),
        p99=median(result.p99 for result in results),
        cpu=median(result.cpu for result in results),
    )


def about(bench: Bench) -> str:
    """What was done."""
    settings = Settings()
    return ABOUT.format(
        connections=CONNECTIONS, rounds=bench.rounds, seconds=bench.seconds(SECONDS),
        workers=settings.workers, threads=settings.threads,
    )  # fmt: skip


def table(compared: list[Comparison]) -> Table:
    """One row a server."""
    columns = ["server", "no-op/s", "durable/s", "ratio", "p50 ms", "p95 ms", "p99 ms", "no-op p99 ms"]
    rows = [
        [
            one.server,
            thousands(one.noop.rate),
            thousands(one.durable.rate),
            f"{one.ratio:.2f}",
            *map(milliseconds, (one.durable.p50, one.durable.p95, one.durable.p99, one.noop.p99)),
        ]
        for one in compared
    ]
    return Table(columns, rows)


def bars(compared: list[Comparison]) -> list[Bar]:
    """Two bars a server, in requests a second."""
    return [
        bar
        for one in compared
        for bar in (
            Bar(f"{one.server} no-op", one.noop.rate),
            Bar(f"{one.server} durable", one.durable.rate),
        )
    ]
