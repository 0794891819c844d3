"""Levels of disaster risk, 1 to 5, with their legal names and colours, as dated rows (Decision 18/2021/QĐ-TTg)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from geo.calendar import ZONE
from geo.figure import CERTAINTY

LEVELS = Path(__file__).with_name("risk_level.csv")
LEAST, MOST = 1, 5


@dataclass(frozen=True)
class RiskLevel:
    """One level as it holds on [effective_from, effective_to). hex: of its colour, ink: of what is written on it.

    The law names the colour in words; the shade is the centre's own choice.
    """

    level: int
    name_vi: str
    name_en: str
    colour_vi: str
    colour_en: str
    hex: str
    ink: str
    legal_ref: str
    effective_from: date
    effective_to: date | None
    certainty: str

    def __post_init__(self) -> None:
        if not LEAST <= self.level <= MOST or self.certainty not in CERTAINTY:
            raise ValueError(f"risk level {self.level}, certainty {self.certainty!r}: there are 1 to 5, C S CFG D")


def seeds() -> tuple[RiskLevel, ...]:
    """All rows of all times (risk_level.csv; sources in the column legal_ref)."""
    with LEVELS.open(encoding="utf-8", newline="") as file:
        return tuple(map(_level, csv.DictReader(file)))


def _level(row: Mapping[str, str]) -> RiskLevel:
    begin, end = row["effective_from"], row["effective_to"]
    dated = {"effective_from": date.fromisoformat(begin), "effective_to": date.fromisoformat(end) if end else None}
    return RiskLevel(**{**row, **dated, "level": int(row["level"])})  # type: ignore[arg-type]  # a row's names are the fields'


def levels(moment: datetime) -> Mapping[int, RiskLevel]:
    """The levels that are in force at a moment, on the centre's day."""
    day = moment.astimezone(ZONE).date()
    rows = sorted(seeds(), key=lambda one: one.effective_from)
    held = [one for one in rows if one.effective_from <= day and (one.effective_to is None or day < one.effective_to)]
    return {one.level: one for one in held}
