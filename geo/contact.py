"""Owners, captains and relatives of boats: personal data (Law 91/2025/QH15), masked unless somebody may read it."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.fishery import boat_contact
from geo.wrong import Wrong

Part = Literal["owner", "captain", "relative"]
PARTS: tuple[Part, ...] = ("owner", "captain", "relative")
SHOWN = 3  # last digits of a masked number: enough to tell two apart
_MOBILE, _FIXED, _FOREIGN = re.compile(r"0[35789]\d{8}"), re.compile(r"02\d{9}"), re.compile(r"\+[1-9]\d{7,14}")

# What people put between digits: spaces, brackets, dots, strokes of any length.
_APART = r"[\s.()/\-\u2010-\u2015\u2212]"
_NEXT = rf"{_APART}{{0,3}}"
_DATE = r"\d\d/(?!\d\d(?:/\d\d){3}(?!\d))|\d\d[.\-]\d\d[.\-](?:19|20)\d\d(?!\d)"
_DECIMAL = r"0\.\d{4}|0\d\.\d+\s+\d+\.\d"  # a share, or a latitude and its longitude
# A citizen's identity number: a 0 and eleven more digits, together or in groups (Law 26/2023/QH15, art. 12). The older
# ones of nine digits are no longer in use (art. 46), and look like an MMSI.
_IDENTITY = r"0\d\d[ .]?\d{3}[ .]?\d{3}[ .]?\d{3}|0\d{3}[ .]?\d{4}[ .]?\d{4}"
# A number as it stands in a text: with the country's code or without, or from abroad.
_WRITTEN = re.compile(
    rf"""(?<!\d)(?<!\d[.,])(?!{_DATE}|{_DECIMAL})
    (?:\((?=\+?\d{{1,5}}\)))?
    (?:(?:\+84|(?:00)?84(?={_NEXT}0?{_NEXT}[235789]))(?:{_NEXT}0)?|0(?={_NEXT}[1-9]))
    (?:{_NEXT}2(?:{_NEXT}\d){{9}}|(?:{_NEXT}\d){{9,10}}?)(?!\d)
    |(?<!\d)\+[1-9](?:{_NEXT}\d){{7,14}}(?!\d)
    |(?<!\d)(?<!\d[.,])(?:{_IDENTITY})(?!\d)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Contact:
    """One person of a boat. phone: as `phone_of` writes it."""

    part: Part
    name: str | None = None
    phone: str | None = None

    @property
    def masked(self) -> "Contact":
        """The same with all of the number but its last digits hidden."""
        return replace(self, phone=mask(self.phone))


def mask(phone: str | None) -> str | None:
    """A number of which only the last digits are left."""
    return None if phone is None else "•" * max(0, len(phone) - SHOWN) + phone[-SHOWN:]


def without_numbers(text: str) -> str:
    """A text with the telephone and identity numbers in it masked; an MMSI, a date or a place is none."""
    return _WRITTEN.sub(lambda found: mask(re.sub(r"[^\d+]", "", found[0])) or "", text)


def phone_of(text: str) -> str:
    """A number as it is dialled in Viet Nam, `0912345678`, or with + abroad, from any spelling. Raises Wrong.

    A spreadsheet that took it for a number has dropped its 0.
    """
    plain = re.sub(_APART, "", text)
    if plain.startswith("+84") or (plain.startswith("84") and len(plain) in (11, 12)):
        plain = "0" + plain.removeprefix("+").removeprefix("84").removeprefix("0")
    elif re.fullmatch(r"[35789]\d{8}|2\d{9}", plain):
        plain = "0" + plain
    if not any(form.fullmatch(plain) for form in (_MOBILE, _FIXED, _FOREIGN)):
        raise Wrong(
            "phone",
            f"{text[:30]} không phải số điện thoại: di động có 10 chữ số, cố định 11 chữ số",
            f"{text[:30]} is no phone number: a mobile one has 10 digits, a fixed one 11",
        )
    return plain


def contacts(connection: sa.Connection, registrations: Collection[str]) -> Mapping[str, Sequence[Contact]]:
    """The people of these boats, unmasked, owner first. Only access/ asks for them, and masks what leaves it."""
    found: dict[str, list[Contact]] = defaultdict(list)
    query = sa.select(boat_contact).where(boat_contact.c.registration.in_(registrations))
    for row in connection.execute(query).mappings():
        found[row["registration"]].append(Contact(row["part"], row["name"], row["phone"]))
    return {name: sorted(people, key=lambda one: PARTS.index(one.part)) for name, people in found.items()}


def put_contacts(connection: sa.Connection, people: Mapping[str, Sequence[Contact]]) -> None:
    """Write people of boats, by registration: they replace those of the same part; an empty one is removed."""
    column = boat_contact.c
    rows = [{"registration": boat, **vars(one)} for boat, found in people.items() for one in found]
    gone = [(row["registration"], row["part"]) for row in rows if row["name"] is None and row["phone"] is None]
    kept = [row for row in rows if (row["registration"], row["part"]) not in gone]
    if gone:
        connection.execute(sa.delete(boat_contact).where(sa.tuple_(column.registration, column.part).in_(gone)))
    if kept:
        statement = insert(boat_contact)
        said = {"name": statement.excluded.name, "phone": statement.excluded.phone}
        connection.execute(statement.on_conflict_do_update(index_elements=["registration", "part"], set_=said), kept)
