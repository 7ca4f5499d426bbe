"""Why goals of speed were missed: what the same runs say about it."""

from __future__ import annotations

from statistics import median

from loadtest.performance.goals import RATIOS, Results, rate_of, ratio_goal

NOOP = """\
**÷ no-op.** A no-op request costs the server {idle:.0f} µs of processor time; a durable event costs
{server:.0f} µs there and {database:.0f} µs in PostgreSQL, which keeps every count exact in the same
transaction."""
CAREFUL = """\
**÷ the service written with care.** The no-op route itself answers {most:.1f} times as many requests as
that service stores; {limit:g} times were wanted."""
TAIL = """\
**p99 at half of the knee.** The rounds had {rounds} ms, and a median of {p50:.1f} ms. A no-op waits for
nothing; an acknowledgement waits for a commit on disk. Of the time that PostgreSQL's connections were busy
at the knee, {sync:.0%} was waiting for the log to be written, and {locks:.0%} for a row of a count that the
other writer had changed and not yet committed."""


def misses(results: Results) -> list[str]:
    """A paragraph for each missed goal that one can be given for."""
    missed = [goal for goal in RATIOS if ratio_goal(results, goal).reached is False]
    reasons = {"no-op Flask": no_op, "with care": careful, "p99": tail}
    paragraphs = [reason(results) for goal in missed for word, reason in reasons.items() if word in goal.what]
    return paragraphs or ["No goal of single events was missed."]


def cost(results: Results, name: str, part: str) -> float:
    """Microseconds of processor time that a part spends on a request of a peer."""
    return median(1e6 * each["cores"][part] / each["rate"] for each in results["peers"]["ways"][name])


def no_op(results: Results) -> str:
    """Single events against a route that does nothing."""
    return NOOP.format(
        idle=cost(results, "no-op", "server"),
        server=cost(results, "durable", "server"),
        database=cost(results, "durable", "postgres"),
    )


def careful(results: Results) -> str:
    """Single events against the service with pooled connections."""
    most = rate_of(results["peers"], "no-op") / rate_of(results["peers"], "baseline")
    limit = next(goal.limit for goal in RATIOS if "with care" in goal.what)
    return CAREFUL.format(most=most, limit=limit)


def tail(results: Results) -> str:
    """The slowest hundredth at half of the knee."""
    rounds = results["knees"]["half"]["durable"]
    waits = results["knees"]["at_knee"]["database"]["waits"]
    return TAIL.format(
        rounds=", ".join(f"{each['p99_ms']:.0f}" for each in rounds),
        p50=median(each["p50_ms"] for each in rounds),
        sync=waits.get("IO: WalSync", 0.0),
        locks=waits.get("Lock: transactionid", 0.0),
    )
