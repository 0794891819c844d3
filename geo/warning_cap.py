"""A warning as a CAP alert and a CAP alert as a warning: what of either stands in which column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from geo.calendar import YEARS, ZONE
from geo.cap import Alert, Area, Info, Named, Read, Reference, Severity, disc, references, ring
from geo.outline import circle
from geo.ring import checked
from geo.warning import HAZARDS

Row = dict[str, Any]
LEVEL = "VN:QD18-2021:riskLevel"  # the name under which we tell the level of risk, and know it again
LANGUAGES = {"vi": "vi-VN", "en": "en-US"}
EXERCISE = "DIỄN TẬP, không phải tình huống thật. / EXERCISE, this is no real event."
PLACES = 5  # of a degree: about a metre
IDENTITY_MOST, LIST_MOST, TEXT_MOST = 300, 1_000, 20_000
LEAST_RADIUS_KM, MOST_RADIUS_KM = 0.01, 500.0  # of a circle that is drawn
PARTS_MOST, CROSSINGS_MOST = 300, 250_000
_ORDER = get_args(Severity)  # the worst first, Unknown last


class Unfit(ValueError):
    """An alert that is valid CAP and cannot be kept: `reason` is what it is counted as, the message says why."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


def to_alert(row: Mapping[str, Any], area: Any, earlier: Sequence[Reference], centre: Mapping[str, str]) -> Alert:
    """The alert of an own warning. row: identifier, sender, sent and all it says; area: its multipolygon, lon and lat.

    centre: the name of who issues it, by language. The polygon of a CAP area has the latitude first (3.2.4).
    """
    exercise = row["status"] == "Exercise"
    return Alert(
        identifier=row["identifier"],
        sender=row["sender"],
        sent=row["sent"].astimezone(ZONE),
        status=row["status"],
        msg_type=row["msg_type"],
        scope="Public",
        note=" ".join(filter(None, (EXERCISE if exercise else None, row.get("note")))) or None,
        references=" ".join(map(_named, earlier)) or None,
        info=tuple(_info(row, area, language, centre) for language in LANGUAGES if language in row["words"]),
    )


def _named(one: Reference) -> str:
    return f"{one.sender},{one.identifier},{one.sent.astimezone(ZONE).isoformat(timespec='seconds')}"


def _info(row: Mapping[str, Any], area: Any, language: str, centre: Mapping[str, str]) -> Info:
    vi, en, category = HAZARDS[row["hazard"]]
    words, level = row["words"][language], row["risk_level"]
    onset, expires = row["onset_at"], row["expires_at"]
    return Info(
        language=LANGUAGES[language],
        category=(category,),
        event=vi if language == "vi" else en,
        urgency=row["urgency"],
        severity=row["severity"],
        certainty=row["certainty"],
        effective=row["sent"].astimezone(ZONE),
        onset=onset.astimezone(ZONE) if onset else None,
        expires=expires.astimezone(ZONE),
        sender_name=centre.get(language) or None,
        headline=words["headline"],
        description=words.get("description") or None,
        instruction=words.get("instruction") or None,
        parameter=(Named(value_name=LEVEL, value=str(level)),) if level else (),
        area=(Area(area_desc=row["area_words"], polygon=tuple(map(_polygon, area.geoms))),),
    )


def _polygon(part: Polygon) -> str:
    return " ".join(f"{lat:.{PLACES}f},{lon:.{PLACES}f}" for lon, lat in part.exterior.coords)


def of_read(found: Read, ending: timedelta) -> tuple[Row, tuple[Reference, ...]]:
    """The columns of an alert that came, and what it refers to. ending: after which it ends if it does not say.

    Of several infos the worst counts, the whole area, and the latest end: nobody is told too little. Raises Unfit.
    """
    alert = found.alert
    _fits(alert)
    notes = [str(note)[:500] for note in found.notes[:LIST_MOST]]
    area, more = _area(alert.info)
    notes += more
    named = tuple(dict.fromkeys(references(alert)))
    good = tuple(one for one in named if _short(one.sender) and _short(one.identifier) and _reckoned(one.sent))
    if len(good) < len(named) or len(good) > LIST_MOST:
        notes.append("some of what it refers to is not kept: too long, too many, or of no year that can be")
    worst = min(alert.info, key=lambda one: _ORDER.index(one.severity), default=None)
    level = max((level for one in alert.info if (level := _level(one)) is not None), default=None)
    onsets = [one.onset for one in alert.info if one.onset is not None]
    row = {
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sent": alert.sent,
        "status": alert.status,
        "msg_type": alert.msg_type,
        "hazard": None,
        "risk_level": level,
        "urgency": worst.urgency if worst else "Unknown",
        "severity": worst.severity if worst else "Unknown",
        "certainty": worst.certainty if worst else "Unknown",
        "words": dict(_words(alert.info)),
        "area_words": "; ".join(dict.fromkeys(area.area_desc for one in alert.info for area in one.area))[:TEXT_MOST],
        "geom": area,
        "onset_at": min(onsets, default=None),
        "expires_at": max((one.expires for one in alert.info if one.expires is not None), default=None),
        "ends_at": max((_end(one, alert.sent, ending) for one in alert.info), default=alert.sent),
        "signed": found.signed,
        "notes": notes,
    }
    return row, good[:LIST_MOST]


