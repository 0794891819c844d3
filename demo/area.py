"""The two drawn areas of the simulated day, which only scripted boats enter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """A drawn area; `ring` is closed, counter-clockwise, (lon, lat) in WGS84 degrees."""

    name: str
    name_vi: str
    name_en: str
    note: str
    ring: tuple[tuple[float, float], ...]


_NOTE = "khu vực mô phỏng, không có giá trị pháp lý"

BAN = Area(
    "demo_ban",
    "Khu vực cấm khai thác (mô phỏng)",
    "No-fishing area (simulated)",
    _NOTE,
    (
        (107.885, 16.735),
        (107.935, 16.695),
        (108.005, 16.725),
        (108.020, 16.785),
        (107.965, 16.815),
        (107.900, 16.795),
        (107.885, 16.735),
    ),
)

APPROACH = Area(
    "demo_approach",
    "Vùng đón trả hoa tiêu Chân Mây, cấm tàu cá (mô phỏng)",
    "Chân Mây pilot boarding area, closed to fishing boats (simulated)",
    _NOTE,
    (
        (108.040, 16.372),
        (108.080, 16.362),
        (108.090, 16.395),
        (108.050, 16.405),
        (108.040, 16.372),
    ),
)


def areas() -> tuple[Area, ...]:
    """The drawn areas, to be seeded as fences of kind `area`."""
    return (BAN, APPROACH)
