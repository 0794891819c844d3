"""Lists of boats as authorities keep them: rows in Vietnamese or English, read as what they say of each boat."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import isfinite
from typing import Any

from geo.calendar import ZONE
from geo.contact import PARTS, Contact, Part, phone_of
from geo.fold import fold
from geo.registration import PROVINCES, parse
from geo.vector_file import Sheet
from geo.wrong import Wrong

# What people call our columns, folded, the ones that other lists use first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "registration": ("so dang ky", "so dk", "sdk", "bien so", "so hieu tau", "so dang ky tau"),
    "shipname": ("ten tau", "name"),
    "mmsi": ("so mmsi",),
    "callsign": ("ho hieu", "call sign"),
    "length_m": ("chieu dai lon nhat", "chieu dai", "lmax", "chieu dai lon nhat m", "chieu dai m", "lmax m", "length"),
    "power_kw": ("cong suat kw", "cong suat", "cong suat may kw", "tong cong suat kw", "power"),
    "gear": ("nghe", "nghe chinh", "nghe khai thac", "nghe khai thac chinh"),
    "role": ("loai tau", "nhom tau"),
    "home_province": ("tinh", "tinh thanh pho", "tinh tp", "province"),
    "commune": ("xa phuong", "phuong xa", "xa", "phuong", "dia phuong"),
    "licence": ("so giay phep", "giay phep", "giay phep khai thac", "so gpkt", "license"),
    "licence_until": ("han giay phep", "giay phep den", "ngay het han", "ngay het han gpkt", "licence end"),
    "laid_up_at": ("nam bo tu", "ngung hoat dong tu", "laid up since", "laid up"),
    "note": ("ghi chu",),
    "owner": ("chu tau", "ho ten chu tau", "ten chu tau", "owner name"),
    "owner_phone": ("dien thoai chu tau", "sdt chu tau", "dien thoai", "so dien thoai", "phone"),
    "captain": ("thuyen truong", "ho ten thuyen truong", "captain name"),
    "captain_phone": ("dien thoai thuyen truong", "sdt thuyen truong"),
    "relative": ("nguoi than", "nguoi nha"),
    "relative_phone": ("dien thoai nguoi than", "sdt nguoi than"),
    "device": ("ma thiet bi", "thiet bi", "so thiet bi", "thiet bi 1", "device 1"),
    "provider": ("nha cung cap", "don vi cung cap", "nha cung cap 1", "provider 1"),
    "seal": ("so kep chi", "kep chi", "so niem phong"),
    "device_2": ("ma thiet bi 2", "thiet bi 2"),
    "provider_2": ("nha cung cap 2", "don vi cung cap 2"),
    "seal_2": ("so kep chi 2", "kep chi 2"),
}
_OURS = {fold(ours): ours for ours in NAMES} | {other: ours for ours, others in NAMES.items() for other in others}
KEY_NAMES = ("so dang ky", "registration", *NAMES["registration"][1:])  # a row of cells with one of these is the header
COUNTED_NAMES = ("stt", "tt", "no", "")  # a list's own numbering
GEARS = {
    "luoi keo": "trawl", "luoi re": "gillnet", "luoi vay": "seine", "cau": "longline", "cau vang": "longline",
    "cau tay": "handline", "cau muc": "squid", "chup": "squid", "chup muc": "squid",
}  # fmt: skip
ROLES = {
    "khai thac": "catching", "danh bat": "catching", "catching": "catching", "hau can": "logistics",
    "dich vu hau can": "logistics", "hau can nghe ca": "logistics", "logistics": "logistics",
}  # fmt: skip
# Old provinces are those of today, by any spelling.
HOMES = {fold(name): one.now for one in PROVINCES for name in (one.then, one.now)} | {
    "hue": "Huế", "ho chi minh": "Thành phố Hồ Chí Minh", "tp ho chi minh": "Thành phố Hồ Chí Minh",
    "tp hcm": "Thành phố Hồ Chí Minh", "ba ria vung tau": "Thành phố Hồ Chí Minh",
}  # fmt: skip
IN_USE = ("khong", "no", "hoat dong", "dang hoat dong")
_NO_TEXT = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control, direction and other unseen characters


@dataclass(frozen=True)
class Fitting:
    """A device that a row names: the first is the one that counts; provider as the row has it."""

    id: str
    provider: str | None
    seal: str | None
    column: str


@dataclass(frozen=True)
class Draft:
    """What one row says of a boat; of its fields and people only what it says, the rest stays as it is kept.

    columns: under which name the file has each field. faults: Wrong with the file's own name of the column.
    """

    number: int
    registration: str
    said: Mapping[str, Any]
    people: tuple[Contact, ...] = ()
    devices: tuple[Fitting, ...] = ()
    columns: Mapping[str, str] | None = None
    faults: tuple[Wrong, ...] = ()

    def column(self, name: str) -> str:
        """The name that the file has for a field."""
        return (self.columns or {}).get(name, name)


def drafts(sheet: Sheet) -> tuple[list[Draft], list[str]]:
    """What the rows of a sheet say, and the names of the columns that nobody knows."""
    columns: dict[str, str] = {}
    ignored = []
    for head in sheet.head:
        ours = _OURS.get(fold(head))
        if ours is not None and ours not in columns:
            columns[ours] = head
        elif fold(head) not in COUNTED_NAMES:
            ignored.append(head)
    return [_draft(number, cells, columns) for number, cells in sheet.rows], ignored


def _draft(number: int, cells: Mapping[str, Any], columns: Mapping[str, str]) -> Draft:
    faults: list[Wrong] = []
    said: dict[str, Any] = {}
    for name, head in columns.items():
        text = cleaned(cells.get(head))
        if not text:
            continue
        try:
            said[name] = READERS.get(name, _same)(text)
        except Wrong as wrong:
            faults.append(Wrong(head, wrong.vi, wrong.en))
    registration = said.pop("registration", None)
    if registration is None and not any(one.field == columns.get("registration") for one in faults):
        faults.append(
            Wrong(columns.get("registration", "registration"), "Thiếu số đăng ký", "the registration is missing")
        )
    people = tuple(_people(said))
    devices = tuple(_devices(said, columns, faults))
    return Draft(number, registration or "", said, people, devices, columns, tuple(faults))


def _people(said: dict[str, Any]) -> list[Contact]:
    found: list[tuple[Part, str | None, str | None]] = [
        (part, said.pop(part, None), said.pop(f"{part}_phone", None)) for part in PARTS
    ]
    return [Contact(*one) for one in found if one[1] or one[2]]


def _devices(said: dict[str, Any], columns: Mapping[str, str], faults: list[Wrong]) -> list[Fitting]:
    found = []
    for end in ("", "_2"):
        id, provider, seal = (said.pop(f"{name}{end}", None) for name in ("device", "provider", "seal"))
        head = columns.get(f"device{end}", f"device{end}")
        if id is not None:
            found.append(Fitting(id, provider, seal, head))
        elif provider is not None or seal is not None:
            faults.append(Wrong(head, "Có nhà cung cấp mà thiếu mã thiết bị", "a provider is named and no device"))
    if len(found) == 2 and found[0].id == found[1].id:
        faults.append(Wrong(found[1].column, "Hai thiết bị cùng một mã", "both devices have one number"))
    return found


# Cells


def cleaned(value: Any) -> str:
    """A cell as text: composed, without unseen characters that could turn a name round, single spaces."""
    text = unicodedata.normalize("NFC", "" if value is None else str(value))
    seen = "".join(" " if one in "\t\r\n" else one for one in text)
    return " ".join("".join(one for one in seen if unicodedata.category(one) not in _NO_TEXT).split())


def _same(text: str) -> str:
    return text


def _identity(text: str) -> str:
    """A number that is a name, which a spreadsheet may have counted with."""
    if re.fullmatch(r"\d(?:\.\d+)?[eE]\+?\d+", text):
        raise Wrong(
            "", f"{text}: bảng tính đã đổi mã thành số; hãy định dạng ô là văn bản",
            f"{text}: the spreadsheet made a number of it; format the cell as text",
        )  # fmt: skip
    return re.sub(r"^(\d+)\.0$", r"\1", text)


def _registration(text: str) -> str:
    found = parse(text)
    if found is None:
        raise Wrong(
            "", f"{text[:30]} không phải số đăng ký: viết như TTH-91234-TS",
            f"{text[:30]} is no registration: it is written like TTH-91234-TS",
        )  # fmt: skip
    return str(found)


def number(text: str) -> float:
    """A number with a decimal comma or point; where both are, the last one. Raises Wrong."""
    plain = re.sub(r"\s*(m|kw)$", "", text, flags=re.IGNORECASE).replace(" ", "")
    if "," in plain and "." in plain:
        other = "." if plain.rindex(",") > plain.rindex(".") else ","
        plain = plain.replace(other, "")
    try:
        value = float(plain.replace(",", ".")) if plain.isascii() else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not re.fullmatch(r"[\d.,]+", plain):
        raise Wrong(
            "", f"{text[:30]} không phải số: viết như 16,4", f"{text[:30]} is no number: it is written like 16.4"
        )
    return value


def _mmsi(text: str) -> int:
    plain = _identity(text.replace(" ", ""))
    if not re.fullmatch(r"[0-9]{9}", plain):
        raise Wrong("", f"{text[:30]}: MMSI có 9 chữ số", f"{text[:30]}: an MMSI has 9 digits")
    return int(plain)


def day(text: str) -> date:
    """A day as 31/12/2027, 31-12-2027, 31.12.2027 or 2027-12-31. Raises Wrong."""
    plain = text.split(" ")[0].replace(".", "/").replace("-", "/")
    for form in ("%d/%m/%Y", "%Y/%m/%d"):
        try:
            found = datetime.strptime(plain, form).replace(tzinfo=ZONE).date()
        except ValueError:
            continue
        if 1950 <= found.year <= 2100:
            return found
    raise Wrong(
        "", f"{text[:30]} không phải ngày: viết như 31/12/2027", f"{text[:30]} is no day: it is written 31/12/2027"
    )


def _laid_up(text: str) -> datetime | None:
    if fold(text) in IN_USE:
        return None
    return datetime.combine(day(text), datetime.min.time(), ZONE)


def _home(text: str) -> str:
    plain = re.sub(r"^(tinh|thanh pho|tp) ", "", fold(text))
    home = HOMES.get(fold(text)) or HOMES.get(plain)
    if home is None:
        raise Wrong(
            "", f"Không rõ tỉnh {text[:40]}: ghi tên tỉnh ven biển, cũ hoặc mới",
            f"unknown province {text[:40]}: name a coastal one, of before or after the mergers",
        )  # fmt: skip
    return home


def _role(text: str) -> str:
    if fold(text) not in ROLES:
        raise Wrong(
            "", f"{text[:30]}: loại tàu là khai thác hoặc hậu cần", f"{text[:30]}: a boat is catching or logistics"
        )
    return ROLES[fold(text)]


READERS: Mapping[str, Callable[[str], Any]] = {
    "registration": _registration, "mmsi": _mmsi, "length_m": number, "power_kw": number, "licence_until": day,
    "laid_up_at": _laid_up, "home_province": _home, "role": _role, "gear": lambda text: GEARS.get(fold(text), text),
    "licence": _identity, "device": _identity, "device_2": _identity,
    **{f"{part}_phone": phone_of for part in PARTS},
}  # fmt: skip


def merged(known: Contact | None, said: Contact) -> Contact:
    """What a row says of a person over what is kept: a number stays where the row names none."""
    return replace(said, name=said.name or known.name, phone=said.phone or known.phone) if known else said
