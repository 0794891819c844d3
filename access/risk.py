"""Who to look at first, as screens and routes are given it: each boat with its reasons in words."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from access.site import Site
from geo.calendar import ZONE
from geo.figure import figures
from geo.risk import Reason, Risk, risks, wording


def first(site: Site, now: datetime, limit: int) -> list[dict[str, Any]]:
    """The boats that anything speaks for, the highest score first, as `listed` has them."""
    with site.engine.connect() as connection:
        return listed(connection, now, limit)


def listed(connection: sa.Connection, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Rows of registration, shipname, length_m, home_province, commune, simulated, score and reasons.

    A reason has key, points, facts and its sentence (`vi`, `en`).
    """
    return [_row(one) for one in risks(connection, figures(connection), now, limit)]


def _row(one: Risk) -> dict[str, Any]:
    plain = ("registration", "shipname", "length_m", "home_province", "commune", "simulated", "score")
    return {**{name: getattr(one, name) for name in plain}, "reasons": [_told(reason) for reason in one.reasons]}


def _told(reason: Reason) -> dict[str, Any]:
    shown = {name: _shown(name, value) for name, value in reason.facts.items()}
    vi, en = (words.format(**shown) for words in wording(reason))
    return {"key": reason.key, "points": reason.points, "facts": dict(reason.facts), "vi": vi, "en": en}


def _shown(name: str, value: Any) -> Any:
    if name in ("since", "until"):
        at = datetime.fromisoformat(value)
        return f"{at:%d/%m/%Y}" if name == "until" else f"{at.astimezone(ZONE):%H:%M %d/%m/%Y}"
    return value
