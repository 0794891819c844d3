"""The simulated fleet as a list of boats, with owners that are nobody, put into the register as any list would be."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from access import fleet_import
from demo.device import devices
from demo.fleet import Boat, fleet
from demo.harbour import CHAN_MAY, THUAN_AN, TU_HIEN
from geo.actor import Actor
from geo.boat_file import drafts
from geo.calendar import ZONE
from geo.provider import PROVIDERS
from geo.vector_file import Sheet

# Where a boat's harbour tells its commune (of those since 1 July 2025).
COMMUNES = {THUAN_AN.name: "Thuận An", TU_HIEN.name: "Vinh Lộc", CHAN_MAY.name: "Chân Mây – Lăng Cô"}
HEAD = (
    "Số đăng ký", "MMSI", "Hô hiệu", "Chiều dài", "Công suất (kW)", "Nghề", "Loại tàu", "Xã/Phường", "Số giấy phép",
    "Hạn giấy phép", "Nằm bờ từ", "Chủ tàu", "Điện thoại chủ tàu", "Thuyền trưởng", "Điện thoại thuyền trưởng",
    "Mã thiết bị", "Nhà cung cấp", "Mã thiết bị 2", "Nhà cung cấp 2",
)  # fmt: skip
EXPIRED_SHARE = 0.03
LICENCE_DAYS = 5 * 365
LAID_UP_DAYS = 75
COMMENT = "đội tàu mô phỏng"
_FAMILY = ("Nguyễn", "Trần", "Lê", "Phan", "Võ", "Hồ", "Đặng", "Huỳnh", "Phạm", "Bùi", "Ngô", "Dương")
_MIDDLE = ("Văn", "Đình", "Hữu", "Xuân", "Thanh", "Quang", "Công", "Ngọc")
_GIVEN = ("Bảy", "Tám", "Hòa", "Dũng", "Lành", "Phước", "Sơn", "Hải", "Thuận", "An", "Lộc", "Minh", "Thành", "Khánh")
_NAMES = {one.key: one.name for one in PROVIDERS}


def sheet(seed: int, today: date) -> Sheet:
    """The boats of the seed's fleet as an office's list of that day; a few licences have expired."""
    return Sheet(HEAD, tuple((n, _row(n, boat, today)) for n, boat in enumerate(fleet(seed), start=2)))


def _row(number: int, boat: Boat, today: date) -> dict[str, Any]:
    rng = random.Random(f"register/{boat.registration}")
    until = today + timedelta(days=rng.randint(20, LICENCE_DAYS))
    if rng.random() < EXPIRED_SHARE:
        until = today - timedelta(days=rng.randint(1, 200))
    # 0900 and zeros: as long as a number of life, and seen at once to be none.
    phones = [f"09000{2 * number + part:05d}" for part in (0, 1)]
    cells: list[Any] = [
        boat.registration, boat.mmsi, boat.callsign, f"{boat.length_m:.1f}".replace(".", ","),
        round(boat.length_m**2 * 0.6), boat.gear, "Khai thác", COMMUNES.get(boat.harbour.name),
        f"MP-{boat.registration}", f"{until:%d/%m/%Y}",
        f"{today - timedelta(days=LAID_UP_DAYS):%d/%m/%Y}" if boat.laid_up else None,
        _name(rng), phones[0], _name(rng), phones[1],
    ]  # fmt: skip
    for device in devices(boat):
        cells += [device.id, _NAMES[device.provider]]
    return dict(zip(HEAD, cells, strict=False))


def _name(rng: random.Random) -> str:
    return " ".join((rng.choice(_FAMILY), rng.choice(_MIDDLE), rng.choice(_GIVEN)))


def put_register(connection: sa.Connection, seed: int, now: datetime, actor: Actor) -> int:
    """Put the boats in that the register does not have yet, marked as simulated; how many. What is there stays."""
    wanted, _ = drafts(sheet(seed, now.astimezone(ZONE).date()))
    found = fleet_import.account(connection, wanted, now, simulated=True)
    new = fleet_import.Account(tuple(line for line in found.lines if line.what == "new"))
    return fleet_import.apply(connection, new, actor, now, COMMENT)
