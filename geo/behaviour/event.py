"""One thing that a boat did: which kind, from when to when, where, how sure that is, and its figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["fishing", "encounter", "loitering", "port_visit", "gap", "possible_disabling"]
Confidence = Literal["usual", "low"]
# Kinds with their words. Nothing here accuses anybody: a silence is a silence, and even the longest is a sign only.
KINDS: Mapping[str, tuple[str, str]] = {
    "fishing": ("Hoạt động giống đánh bắt", "Fishing-like activity"),
    "encounter": ("Gặp nhau trên biển", "Encounter"),
    "loitering": ("Trôi chậm ngoài khơi", "Loitering"),
    "port_visit": ("Ghé cảng", "Port visit"),
    "gap": ("Khoảng lặng tín hiệu", "Gap in the signal"),
    "possible_disabling": ("Có dấu hiệu tắt thiết bị", "Signs of a disabled device"),
}


@dataclass(frozen=True)
class Event:
    """ended_at None: it goes on. lon, lat: where it is shown. parameters: its figures, units in their names."""

    kind: Kind
    began_at: datetime
    ended_at: datetime | None
    lon: float
    lat: float
    confidence: Confidence = "usual"
    parameters: Mapping[str, Any] = field(default_factory=dict)


def moment(seconds: float) -> datetime:
    """Unix seconds as UTC."""
    return datetime.fromtimestamp(seconds, UTC)
