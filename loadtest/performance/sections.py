"""The sections of docs/performance.md: each a pure function of the results to paragraphs of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from beatline.settings import Settings
from loadtest.bench.report import Table, markdown_table
from loadtest.performance import charts, goals, knee, profile
from loadtest.performance.misses import misses

Data = Mapping[str, Any]
Results = Mapping[str, Data]
Paragraphs = list[str]
CHARTS = "performance"  # folder of the charts, beside the document
MIB = 2**20
GIB = 2**30
DAY_SECONDS = 86_400
OTHERS = "client, kernel and other programs"
TIMES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
TIME_COLUMNS = ("p50 ms", "p95 ms", "p99 ms", "max ms")

PEERS = """\
{connections} connections, each sending its next event when it has the answer to the last one, {rounds}
rounds of {seconds:g} s in turns after 2 s of warm-up; medians. All on the same server with the same
processes and threads; after each round exactly the acknowledged events were stored.

- **no-op**: a Flask route that reads the body and answers.
- **durable**: `POST /track`, answered after its commit, counted in every aggregate.
- **plain baseline**: `loadtest/baseline/plain.py`, Flask with a connection and an INSERT a request, as its
  tutorial has it; a table with two indexes, no aggregates, sessions, limits or ids.
- **baseline**: `loadtest/baseline/careful.py`, the same with a pool of connections and prepared statements.
- **behind Flask**: our pipeline as a Flask route.
- **no group commit**: ours with a transaction for each request (`BEATLINE_FLUSH_EVENTS=1`)."""
BATCHES = """\
8 connections post batches of 500 events; psycopg's COPY puts the same rows into the same table, triggers and
indexes at work, over one connection. In turns, rounds: {rounds}; medians."""
KNEE = """\
Requests arrive at a fixed rate, whether or not earlier ones were answered, and their time counts from when
they were due. The knee is the last stage before the first that does not answer {share:.0%} of what
arrives, or not with a p99 of {slow:g} ms, the service level ([service-levels.md](service-levels.md)); for
batches of 500 that is 500 ms."""
HALF = """\
At half of the knee, {rate:,.0f} events/s, p99 is {durable:.1f} ms; that of the no-op route at the same rate
{noop:.1f} ms."""
AT_KNEE = """\
The client takes {client:.2f} of the other cores. PostgreSQL commits {commits:,.0f} transactions a second,
{events:.1f} events each, and writes {log:,.0f} bytes of log an event; checkpoints meanwhile:
{checkpoints:.0f}."""
PROFILE = """\
py-spy looked at the busiest process of the collector for {seconds:g} s. Who held its interpreter lock,
which one thread at a time can:"""
OVERLOAD = """\
{offered:.1f} times the knee of batches of 500 ({knee:,.0f} requests a second) for {seconds:g} s, over at
most {connections:,} connections, at a collector with the limits of a new installation. The client gives up
after 10 s; a request that gets no connection until then counts as without an answer."""
MIXED = """\
All kinds of users at once (Locust, `loadtest/users/`): pages with the tracker and with Segment's SDK, a
backend that sends batches and repeats some, signed webhooks, dashboards, people in the event log, and
readers of the live preview. A wrong number counts as a failure as much as an error does: counts over past
days and pages of the event log must be those of the seeded history. Afterwards every acknowledged event is
looked for in the database."""
AUDIT = """\
Of {acknowledged:,} acknowledged events {lost:,} are missing; {doubled:,} events are stored more than once,
{unheard_of:,} were sent by nobody, {shown_only:,} were shown live and not stored."""
SOAKED = """\
The largest process of the collector has {size:.0f} MiB at the end; the median of the last quarter is
{ratio:.3f} times that of the second."""
ROLLING = """\
The rolling metrics without the cache, with few and with many stored events, in turns, while 100 events/s
arrive at each."""
OPTIMISED = """\
Each line compares the same load with and without one thing, in the same run. The first two store events,
the last one answers `/api/v1/metrics/overview` to {dashboards} dashboards over {events:,} events."""
ALONE = """\
An event that comes alone costs {cpu:,.0f} µs of processor time in all parts together, at the knee. In
front of a machine like this one, without readers, that makes:"""
ADVICE = """\
- **Plan for half of the knee.** Here that is {single:,.0f} single events/s, or {batched:,.0f} events/s in
  batches of 500: bursts need the other half.
