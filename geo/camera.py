"""Cameras in general: the words for their health and their kinds, and the compass."""

from collections.abc import Mapping

ONLINE, DEGRADED, FROZEN, OFFLINE = range(4)
# What a camera is there for: (Vietnamese, English).
KINDS: Mapping[str, tuple[str, str]] = {
    "traffic": ("Giao thông", "Traffic"),
    "security": ("An ninh", "Security"),
    "river": ("Sông, ngập lụt", "River, flood"),
    "port": ("Cảng cá, cửa biển", "Port, inlet"),
    "forest": ("Cháy rừng", "Forest fire"),
    "heritage": ("Di tích", "Heritage"),
    "other": ("Khác", "Other"),
}
# The sixteen points, clockwise from north.
COMPASS = (
    "n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw", "nw", "nnw",
)  # fmt: skip
_EIGHT = (
    ("bắc", "north"), ("đông bắc", "north-east"), ("đông", "east"), ("đông nam", "south-east"),
    ("nam", "south"), ("tây nam", "south-west"), ("tây", "west"), ("tây bắc", "north-west"),
)  # fmt: skip


def points_of_compass(azimuth_deg: float) -> tuple[str, str]:
    """The nearest of the eight points, in Vietnamese and English."""
    return _EIGHT[round(azimuth_deg / 45) % 8]