def _fits(alert: Alert) -> None:
    for name, value in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not value.strip() or not _short(value):
            raise Unfit("cap_identity", f"its {name} is empty or longer than {IDENTITY_MOST} letters")
    moments = [alert.sent, *(at for one in alert.info for at in (one.effective, one.onset, one.expires) if at)]
    if not all(map(_reckoned, moments)):
        raise Unfit("cap_time", f"it has a time outside the years {YEARS[0]} to {YEARS[1]}")


def _short(text: str) -> bool:
    return len(text) <= IDENTITY_MOST


def _reckoned(at: datetime) -> bool:
    return YEARS[0] < at.year < YEARS[1]


def _end(info: Info, sent: datetime, ending: timedelta) -> datetime:
    return (info.expires or max(sent, info.effective or sent, info.onset or sent) + ending).astimezone(UTC)


def _level(info: Info) -> int | None:
    told = next((one.value.strip() for one in info.parameter if one.value_name == LEVEL), "")
    return int(told) if told in ("1", "2", "3", "4", "5") else None


def _words(infos: Iterable[Info]) -> Iterator[tuple[str, Row]]:
    """By language what is said; of several infos in one language the worst says it."""
    told: dict[str, Info] = {}
    for one in sorted(infos, key=lambda info: _ORDER.index(info.severity)):
        plain = one.language.partition("-")[0].lower()
        told.setdefault(plain if plain in LANGUAGES else one.language.lower()[:35], one)
    for language, one in told.items():
        said = {"event": one.event, "headline": one.headline, "description": one.description,
                "instruction": one.instruction, "sender_name": one.sender_name}  # fmt: skip
        yield language, {name: text[:TEXT_MOST] for name, text in said.items() if text}


def _area(infos: Iterable[Info]) -> tuple[Any, list[str]]:
    """All places of an alert as one multipolygon (None: there is none), and in words what of them is not as told."""
    texts = dict.fromkeys(
        (kind, text)
        for one in infos
        for area in one.area
        for kind, texts in (("polygon", area.polygon), ("circle", area.circle))
        for text in texts
    )
    parts: list[Polygon] = []
    unread = 0
    for kind, text in texts:
        made = _drawn(kind, text) if len(parts) < PARTS_MOST else []
        parts.extend(made)
        unread += not made
    notes = [f"{unread} places of it are not drawn: no area, too small, too large, too many"] if unread else []
    if not parts:
        return None, notes
    if _crossings(parts) > CROSSINGS_MOST:
        parts = [shapely.box(*part.bounds) for part in parts]
        notes.append("its places cross each other too often: each is drawn as a box about it")
    return shapely.orient_polygons(MultiPolygon(_polygons(shapely.union_all(parts)))), notes


def _crossings(parts: Sequence[Polygon]) -> int:
    """How often outlines may cross each other at the most: to join those that do it often takes minutes."""
    corners = shapely.get_num_coordinates(np.array(parts, object))
    one, other = shapely.STRtree(parts).query(parts)
    return int(np.sum(corners[one] * corners[other], where=one < other))


def _drawn(kind: str, text: str) -> list[Polygon]:
    try:
        if kind == "polygon":
            found = checked({"type": "Polygon", "coordinates": [ring(text)]}, "area").geom
            return [] if found is None else _polygons(found)
        lon, lat, radius_km = disc(text)
        if not LEAST_RADIUS_KM <= radius_km <= MOST_RADIUS_KM:
            return []
        made = circle(lon, lat, radius_km * 1000)
        return [made] if made.is_valid else []  # one that crosses the 180° meridian is not
    except ValueError:  # which place it is, geo.cap notes
        return []


def _polygons(geom: Any) -> list[Polygon]:
    return [one for one in shapely.get_parts(geom).tolist() if one.geom_type == "Polygon"]
