"""What can go wrong. Everything that this package raises by itself is a BeatlineClientError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beatline_client.upload import UploadSummary


class BeatlineClientError(Exception):
    """The base of all errors of this package."""


class InvalidEventError(BeatlineClientError, ValueError):
    """The event cannot be sent: nobody did it, it has no type, or it holds what is no JSON."""


class QueueFullError(BeatlineClientError):
    """The event was not taken: too many others wait to be sent."""


class ClosedError(BeatlineClientError):
    """The event was not taken: the client is closed."""


class RejectedError(BeatlineClientError):
    """The collector refused this event for good. errors is {field: [message]}, possibly nested."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__(f"rejected: {errors}")
        self.errors = errors


class DeliveryError(BeatlineClientError):
    """Events were given up. status is the collector's last answer, None when there was none: then it is
    unknown whether the events were stored."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class SourceError(BeatlineClientError):
    """A file cannot be used (any further); upload() raises UploadError from it."""


class FeatureFlagsUnavailableError(BeatlineClientError):
    """The flags cannot be had now. status is the collector's answer, None when there was none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UploadError(BeatlineClientError):
    """The upload ended early. summary says how far it came, and has the upload_id to repeat it with."""

    def __init__(self, message: str, summary: UploadSummary) -> None:
        super().__init__(f"{message} (upload_id={summary.upload_id!r} to repeat it)")
        self.summary = summary
