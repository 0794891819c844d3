"""Registrations of fishing boats in any spelling, and the province that each prefix stood and stands for."""

import re
import unicodedata
from dataclasses import dataclass

# domain.md 1.6: matches every spelling seen, after NFC and without regard to case; Đ is a letter of its own (BĐ, BD).
PATTERN = re.compile(r"^([A-ZĐ]{1,4})[-–. ]*(\d{4,5})(?:[-–. ]*(TS|KN))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Province:
    """A prefix as it is written, the province that gave it, and the one that has followed it since 1 July 2025."""

    prefix: str
    then: str
    now: str


# Old prefixes stay valid after the mergers (to be confirmed by the authority).
PROVINCES = tuple(
    Province(*line)
    for line in (
        ("QN", "Quảng Ninh", "Quảng Ninh"),
        ("HP", "Hải Phòng", "Hải Phòng"),
        ("TB", "Thái Bình", "Hưng Yên"),
        ("NĐ", "Nam Định", "Ninh Bình"),
        ("NB", "Ninh Bình", "Ninh Bình"),
        ("TH", "Thanh Hóa", "Thanh Hóa"),
        ("NA", "Nghệ An", "Nghệ An"),
        ("HT", "Hà Tĩnh", "Hà Tĩnh"),
        ("QB", "Quảng Bình", "Quảng Trị"),
        ("QT", "Quảng Trị", "Quảng Trị"),
        ("TTH", "Thừa Thiên Huế", "Huế"),
        ("ĐNa", "Đà Nẵng", "Đà Nẵng"),
        ("QNa", "Quảng Nam", "Đà Nẵng"),
        ("QNg", "Quảng Ngãi", "Quảng Ngãi"),
        ("BĐ", "Bình Định", "Gia Lai"),
        ("PY", "Phú Yên", "Đắk Lắk"),
        ("KH", "Khánh Hòa", "Khánh Hòa"),
        ("NT", "Ninh Thuận", "Khánh Hòa"),
        ("BTh", "Bình Thuận", "Lâm Đồng"),
        ("BV", "Bà Rịa – Vũng Tàu", "Thành phố Hồ Chí Minh"),
        ("SG", "Thành phố Hồ Chí Minh", "Thành phố Hồ Chí Minh"),
        ("TG", "Tiền Giang", "Đồng Tháp"),
        ("BT", "Bến Tre", "Vĩnh Long"),
        ("TV", "Trà Vinh", "Vĩnh Long"),
        ("ST", "Sóc Trăng", "Cần Thơ"),
        ("BL", "Bạc Liêu", "Cà Mau"),
        ("CM", "Cà Mau", "Cà Mau"),
        ("KG", "Kiên Giang", "An Giang"),
    )
)
_BY_PREFIX = {province.prefix.upper(): province for province in PROVINCES}


@dataclass(frozen=True)
class Registration:
    """A registration as it is written: `TTH-91234-TS`."""

    prefix: str
    digits: str
    suffix: str = "TS"

    def __str__(self) -> str:
        return f"{self.prefix}-{self.digits}-{self.suffix}"

    @property
    def province(self) -> Province | None:
        """The province of its prefix, None for one that is not known (VN stands for the surveillance force)."""
        return _BY_PREFIX.get(self.prefix.upper())


def parse(text: str | None) -> Registration | None:
    """A registration from any spelling, or None when the text is none.

    NFC and NFD are the same, case and separators do not count, a missing suffix is TS.
    """
    if text is None:
        return None
    found = PATTERN.match(unicodedata.normalize("NFC", text).strip())
    if found is None:
        return None
    prefix = found[1].upper()
    known = _BY_PREFIX.get(prefix)
    return Registration(known.prefix if known else prefix, found[2], (found[3] or "TS").upper())