- **Batch where you can.** It is the cheapest way to more.
- **Memory**: over the soak at most {memory}. On top of it come `BEATLINE_QUEUE_BYTES` for each process of
  the collector while the database is slow, and more `shared_buffers` when days of events are asked for.
- **Limits of these figures**: one machine for everything, loopback instead of a network, no TLS, small
  events of one shop, the PostgreSQL of `make up`, minutes and not months."""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return markdown_table(Table(columns, rows))


def chart(name: str, about: str) -> str:
    """A chart."""
    return f"![{about}]({CHARTS}/{name}.svg)"


def times(stage: Data) -> list[str]:
    """p50, p95, p99 and max."""
    return ["" if stage[name] is None else f"{stage[name]:.1f}" for name in TIMES]


def peers(results: Results) -> Paragraphs:
    """Single events against the peers."""
    found = results["peers"]
    columns = ["way", "a second", "durable ÷ it", *TIME_COLUMNS[:3]]
    columns += [f"{part} cores" for part in ("server", "PostgreSQL", "client")]
    rows = [peer_row(found, name) for name in found["ways"]]
    about = PEERS.format(**{name: found[name] for name in ("connections", "rounds", "seconds")})
    return [about, chart("peers", "Requests a second of each peer"), table(columns, rows)]


def peer_row(found: Data, name: str) -> list[str]:
    """One peer's medians."""
    rounds, rate = found["ways"][name], goals.rate_of(found, name)
    figures = [median(each[time] for each in rounds) for time in ("p50", "p95", "p99")]
    cores = [median(each["cores"][part] for each in rounds) for part in ("server", "postgres")]
    cores.append(median(each["cpu"] for each in rounds))
    share = goals.rate_of(found, "durable") / rate
    return [
        name,
        f"{rate:,.0f}",
        f"{share:.2f}",
        *map("{:.1f}".format, figures),
        *map("{:.2f}".format, cores),
    ]


def batches(results: Results) -> Paragraphs:
    """Batches, against COPY and by size."""
    ways = {name: median(rates) for name, rates in results["batches"]["ways"].items()}
    small = ways["COPY, 500 rows"]
    rows = [[name, f"{rate:,.0f}", f"{rate / small:.2f}"] for name, rate in ways.items()]
    sizes = results["batch_sizes"]
    by_size = [
        [f"{one['size']:,}", f"{one['events_a_second']:,.0f}", f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}"]
        for one in sizes["sizes"]
    ]
    return [
        BATCHES.format(rounds=results["batches"]["rounds"]),
        table(["way", "events/s", "÷ COPY, 500 rows a transaction"], rows),
        f"How much a batch brings, with {sizes['connections']} connections:",
        chart("batch-sizes", "Events a second by the size of a batch"),
        table(["events a request", "events/s", "p50 ms", "p99 ms"], by_size),
    ]


def knees(results: Results) -> Paragraphs:
    """Where each one stops keeping up."""
    found = results["knees"]
    half = {name: median(each["p99_ms"] for each in rounds) for name, rounds in found["half"].items()}
    return [
        KNEE.format(share=knee.KEEPS_UP, slow=knee.SLOW_MS),
        table(
            ["what", "knee a second", *TIME_COLUMNS, ""], [knee_row(*ramp) for ramp in found["ramps"].items()]
        ),
        chart("ramp", "p99 and answers a second by what arrives"),
        "The ramp of single durable events:",
        table(
            ["arrive/s", "answered/s", *TIME_COLUMNS, "client"],
            [stage_row(stage) for stage in found["ramps"]["durable"]["stages"]],
        ),
        HALF.format(rate=found["half_rate"], durable=half["durable"], noop=half["no-op"]),
    ]


