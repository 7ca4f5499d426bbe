"""Faults one after the other under load, and the audit after the last one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection

from tests.faults.chaos import memory
from tests.faults.chaos.faults import FAULTS, QUICK, Fault, disk_full
from tests.faults.chaos.promises import Promises, promising
from tests.faults.chaos.scene import Scene
from tests.faults.evidence import stored_keys
from tests.faults.load import Load, loading
from tests.fixtures.storage import assert_counts_agree, wait_until

CALM_EVENTS = 100  # that are acknowledged before the next fault
RECOVERY_SECONDS = 60.0
KEPT_SECONDS = 240.0  # until what was promised meanwhile has to be done


@dataclass(frozen=True)
class Step:
    """A fault of the plan and how long it lasts, in seconds."""

    fault: Fault
    seconds: float

    @property
    def name(self) -> str:
        return self.fault.__name__.replace("_", " ")


@dataclass(frozen=True)
class Played:
    """What a fault did. Events and requests while it lasted; seconds from its end until every client had
    something acknowledged again, and until nothing waited in the spill any more."""

    at: float
    step: Step
    lasted: float
    acknowledged: int
    refused: int
    answering_after: float
    caught_up_after: float


@dataclass(frozen=True)
class Outcome:
    """What came of it all. memory: the most bytes of each part; losses: a sentence each, none is right."""

    played: list[Played]
    counts: dict[str, int]
    memory: dict[str, int]
    losses: list[str]


def make_plan(seed: int, quick: bool) -> list[Step]:
    """Every fault twice, or some of them once, in an order and for times that follow from the seed."""
    chance = random.Random(seed)
    faults, longest = (QUICK, 2.0) if quick else (2 * FAULTS, 10.0)
    return [Step(fault, chance.uniform(1.0, longest)) for fault in chance.sample(faults, len(faults))]


def run(folder: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Outcome:
    """Start a stack of its own in a folder, apply the plan, audit. say: is told of each step."""
    chance = random.Random(seed)
    with Scene.on_limited_disk(folder) as scene, promising(scene) as promises:
        plan = [step for step in make_plan(seed, quick) if scene.limited or step.fault is not disk_full]
        if not scene.limited:
            say("no disk is filled: mounting one of limited size is not allowed here")
        with memory.watched(scene) as most:
            with loading(scene.front_url, "chaos", seed) as load, promises.asking():
                played = play_all(scene, load, plan, chance, say)
                load.wait_for(CALM_EVENTS)
            say("waiting until everything that was promised is done")
            scene.settle()
            promises.wait(KEPT_SECONDS)
        return Outcome(played, counts(load, promises), dict(most), audit(scene, load, promises, most))


def play_all(
    scene: Scene, load: Load, plan: Sequence[Step], chance: random.Random, say: Callable[[str], None]
) -> list[Played]:
    """Apply the plan."""
    began, played = time.monotonic(), []
    for number, step in enumerate(plan, 1):
        load.wait_for(CALM_EVENTS)
        say(f"{number} of {len(plan)}: {step.name}, {step.seconds:.1f} s")
        played.append(play(scene, load, step, chance, began))
    return played


def play(scene: Scene, load: Load, step: Step, chance: random.Random, began: float) -> Played:
    """Let a fault happen, end it, and wait until all is well again."""
    at, acknowledged, refused = time.monotonic(), load.count(), load.refusals()
    end = step.fault(scene, chance)
    time.sleep(step.seconds)
    acknowledged, refused = load.count() - acknowledged, load.refusals() - refused
    ended = time.monotonic()
    end()
    before = [len(client.acknowledged) for client in load.clients]
    wait_until(lambda: all_go_on(load, before), RECOVERY_SECONDS)
    answering = time.monotonic() - ended
    wait_until(lambda: scene.backlog() == 0, RECOVERY_SECONDS)
    caught_up = time.monotonic() - ended
    return Played(at - began, step, ended - at, acknowledged, refused, answering, caught_up)


def all_go_on(load: Load, before: Sequence[int]) -> bool:
    """Whether every client has had something acknowledged since."""
    return all(len(client.acknowledged) > count for client, count in zip(load.clients, before, strict=True))


def counts(load: Load, promises: Promises) -> dict[str, int]:
    """How much was promised."""
    return {
        "events acknowledged": load.count(),
        "requests refused with 503": load.refusals(),
        "imports accepted": promises.imports,
        "rows of imports": len(promises.import_rows),
        "notifications queued": len(promises.titles),
    }


def audit(scene: Scene, load: Load, promises: Promises, most: dict[str, int]) -> list[str]:
    """A sentence for each kind of promise that was broken."""
    losses = [f"a client was answered {answer}" for answer in load.unexpected()]
    with scene.connect() as connection:
        losses += audit_events(connection, load.acknowledged() | promises.import_rows)
    return [*losses, *promises.broken(), *memory.beyond(most)]


def audit_events(connection: Connection, acknowledged: set[str]) -> list[str]:
    """The same of events: each acknowledged one is stored, none twice, and every count is exact."""
    stored = stored_keys(connection)
    lost = sorted(acknowledged - stored.keys())
    doubled = sorted(key for key, times in stored.items() if times > 1)
    losses = [f"{len(lost)} acknowledged events are not stored, such as {lost[0]}"] if lost else []
    losses += [f"{len(doubled)} events are stored more than once, such as {doubled[0]}"] if doubled else []
    try:
        assert_counts_agree(connection)
    except AssertionError as error:
        losses.append(f"counts are not those of the stored events: {error}")
    rejected = connection.execute("select errors::text from rejected_events").fetchall()
    return losses + ([f"{len(rejected)} good events are rejected: {rejected[0][0]}"] if rejected else [])
