"""The fence editor's form: what its fields hold as text, and the fence, the rules and the outline they mean."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from geo.calendar import ZONE
from geo.fence import Fence
from geo.fence_file import key_of
from geo.fence_kind import KINDS, Wrong
from geo.outline import circle, corridor
from geo.ring import Checked, checked
from geo.roster import Roster
from geo.watch import Held, Watch, possible, starting
from pages import moment
from pages.place import coordinates, fold
from pages.text import Text
from pages.typed import number_text, read_number, read_steps
from pages.who_form import OTHER, TYPE, who_fields, who_of

FISHING = (30, 31)  # ship_type 30, ITU-R M.1371-5 table 53
MINUTE_S = 60.0
SHAPES_TOLD = 2_000  # corners that are written as text
Fields = Mapping[str, Any]


def blank(kind: str = "area") -> dict[str, Any]:
    """The fields of a new fence."""
    watch = starting(kind)
    new = Fence("", kind, "", "", None, hysteresis_m=50.0)
    return fields(Text("vi"), Held(new), watch)


def fields(t: Text, one: Held, watch: Watch | None = None) -> dict[str, Any]:
    """What the form shows of a fence and its rules: text for boxes, true or false for ticks."""
    fence, watched = one.shown, watch or one.watch
    where = fence.applies_to
    who = {name: text for name, text in who_fields(t, where, [FISHING]).items() if name != "ship_type"}
    return {
        "name_vi": fence.name_vi,
        "name_en": fence.name_en,
        "kind": fence.kind,
        "note": fence.note or "",
        "valid_from": moment.write(fence.valid_from),
        "valid_to": moment.write(fence.valid_to),
        "season": "\n".join(f"{_day(first)} - {_day(last)}" for first, last in fence.season),
        **who,
        "fishing": _is_fishing(where.get(TYPE)),
        "buffer_m": number_text(t, fence.buffer_m),
        "hysteresis_m": number_text(t, fence.hysteresis_m),
        "dwell_min": number_text(t, fence.dwell_s / MINUTE_S),
        "off_delay_min": number_text(t, watched.off_delay_s / MINUTE_S),
        "severity": watched.severity,
        "direction": watched.direction,
        "steps_nm": " ".join(number_text(t, step) for step in watched.steps_nm),
        **{f"watch_{kind}": kind in watched.kinds for kind in ("inside", "outside", "enter", "exit", "crossing")},
        "watch_approach": "approach" in watched.kinds,
        "response_vi": watched.response_vi or "",
        "response_en": watched.response_en or "",
        "owner": fence.owner or "",
        "review_by": fence.review_by.strftime("%d/%m/%Y") if fence.review_by else "",
    }


def fence_of(
    t: Text, given: Fields, known: Held | None, key: str, lists: Sequence[Roster]
) -> tuple[Fence, Watch, dict[str, str]]:
    """The fence without its geometry, its watch, and what is wrong by field."""
    wrong: dict[str, str] = {}

    def read(name: str, ask: Callable[[str], Any], default: Any) -> Any:
        try:
            return ask(str(given.get(name) or "").strip())
        except ValueError as error:
            wrong[name] = str(error)
            return default

    before = known.shown if known else None
    kind = str(given.get("kind") or "area")
    fence = Fence(
        key=key,
        kind=kind,
        name_vi=str(given.get("name_vi") or "").strip(),
        name_en=str(given.get("name_en") or "").strip(),
        geom=None,
        note=str(given.get("note") or "").strip() or None,
        hysteresis_m=read("hysteresis_m", lambda text: read_number(t, text) or 0.0, 0.0),
        valid_from=read("valid_from", lambda text: moment.read(t, text), None),
        valid_to=read("valid_to", lambda text: moment.read(t, text), None),
        buffer_m=read("buffer_m", lambda text: read_number(t, text) or 0.0, 0.0) if kind != "boundary" else 0.0,
        dwell_s=read("dwell_min", lambda text: round((read_number(t, text) or 0.0) * MINUTE_S, 1), 0.0),
        applies_to=_applies_to(t, given, before.applies_to if before else {}, lists, read),
        season=read("season", lambda text: _read_season(t, text), []),
        owner=str(given.get("owner") or "").strip() or None,
        review_by=read("review_by", lambda text: _read_day(t, text), None),
    )
    return fence, _watch(t, given, fence, known, read), wrong


def _watch(t: Text, given: Fields, fence: Fence, known: Held | None, read: Callable[..., Any]) -> Watch:
    kinds = {kind for kind in possible(fence.kind) if kind != "approach" and given.get(f"watch_{kind}")}
    if fence.buffer_m or (fence.kind == "boundary" and given.get("watch_approach")):
        kinds.add("approach")
    return Watch(
        frozenset(kinds & set(possible(fence.kind))),
        str(given.get("severity") or "high"),
        read("off_delay_min", lambda text: round((read_number(t, text) or 0.0) * MINUTE_S, 1), 0.0),
        str(given.get("direction") or "both"),
        read("steps_nm", lambda text: read_steps(t, text), ()),
        str(given.get("response_vi") or "").strip() or None,
        str(given.get("response_en") or "").strip() or None,
        known.watch.layer if known else "vessel",
    )


def _applies_to(
    t: Text, given: Fields, before: Mapping[str, Any], lists: Sequence[Roster], read: Callable[..., Any]
) -> dict[str, Any]:
    old = before.get(TYPE)
    kept = OTHER if old is not None and not _is_fishing(old) else ""
    kind = ":".join(map(str, FISHING)) if given.get("fishing") else kept
    typed = {**given, "ship_type": kind, "prefixes": str(given.get("prefixes") or "").upper()}
    return who_of(t, typed, before, lists, read)


def _is_fishing(condition: Any) -> bool:
    return isinstance(condition, list | tuple) and list(condition) == list(FISHING)


# Text of single fields


def _read_day(t: Text, text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=ZONE).date()
    except ValueError:
        raise ValueError(t("Viết ngày như 31/12/2027")) from None


def _day(text: str) -> str:
    month, day = text.split("-")
    return f"{day}/{month}"


def _read_season(t: Text, text: str) -> list[list[str]]:
    found = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        days = re.findall(r"(\d{1,2})/(\d{1,2})", line)
        try:
            (d1, m1), (d2, m2) = days
            for day, month in days:
                date(2024, int(month), int(day))  # a leap year: 29 February is a day
        except ValueError:
            raise ValueError(t("Dòng {n}: viết như 01/04 - 30/06", n=number)) from None
        found.append([f"{int(m1):02d}-{int(d1):02d}", f"{int(m2):02d}-{int(d2):02d}"])
    return found


# The outline


def outline(t: Text, shape: Mapping[str, Any], kind: str) -> Checked:
    """What is drawn or typed, checked for a kind of fence. Raises Wrong for what is no outline at all."""
    wanted = KINDS[kind].shape if kind in KINDS else None
    rings, tool = list(shape.get("rings") or ()), shape.get("tool")
    try:
        if tool == "circle":
            lat, lon = shape.get("centre") or (None, None)
            radius_m = read_number(t, str(shape.get("radius_m") or ""))
            if lat is None or lon is None or not radius_m:
                raise Wrong("geom", t("Hãy đặt tâm và bán kính"), "set the centre and the radius")
            return checked(circle(float(lon), float(lat), radius_m), wanted)
        lines = [[[lon, lat] for lat, lon in ring["points"]] for ring in rings if len(ring["points"])]
        if not lines:
            raise Wrong("geom", t("Hãy vẽ hình của vùng"), "draw the outline")
        if tool == "corridor":
            middle = checked({"type": "LineString", "coordinates": lines[0]}, "line")
            width_m = read_number(t, str(shape.get("width_m") or ""))
            if middle.geom is None:
                return middle
            if not width_m:
                raise Wrong("geom", t("Hãy đặt bề rộng của hành lang"), "set the corridor's width")
            return checked(corridor(middle.geom, width_m), wanted)
    except (TypeError, KeyError):
        raise Wrong("geom", t("Không đọc được hình vẽ"), "the drawing is no outline") from None
    except ValueError as error:
        if isinstance(error, Wrong):
            raise
        raise Wrong("geom", t("Bán kính hoặc bề rộng không hợp lệ"), str(error)) from None
    return checked(_geometry(rings, lines, wanted), wanted)


def _geometry(rings: Sequence[Mapping[str, Any]], lines: list[Any], wanted: str | None) -> dict[str, Any]:
    if wanted == "line":
        return {"type": "MultiLineString", "coordinates": lines} if len(lines) > 1 else {
            "type": "LineString", "coordinates": lines[0],
        }  # fmt: skip
    parts: list[list[Any]] = []
    for ring, line in zip([one for one in rings if len(one["points"])], lines, strict=True):
        closed = [*line, line[0]]
        if ring.get("hole") and parts:
            parts[-1].append(closed)
        else:
            parts.append([closed])
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def rings_of(geom: Any) -> list[dict[str, Any]]:
    """A geometry as the editor holds it: rings of [lat, lon] without the closing point, holes after their own."""
    found: list[dict[str, Any]] = []
    for part in getattr(geom, "geoms", [geom]):
        if part.geom_type == "Polygon":
            for hole, ring in [(False, part.exterior), *[(True, ring) for ring in part.interiors]]:
                found.append({"hole": hole, "points": [[lat, lon] for lon, lat, *_ in list(ring.coords)[:-1]]})
        else:
            found.append({"hole": False, "points": [[lat, lon] for lon, lat, *_ in part.coords]})
    return found


def rings_in(t: Text, text: str) -> list[dict[str, Any]]:
    """Rings typed as text: a place a line, an empty line between rings, `lỗ` or `hole` before one that is cut out.

    Raises Wrong that names the line which is no place.
    """
    found: list[dict[str, Any]] = [{"hole": False, "points": []}]
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or fold(words) in ("lo", "hole"):
            if found[-1]["points"]:
                found.append({"hole": False, "points": []})
            found[-1]["hole"] = found[-1]["hole"] or bool(words)
            continue
        place = coordinates(words)
        if place is None:
            told = t("Dòng {n} không phải là tọa độ: {text}", n=number, text=words[:40])
            raise Wrong("geom", told, f"line {number} is no place: {words[:40]}")
        found[-1]["points"].append(list(place))
    return [ring for ring in found if ring["points"]]


def new_key(name: str, taken: Sequence[str]) -> str:
    """A key made of a name, with a number behind it when it is taken."""
    plain = key_of(name) or "vung"
    numbers = (plain if n == 1 else f"{plain}_{n}" for n in range(1, len(taken) + 2))
    return next(key for key in numbers if key not in taken)
