"""The simulated cameras of Huế: where they stand and look, entered as an owner's list, through the importer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from access.camera_import import carry_out
from geo.actor import Actor
from geo.camera_file import drafts
from layers.camera import CAMERA

COMMENT = "ngày mô phỏng"
IOC, POLICE, ROADS, FLOOD, RELICS = (
    "Trung tâm Giám sát, điều hành đô thị thông minh", "Công an thành phố", "Sở Xây dựng",
    "Ban Chỉ huy Phòng thủ dân sự", "Trung tâm Bảo tồn Di tích Cố đô",
)  # fmt: skip
# Place, longitude, latitude, kind, owner, and where its cameras look.
PLACES: tuple[tuple[str, float, float, str, str, tuple[int, ...]], ...] = (
    ("Cầu Trường Tiền – bờ nam", 107.5902, 16.4660, "Giao thông", IOC, (350, 170)),
    ("Cầu Trường Tiền – bờ bắc", 107.5876, 16.4697, "Giao thông", IOC, (160,)),
    ("Cầu Phú Xuân", 107.5853, 16.4638, "Giao thông", IOC, (330, 150)),
    ("Cầu Dã Viên", 107.5741, 16.4585, "Giao thông", ROADS, (340, 150)),
    ("Ngã sáu Hùng Vương", 107.5945, 16.4632, "Giao thông", POLICE, (20, 140, 260)),
    ("Đập Đá – Vỹ Dạ", 107.5969, 16.4712, "Giao thông", POLICE, (80, 250)),
    ("Chợ Đông Ba", 107.5888, 16.4724, "An ninh", POLICE, (30, 200)),
    ("Ga Huế", 107.5778, 16.4566, "An ninh", POLICE, (60, 240)),
    ("Bệnh viện Trung ương Huế", 107.5877, 16.4626, "Giao thông", IOC, (120,)),
    ("Ngọ Môn", 107.5797, 16.4676, "Di tích", RELICS, (330, 150)),
    ("Kỳ Đài", 107.5812, 16.4664, "Di tích", RELICS, (310,)),
    ("Cửa Thượng Tứ", 107.5852, 16.4681, "Giao thông", RELICS, (300, 130)),
    ("Cửa Hiển Nhơn", 107.5817, 16.4712, "Di tích", RELICS, (45,)),
    ("Chùa Thiên Mụ", 107.5449, 16.4531, "Di tích", RELICS, (180,)),
    ("Kim Long", 107.5560, 16.4580, "Sông, ngập lụt", FLOOD, (170,)),
    ("Bạch Hổ", 107.5722, 16.4607, "Sông, ngập lụt", FLOOD, (200,)),
    ("Cồn Hến", 107.6018, 16.4748, "Sông, ngập lụt", FLOOD, (290,)),
    ("Cầu chợ Dinh", 107.5982, 16.4827, "Giao thông", ROADS, (100, 280)),
    ("Bãi Dâu", 107.5936, 16.4868, "Giao thông", POLICE, (40,)),
    ("Bến xe phía Bắc", 107.5527, 16.4889, "An ninh", POLICE, (90,)),
    ("Cầu An Hòa", 107.5578, 16.4858, "Giao thông", ROADS, (130, 310)),
    ("Chợ An Cựu", 107.6003, 16.4571, "Giao thông", POLICE, (10, 190)),
    ("Bến xe phía Nam", 107.6131, 16.4530, "An ninh", POLICE, (220,)),
    ("Đàn Nam Giao", 107.5826, 16.4375, "Di tích", RELICS, (0,)),
    ("Khu đô thị An Vân Dương", 107.6162, 16.4708, "Giao thông", IOC, (75, 255)),
    ("Thủy Dương – quốc lộ 1", 107.6292, 16.4440, "Giao thông", ROADS, (135, 315)),
    ("Phú Bài – ngã ba sân bay", 107.6879, 16.4037, "Giao thông", ROADS, (50, 200)),
    ("Cửa biển Thuận An", 107.6318, 16.5680, "Cảng cá, cửa biển", FLOOD, (20, 330)),
    ("Cảng cá Thuận An", 107.6262, 16.5560, "Cảng cá, cửa biển", IOC, (60, 150)),
    ("Cầu Tam Giang", 107.5440, 16.5760, "Giao thông", ROADS, (30,)),
    ("Phú Ốc", 107.4805, 16.5405, "Sông, ngập lụt", FLOOD, (310,)),
    ("Cửa biển Tư Hiền", 107.9075, 16.3545, "Cảng cá, cửa biển", FLOOD, (50,)),
    ("Cảng Chân Mây", 108.0010, 16.3300, "Cảng cá, cửa biển", IOC, (340,)),
    ("Lăng Cô", 108.0760, 16.2430, "Giao thông", ROADS, (160,)),
    ("Đèo Hải Vân", 108.1320, 16.1885, "Giao thông", ROADS, (30,)),
    ("Hồ Truồi", 107.7850, 16.2560, "Sông, ngập lụt", FLOOD, (200,)),
)  # fmt: skip
ODD = {"frozen": (11, 37), "away": (8, 29, 44), "slow": (20, 51)}  # by their numbers: what does not work in any city


@dataclass(frozen=True)
class Simulated:
    """One simulated camera; behaves: live, frozen, away or slow."""

    id: str
    name: str
    behaves: str


def simulated() -> list[Simulated]:
    """All of them, in the order of their numbers."""
    found: list[Simulated] = []
    for place, *_, azimuths in PLACES:
        for n, _azimuth in enumerate(azimuths, 1):
            number = len(found) + 1
            behaves = next((word for word, numbers in ODD.items() if number in numbers), "live")
            found.append(Simulated(f"HUE-CAM-{number:03d}", f"{place} {n}" if len(azimuths) > 1 else place, behaves))
    return found


def rows(port: int) -> list[tuple[int, dict[str, Any]]]:
    """The list of cameras as their owners would hand it in; port: where the pictures are on this machine."""
    found: list[tuple[int, dict[str, Any]]] = []
    cameras = iter(simulated())
    for _, lon, lat, kind, owner, azimuths in PLACES:
        for azimuth in azimuths:
            one = next(cameras)
            wide = 95 if kind == "Di tích" else 60 if kind == "Giao thông" else 75
            cells = {
                "Mã camera": one.id, "Tên": one.name, "Kinh độ": lon, "Vĩ độ": lat, "Loại": kind,
                "Đơn vị quản lý": owner,
                "Hướng nhìn": azimuth, "Góc nhìn": wide, "Tầm nhìn (m)": 120 if kind == "Giao thông" else 250,
                "Lưu hình": "75 ngày", "Nhà cung cấp": "Mô phỏng",
                "Địa chỉ ảnh": f"http://127.0.0.1:{port}/{one.id}.jpg",
                "Luồng": f"http://127.0.0.1:{port}/{one.id}/live.m3u8",
            }  # fmt: skip
            found.append((len(found) + 1, cells))
    return found


def put_cameras(engine: sa.Engine, port: int, actor: Actor) -> int:
    """Import them as simulated ones; returns how many are new or changed."""
    found, _ = drafts(rows(port))
    account, done = carry_out(engine, CAMERA, found, actor, COMMENT, simulated=True)
    refused: Sequence[Any] = [line for line in account.lines if line.what == "conflict"]
    assert not refused, refused
    return done or 0
