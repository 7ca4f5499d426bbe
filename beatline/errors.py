"""The errors of the kernel. Who raises says whether trying again can help."""

from __future__ import annotations


class BeatlineError(Exception):
    """Base of every error that Beatline raises on purpose."""


class StartError(BeatlineError):
    """The process cannot start; the message is one sentence for whoever started it."""


class NotPossible(BeatlineError):  # noqa: N818 - said to whoever asked
    """What was asked for cannot be done; the message is one sentence that says why."""


class StorageError(BeatlineError):
    """The database refused or could not be reached.

    permanent: the same write would fail again (bad data); otherwise it may succeed later.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class SpillError(BeatlineError):
    """The spill stream in Valkey could not take or give a batch."""


class Overloaded(BeatlineError):  # noqa: N818 - a state, reported to the client as 503
    """The writer's queue is full; retry_after is in seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
