"""Send events to Beatline: `Client(host, write_key).track(user_id, event_type, properties)`."""

from beatline_client.batches import Attempt
from beatline_client.client import Client
from beatline_client.errors import (
    BeatlineClientError,
    ClosedError,
    DeliveryError,
    FeatureFlagsUnavailableError,
    InvalidEventError,
    QueueFullError,
    RejectedError,
    UploadError,
)
from beatline_client.upload import Progress, Rejection, UploadSummary
from beatline_client.version import __version__

__all__ = [
    "Attempt",
    "BeatlineClientError",
    "Client",
    "ClosedError",
    "DeliveryError",
    "FeatureFlagsUnavailableError",
    "InvalidEventError",
    "Progress",
    "QueueFullError",
    "RejectedError",
    "Rejection",
    "UploadError",
    "UploadSummary",
    "__version__",
]
