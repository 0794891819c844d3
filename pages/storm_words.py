"""A storm and its call list in words, as the screen draws them; read once for all screens that ask at a time."""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from access import storm as storms
from access.site import Site
from geo.storm import ANSWERED, OUTCOMES, WHO, NoStorm
from geo.storm_boats import CALLED, GROUPS
from pages.fisheries_board import place
from pages.read import read
from pages.text import Text

HELD_S = 2.0  # so long one reading serves all who ask; whoever has just written something has it read anew
STORM_LEVEL = 8  # from this wind on it is a storm, below it a depression


class Boards:
    """Reads a storm's call list for whoever asks; screens that ask within two seconds share a reading."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._held: dict[int, tuple[float, dict[str, Any]]] = {}
        self._busy = asyncio.Lock()

    async def words(self, t: Text, storm_id: int | None, anew: bool) -> dict[str, Any]:
        """The list of storms, and of the one asked for (none: the newest open one, else the newest) its call list.

        `print` changes when anything that is shown does. Raises DatabaseAway.
        """
        now = datetime.now(UTC)
        known = await read(self._site, storms.listed, now)
        chosen = next((one["id"] for one in known if storm_id in (None, one["id"])), None)
        board = None
        if chosen is not None:
            async with self._busy:
                last = self._held.get(chosen)
                if anew or last is None or time.monotonic() - last[0] > HELD_S:
                    try:
                        last = (time.monotonic(), await read(self._site, storms.board, self._site, chosen, now))
                    except NoStorm:  # none is ever removed
                        return picture(t, known, None)
                    self._held = {chosen: last, **{key: one for key, one in self._held.items() if key != chosen}}
            board = last[1]
        return await asyncio.to_thread(picture, t, known, board)


def title(t: Text, storm: Mapping[str, Any]) -> str:
    """`Bão số 12 (Fengshen)`, `Áp thấp nhiệt đới`, as bulletins say it."""
    wind = (storm["here"] or {}).get("wind")
    weak = storm["number"] is None and (wind is None or wind < STORM_LEVEL)
    if storm["number"] is not None:
        name = t("Bão số {n}", n=storm["number"])
    else:
        name = t("Áp thấp nhiệt đới") if weak else t("Bão")
    return f"{name} ({storm['name']})" if storm["name"] else name


def strength(t: Text, wind: int | None, gust: int | None) -> str:
    """`cấp 12, giật cấp 15`."""
    if wind is None:
        return ""
    return t("cấp {n}, giật cấp {gust}", n=wind, gust=gust) if gust else t("cấp {n}", n=wind)


def picture(t: Text, known: list[dict[str, Any]], board: Mapping[str, Any] | None) -> dict[str, Any]:
    """What storm.js draws; moments are milliseconds since 1970."""
    told: dict[str, Any] = {
        "storms": [[one["id"], _choice(t, one)] for one in known],
        "storm": None,
        "rows": [],
        "progress": None,
        "groups": [],
        "called": list(CALLED),
        "answered": list(ANSWERED),
        "outcomes": [[key, t.pick(vi, en)] for key, (vi, en) in OUTCOMES.items()],
        "who": [[key, t.pick(vi, en)] for key, (vi, en) in WHO.items()],
    }
    if board is not None:
        told["storm"] = _storm(t, board)
        names = (*GROUPS, storms.GONE, storms.UNPLACED, storms.UNKNOWN, storms.CLOSED)
        told["groups"] = [[name, group_words(t, name, board["horizon"])] for name in names]
        told["progress"] = board["progress"] and {
            name: _ms(value) if isinstance(value, datetime) else value for name, value in board["progress"].items()
        }
        told["rows"] = [_row(t, one) for one in board["boats"]]
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return {**told, "print": hashlib.sha256(text.encode()).hexdigest()[:16]}


def group_words(t: Text, name: str, horizon_h: float) -> str:
    """What a group of boats is called; horizon_h: how far the list looks ahead."""
    span = t("{n} giờ", n=t.number(horizon_h, 0 if horizon_h % 1 == 0 else 1))
    if horizon_h < 1:
        span = t("{n} phút", n=t.number(horizon_h * 60))
    return {
        "inside": t("Đang ở trong vùng nguy hiểm"),
        "coming": t("Sẽ vào vùng nguy hiểm trong {span}", span=span),
        "old": t("Vị trí cũ, có thể ở gần vùng nguy hiểm"),
        "staying": t("Chỉ vào vùng nguy hiểm nếu dừng lại"),
        "port": t("Đang ở cảng, bão sẽ tới"),
        storms.GONE: t("Đã gọi, nay không còn trong vùng nguy hiểm"),
        storms.UNPLACED: t("Đã gọi; không có vị trí nào, chưa biết còn nguy hiểm không"),
        storms.UNKNOWN: t("Đã gọi; bản tin đã hết hạn, chưa biết còn nguy hiểm không"),
        storms.CLOSED: t("Đã gọi; cơn bão đã đóng"),
    }[name]


def _choice(t: Text, one: Mapping[str, Any]) -> str:
    more = [str(one["season"])]
    if one["simulated"]:
        more.append(t("mô phỏng"))
    if one["closed_at"]:
        more.append(t("đã đóng"))
    return f"{title(t, one)} · {' · '.join(more)}"


def _storm(t: Text, board: Mapping[str, Any]) -> dict[str, Any]:
    storm, here = board["storm"], board["storm"]["here"]
    radii, again = "", storm["reopened"]
    if here:
        sizes = [
            t("cấp {n} trở lên: {km} km", n=level, km=t.number(km)) for level, km in here["radii_km"].items() if km > 0
        ]
        radii = "; ".join(sizes)
    return {
        "id": storm["id"],
        "title": title(t, storm),
        "wind": strength(t, here["wind"], here["gust"]) if here else "",
        "place": place(t, here["lat"], here["lon"]) if here else "",
        "lat": here and round(here["lat"], 3),
        "lon": here and round(here["lon"], 3),
        "radii": radii,
        "source": storm["source"],
        "issued": _ms(storm["issued_at"]),
        "version": storm["version"],
        "due": _ms(storm["next_due_at"]),
        "until": _ms(storm["until_at"]),
        "fresh": storm["fresh"],
        "simulated": storm["simulated"],
        "closed": storm["closed_at"] and _ms(storm["closed_at"]),
        "closed_by": storm["closed_by"],
        "closed_note": storm["closed_note"],
        "reopened": again and [_ms(again["at"]), again["actor"], again["note"]],
        "placed": board["placed"],
        "unplaced": board["unplaced"],
    }


def _row(t: Text, one: Mapping[str, Any]) -> dict[str, Any]:
    parts = {key: t.pick(vi, en) for key, (vi, en) in WHO.items()}
    made = {
        "reg": one["registration"], "name": one["shipname"], "len": t.number(one["length_m"], 1), "com": one["commune"],
        "prov": one["home_province"], "group": one["group"], "now": one["level_now"], "worst": one["level_worst"],
        "enters": _minute(one["enters_at"]), "dist": _rounded(one["distance_km"]),
        "near": _rounded(one["nearest_km"]), "edge": _rounded(one["edge_km"]),
        "fix": one["observed_at"] and _ms(one["observed_at"]), "by": _by(t, one), "port": one["port"],
        "move": _move(t, one), "at": place(t, one["lat"], one["lon"]), "lat": _rounded(one["lat"], 4),
        "lon": _rounded(one["lon"], 4), "layer": one["layer"],
        "people": [[parts[who["part"]], who["name"] or "", who["phone"] or "", who["part"]] for who in one["people"]],
        "calls": one["calls"], "ans": one["answered_at"] and _ms(one["answered_at"]), "seen": one["seen"],
        "answer": one["answer"],
        "sim": one["simulated"], "last": one["last"] and _call(t, one["last"]),
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not None and value is not False and value != ""}


def _rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)


def _call(t: Text, line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": line["id"], "at": _ms(line["at"]), "outcome": line["outcome"], "by": line["actor"], "note": line["note"],
        "words": t.pick(*OUTCOMES[line["outcome"]]), "who": t.pick(*WHO[line["who"]]),
    }  # fmt: skip


def _by(t: Text, one: Mapping[str, Any]) -> str:
    if one["layer"] is None:
        return ""
    return t("do người báo") if one["by_hand"] else "AIS" if one["layer"] == "vessel" else "VMS"


def _move(t: Text, one: Mapping[str, Any]) -> str:
    if one["speed_kn"] is None:
        return ""
    speed = t("{n} hải lý/giờ", n=t.number(one["speed_kn"], 1))
    return speed if one["course_deg"] is None else f"{speed}, {t.number(one['course_deg'])}°"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _minute(moment: datetime | None) -> int | None:
    """Whole minutes: an estimate, which else would be another one at each reading."""
    return None if moment is None else round(moment.timestamp() / 60) * 60_000