def knee_row(name: str, ramp: Data) -> list[str]:
    """One ramp's knee."""
    found = ramp["knee"]
    if not found:
        return [name, "none", "", "", "", "", f"below {ramp['stages'][0]['rate']:,.0f}"]
    return [
        name,
        f"{found['rate']:,.0f}",
        *times(found),
        "" if ramp["reached"] else "the ramp ended before it",
    ]


def stage_row(stage: Data) -> list[str]:
    """One stage of a ramp. client: its share of a core, how late it sent (p99), whether it was too busy."""
    client = f"{stage['generator_cpu']:.2f} cores, {stage['generator_lag_p99_ms']:.0f} ms late"
    client += ", **bottleneck**" if stage["generator_cpu"] >= knee.FULL else ""
    return [f"{stage['rate']:,.0f}", f"{stage['done_a_second']:,.0f}", *times(stage), client]


def first_bottleneck(results: Results) -> Paragraphs:
    """What gives in first, with the evidence."""
    found = results["knees"]["at_knee"]
    database, waits = found["database"], found["database"]["waits"]
    parts = found["usage"]["parts"] | {OTHERS: {"cores": others(found)}}
    busy = found["usage"]["machine_busy"]
    first = knee.bottleneck(parts, busy, found["processors"], Settings().workers)
    return [
        f"At the knee ({found['stage']['rate']:,.0f} single events/s) the first bottleneck is **{first}**.",
        chart("cpu-per-event", "Processor time of an event by part"),
        parts_at_knee(found),
        server_at_knee(found),
        "What its busy connections wait for, as a share of all looks (50 ms apart):",
        table(["waits for", "share"], [[name, f"{share:.0%}"] for name, share in waits.items()]),
        "The statements that take most of its time:",
        statements(database["statements"], found["stage"]["done"]),
        *profiled(results["knees"]["profile"]),
    ]


def parts_at_knee(found: Data) -> str:
    """What each part uses at the knee."""
    cpu, events = goals.cpu_per_event(found), found["stage"]["done"] * found["events_a_request"]
    rows = [
        [
            name, f"{part['cores']:.2f}", f"{cpu[name]:.0f}", f"{part['written_bytes'] / events:,.0f}",
            f"{max(part['memory']) / MIB:,.0f}",
        ]
        for name, part in sorted(found["usage"]["parts"].items(), key=lambda row: -float(row[1]["cores"]))
    ]  # fmt: skip
    rows.append([OTHERS, f"{others(found):.2f}", "", "", ""])
    return table(["part", "cores", "µs CPU an event", "bytes written an event", "MiB of memory"], rows)


def others(found: Data) -> float:
    """Cores used by what is no part of the stack."""
    used_by_parts = sum(part["cores"] for part in found["usage"]["parts"].values())
    return max(0.0, float(found["usage"]["machine_busy"] * found["processors"] - used_by_parts))


def server_at_knee(found: Data) -> str:
    """What PostgreSQL does at the knee."""
    server, events = found["database"]["server"], found["stage"]["done"]
    return AT_KNEE.format(
        client=found["stage"]["generator_cpu"],
        commits=server["xact_commit"] / found["usage"]["seconds"],
        events=events / server["xact_commit"],
        log=server["wal_bytes"] / events,
        checkpoints=server["num_timed"] + server["num_requested"],
    )


def statements(rows: Sequence[Data], events: int) -> str:
    """The top statements."""
    total = sum(row["ms"] for row in rows) or 1.0
    shown = [
        [
            f"`{shortened(row['query'])}`", f"{row['calls']:,.0f}", f"{row['ms'] / total:.1%}",
            f"{row['ms'] / row['calls']:.2f}", f"{1000 * row['ms'] / events:.0f}",
        ]
        for row in rows[:5]
    ]  # fmt: skip
    return table(["statement", "calls", "share", "ms a call", "µs an event"], shown)


