"""Which reports may be of one and the same thing: by place, time and words, each suggestion with its score and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo.figure import Figures
from geo.fold import fold
from geo.report import STAGES, report

CANDIDATES_MOST, TOLD_MOST = 200, 5
# What each ground weighs; a place alone suggests nothing, and neither do words alone.
WEIGHTS: Mapping[str, float] = {"place": 0.4, "words": 0.3, "time": 0.15, "category": 0.15}
LETTERS = 3  # of the pieces by which two texts are compared


@dataclass(frozen=True)
class Likeness:
    """How alike two reports are, 0 to 1, and each ground by itself with what it was reckoned of."""

    distance_m: float
    apart: timedelta
    place: float
    time: float
    words: float
    category: float

    @property
    def score(self) -> float:
        """All grounds by their weights."""
        return sum(weight * float(getattr(self, name)) for name, weight in WEIGHTS.items())


@dataclass(frozen=True)
class Suggestion:
    """Another report that may be of the same thing."""

    id: str
    title: str
    status: str
    version: int
    opened_at: datetime
    likeness: Likeness


def alike(one: str, other: str) -> float:
    """How much of two texts is the same, 0 to 1: the share of their pieces of three letters, without accents."""
    pieces = [
        {text[n : n + LETTERS] for n in range(max(0, len(text) - LETTERS + 1))} for text in (fold(one), fold(other))
    ]
    whole = pieces[0] | pieces[1]
    return len(pieces[0] & pieces[1]) / len(whole) if whole else 0.0


def likeness(
    one: Mapping[str, Any], other: Mapping[str, Any], distance_m: float, within_m: float, within: timedelta
) -> Likeness:
    """Of two reports (words, opened_at, category) so far from each other."""
    apart = abs(one["opened_at"] - other["opened_at"])
    return Likeness(
        distance_m,
        apart,
        max(0.0, 1 - distance_m / within_m),
        max(0.0, 1 - apart / within),
        alike(one["words"], other["words"]),
        float(one["category"] == other["category"]),
    )


def suggestions(connection: sa.Connection, key: str, figures: Figures, now: datetime) -> list[Suggestion]:
    """Reports that this one may be the same as, the likest first; none for one without a place."""
    within_m = figures.at("report_near_distance", now).value
    within, least = figures.at("report_near_span", now).span, figures.at("report_near_score", now).value / 100
    own, other = report.alias("own"), report.alias("other")
    distance = sa.func.ST_DistanceSphere(own.c.geom, other.c.geom).label("distance_m")
    names = ("id", "title", "status", "version", "opened_at", "words", "category")
    # A degree is never less than 100 km in our latitudes: the box is wider than the circle, and an index finds it.
    box = sa.func.ST_Expand(own.c.geom, within_m / 100_000)
    query = (
        sa.select(*(other.c[name] for name in names), distance, own.c.words.label("own_words"),
                  own.c.opened_at.label("own_at"), own.c.category.label("own_category"))
        .join(other, sa.and_(other.c.geom.op("&&")(box), other.c.id != own.c.id))
        .where(own.c.id == key, other.c.stage < STAGES["rejected"], distance <= within_m)
        .where(other.c.opened_at.between(own.c.opened_at - within, own.c.opened_at + within))
        .order_by(distance, other.c.id).limit(CANDIDATES_MOST)
    )  # fmt: skip
    found = []
    for row in connection.execute(query).mappings():
        one = {"words": row["own_words"], "opened_at": row["own_at"], "category": row["own_category"]}
        how = likeness(one, dict(row), row["distance_m"], within_m, within)
        if how.score >= least:
            found.append(Suggestion(**{name: row[name] for name in names[:5]}, likeness=how))
    return sorted(found, key=lambda each: (-each.likeness.score, each.id))[:TOLD_MOST]