def shortened(query: str, most: int = 70) -> str:
    """A statement on one line of a table."""
    text = query.replace("|", "\\|").replace("`", "'")
    return text if len(text) <= most else text[: most - 1] + "…"


def profiled(found: Data) -> Paragraphs:
    """What the profile of a collector's process shows."""
    if not found["stacks"]:
        return [f"No profile: py-spy may not look at processes here ({found.get('error', 'no samples')})."]
    top = profile.own_time([(tuple(stack), samples) for stack, samples in found["stacks"]], 8)
    return [
        PROFILE.format(seconds=found["seconds"]),
        chart("flame", "Flame graph of a process of the collector"),
        table(["function at work", "share"], [[f"`{name}`", f"{share:.0%}"] for name, share in top]),
    ]


def overload(results: Results) -> Paragraphs:
    """What happens far beyond the knee."""
    found, stage, after = results["overload"], results["overload"]["stage"], results["overload"]["after"]
    most = max(found["usage"]["parts"]["collector"]["memory"])
    rows = [
        ["arrived", f"{stage['due']:,}"],
        ["answered with success, in time", f"{stage['done']:,}"],
        ["refused, 429 or 503 with Retry-After", f"{stage['refused']:,}"],
        ["refused without Retry-After", f"{stage['refused_rudely']:,}"],
        ["without an answer in time", f"{stage['timed_out']:,}"],
        ["other errors", f"{stage['broken']:,}"],
        ["goodput ÷ knee", f"{goals.goodput(found):.2f}"],
        ["memory of the collector before", f"{found['memory_before'] / MIB:.0f} MiB"],
        ["memory of the collector, at most", f"{most / MIB:.0f} MiB"],
        ["answered in 5 s right afterwards, at half of the knee", f"{after['done']:,} of {after['due']:,}"],
    ]
    about = OVERLOAD.format(
        offered=stage["due"] / stage["seconds"] / found["knee_rate"],
        knee=found["knee_rate"],
        seconds=stage["seconds"],
        connections=found["connections"],
    )
    return [
        about,
        chart("overload", "Answers and memory during the overload"),
        table(["what", "figure"], rows),
    ]


def steady(results: Results) -> Paragraphs:
    """All users at a steady rate."""
    found = results["steady"]
    return [MIXED, arriving(found), request_table(found), used(found), checked(found)]


def spike(results: Results) -> Paragraphs:
    """Ten times the rate for a while."""
    found = results["spike"]
    shown = chart("spike", "Requests and their times over the spike")
    return [arriving(found), shown, request_table(found), used(found), checked(found)]


def soak(results: Results) -> Paragraphs:
    """A steady rate for long: whether memory grows."""
    found = results["soak"]
    largest = found["usage"]["parts"]["collector"]["largest"]
    shown = chart("soak-memory", "Memory of every part over the soak")
    ending = SOAKED.format(size=largest[-1] / MIB, ratio=goals.flatness(largest))
    return [arriving(found), request_table(found), used(found), checked(found), shown, ending]


def arriving(found: Data) -> str:
    """The shape in words."""
    shape = " → ".join(f"{rate:,.0f}/s for {seconds:g} s" for seconds, rate in found["shape"])
    return f"Events arrive at {shape}, in front of a history of {28 * found['history']:,} events."


def request_table(found: Data) -> str:
    """Locust's statistics."""
    rows = [
        [
            each["name"], f"{each['requests']:,}", f"{each['a_second']:.1f}", f"{each['failed_share']:.2%}",
            *(f"{each[time]:.0f}" for time in TIMES),
        ]
        for each in sorted(found["requests"], key=lambda row: str(row["name"]))
    ]  # fmt: skip
    return table(["who asks what", "requests", "a second", "failed", *TIME_COLUMNS], rows)


def used(found: Data) -> str:
    """What every part used, for reading too."""
    usage, events = found["usage"], max(1, found["audit"]["stored"])
    rows = [
        [
            name, f"{part['cores']:.2f}", f"{1e6 * part['cpu_seconds'] / events:,.0f}",
            f"{max(part['memory']) / MIB:,.0f}", f"{part['read_bytes'] / MIB:,.1f}",
            f"{part['written_bytes'] / MIB:,.1f}",
        ]
        for name, part in usage["parts"].items()
    ]  # fmt: skip
    columns = ["part", "cores", "µs CPU an event", "most MiB of memory", "MiB read", "MiB written"]
    network = usage["loopback_bytes"] / usage["seconds"] / 1024
    return f"{table(columns, rows)}\n\nOver the loopback device went {network:,.0f} KiB/s."


def checked(found: Data) -> str:
    """The audit, the generator, and what was not kept to."""
    text, generator = AUDIT.format(**found["audit"]), found["generator"]
    if generator["cpu"]:
        usual, most = median(generator["cpu"]), max(generator["cpu"])
        text += f" Locust used {usual:.2f} of a core (median), {most:.2f} at most."
    if generator["busy"]:
        text += " **The load generator was the bottleneck: the times are its own.**"
    return text + "".join(f"\n- not kept to: {sentence}" for sentence in found["breaches"])


def rolling(results: Results) -> Paragraphs:
    """The rolling metrics with few and many events."""
    return [ROLLING, table(results["rolling"]["columns"], results["rolling"]["rows"])]


def optimised(results: Results) -> Paragraphs:
    """Before and after."""
    rows = [
        [name, f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.1f}"]
        for name, before, after in charts.optimisations(results)
    ]
    cache = results["cache"]
    return [
        OPTIMISED.format(dashboards=cache["dashboards"], events=cache["events"]),
        chart("optimisations", "How many times as much each optimisation brings"),
        table(["what", "without/s", "with/s", "times"], rows),
    ]


def sizing(results: Results) -> Paragraphs:
    """What it means for a machine of one's own."""
    found = results["knees"]
    at_knee = found["at_knee"]
    cpu = sum(goals.cpu_per_event(at_knee).values())
    log = DAY_SECONDS * at_knee["database"]["server"]["wal_bytes"] / at_knee["stage"]["done"] / GIB
    rows = [
        [f"{rate:,}", f"{rate * cpu / 1e6:.2f}", f"{rate * DAY_SECONDS / 1e6:,.1f}", f"{rate * log:,.1f}"]
        for rate in (10, 100, 500, 1_000, 2_000)
    ]
    columns = ["single events/s", "cores in the mean", "million events a day", "GiB of log a day"]
    return [ALONE.format(cpu=cpu), table(columns, rows), advice(results)]


def advice(results: Results) -> str:
    """What to plan with."""
    ramps, parts = results["knees"]["ramps"], results["soak"]["usage"]["parts"]
    single, batched = (ramps[name]["knee"] or {"rate": 0.0} for name in ("durable", "batches of 500"))
    return ADVICE.format(
        single=single["rate"] / 2,
        batched=batched["rate"] / 2 * 500,
        memory=", ".join(f"{name} {max(part['memory']) / MIB:,.0f} MiB" for name, part in parts.items()),
    )


SECTIONS: list[tuple[str, Sequence[str], Callable[[Results], Paragraphs]]] = [
    ("Single events", ("peers",), peers),
    ("Batches", ("batches", "batch_sizes"), batches),
    ("The knee", ("knees",), knees),
    ("What gives in first", ("knees",), first_bottleneck),
    ("What was missed, and why", ("peers", "knees"), misses),
    ("Ten times too much", ("overload",), overload),
    ("A steady mixed load", ("steady",), steady),
    ("A spike", ("spike",), spike),
    ("A soak", ("soak",), soak),
    ("Rolling metrics", ("rolling",), rolling),
    ("What was optimised", ("peers", "cache"), optimised),
    ("Limits and sizing", ("knees", "soak"), sizing),
]
