"""The board's rows in words, read once for every screen that asks while nothing has changed."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any

from access.site import Site
from geo import case_board
from geo.case_board import COLUMNS, Board, column_of
from geo.degrees import dm
from pages.read import read
from pages.text import Text


@dataclass(frozen=True)
class Shown:
    """A board and what each language's screen is sent of it, made once for all screens."""

    board: Board
    _words: dict[str, dict[str, Any]] = field(default_factory=dict)
    _busy: Lock = field(default_factory=Lock)

    def words(self, t: Text) -> dict[str, Any]:
        """Rows, late boats, outages and columns; `print` changes when anything of it does."""
        with self._busy:
            if t.lang not in self._words:
                told = picture(t, self.board)
                text = json.dumps(told, ensure_ascii=False)
                self._words[t.lang] = {**told, "print": hashlib.sha256(text.encode()).hexdigest()[:16]}
        return self._words[t.lang]


class Boards:
    """Reads the board for whoever asks; all who ask while one reading runs share the next."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._last: Shown | None = None
        self._running: asyncio.Task[Shown] | None = None
        self._next: asyncio.Task[Shown] | None = None

    async def words(self, t: Text) -> dict[str, Any]:
        """The board as it is now, in words. Raises DatabaseAway."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        shown = await asyncio.shield(self._next)
        return await asyncio.to_thread(shown.words, t)  # of thousands of cases it takes a while

    async def _after(self, before: asyncio.Task[Shown] | None) -> Shown:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        held = self._last.board if self._last else None
        made = await read(self._site, case_board.board, datetime.now(UTC), held)
        if self._last is None or made is not held:
            self._last = Shown(made)
        return self._last


def column_title(t: Text, name: str) -> str:
    """What a column is called."""
    return {
        "LATE": t("Trễ tín hiệu"),
        "LOST": t("Mất tín hiệu"),
        "MANUAL_REPORTING": t("Đang báo tay"),
        "OVERDUE_REPORT": t("Quá hạn báo"),
        "OVERDUE_10D": t("Quá hạn về bờ"),
        "ASTRAY": t("Sai vùng, vượt ranh"),
        "ENDED": t("Chờ kết luận"),
    }[name]


def stage_words(t: Text, stage: str) -> str:
    """A case's stage."""
    words = {
        "RESTORED": t("Đã có tín hiệu lại"),
        "AT_PORT": t("Đã vào cảng"),
        "RETURNED": t("Đã quay về"),
        "NOT_REQUIRED": t("Không còn phải theo dõi"),
        "ASTRAY": t("Đang ở sai vùng"),
        "OPEN": t("Đang vượt ranh giới"),
    }
    return words.get(stage) or (column_title(t, stage) if stage in COLUMNS else stage)


def kind_words(t: Text, kind: str) -> str:
    """What a case is about."""
    return {"loss": t("Mất tín hiệu"), "crossing": t("Vượt ranh giới"), "zone": t("Sai vùng")}.get(kind, kind)


def level_words(t: Text, level: str) -> str:
    """Who looks after boats of that length."""
    return t("quốc gia") if level == "national" else t("tỉnh")


def place(t: Text, lat: float | None, lon: float | None) -> str:
    """A position in degrees and minutes; empty for none."""
    return "" if lat is None or lon is None else dm(lat, lon, "," if t.lang == "vi" else ".")


def picture(t: Text, board: Board) -> dict[str, Any]:
    """The board as fisheries.js draws it; moments are milliseconds since 1970, so that its clocks run."""
    national = board.figures.at("national_least_length", board.at).value
    lost = _ms(board.figures.at("lost_after", board.at).span.total_seconds())
    days = board.figures.at("return_within", board.at)
    metres, stage = cache(lambda value: t.number(value, 1)), cache(lambda name: stage_words(t, name))
    levels = {name: level_words(t, name) for name in ("national", "provincial")}
    return {
        "columns": [[name, column_title(t, name)] for name in COLUMNS],
        "rows": [_row(t, one, metres, stage, levels) for one in board.cases],
        "late": [_late(one, lost, national, metres, levels) for one in board.late],
        "outages": [_outage(t, one) for one in board.outages],
        "beyond": board.beyond,
        "levels": [
            ["national", t("Từ {n} m (quốc gia)", n=t.number(national, 1))],
            ["provincial", t("Dưới {n} m (tỉnh)", n=t.number(national, 1))],
        ],
        "kinds": [[name, kind_words(t, name)] for name in ("loss", "zone", "crossing")],
        "buckets": [
            ["6h-10d", t("Chưa quá {n} ngày", n=t.number(days.span.days))],
            ["10d", t("Quá {n} ngày", n=t.number(days.span.days))],
        ],
    }


Words = Callable[[Any], str]


def _row(t: Text, one: Mapping[str, Any], metres: Words, stage: Words, levels: Mapping[str, str]) -> dict[str, Any]:
    unit = t.pick(one["unit_vi"], one["unit_en"])
    made = {
        "id": one["id"], "v": one["version"], "kind": one["kind"], "col": column_of(one), "reg": one["registration"],
        "name": one["shipname"], "len": metres(one["length_m"]), "level": one["owner_level"],
        "levelw": levels[one["owner_level"]], "prov": one["home_province"], "com": one["commune"],
        "pv": one["provider"], "pvn": one["provider_name"] or one["provider"], "since": _at(one["since"]),
        "at": place(t, one["fix_lat"], one["fix_lon"]), "told": _at(one["reported_at"]),
        "report": _at(one["next_report_due_at"]), "home": _at(one["return_due_at"]),
        "esc": None if one["ended_at"] else _at(one["escalate_due_at"]), "escd": _at(one["escalated_at"]),
        "ended": _at(one["ended_at"]), "stage": stage(one["stage"]), "calls": one["contacts"],
        "who": " · ".join(filter(None, (unit, one["person"]))), "out": one["outage_id"], "sim": one["simulated"],
    }  # fmt: skip
    return {name: value for name, value in made.items() if value not in (None, "", False)}


def _late(
    one: Mapping[str, Any], lost_ms: int, national_m: float, metres: Words, levels: Mapping[str, str]
) -> dict[str, Any]:
    level = "national" if one["length_m"] >= national_m else "provincial"
    made = {
        "col": "LATE", "reg": one["registration"], "name": one["shipname"], "prov": one["home_province"],
        "len": metres(one["length_m"]), "level": level, "levelw": levels[level], "com": one["commune"],
        "pv": one["provider"],
        "pvn": one["provider_name"] or one["provider"], "since": _at(one["auto_at"]),
        "lost": (_at(one["auto_at"]) or 0) + lost_ms, "out": one["outage_id"], "sim": one["simulated"],
    }  # fmt: skip
    return {name: value for name, value in made.items() if value not in (None, "", False)}


def _outage(t: Text, one: Mapping[str, Any]) -> dict[str, Any]:
    evidence = one["evidence"] or {}
    return {
        "id": one["id"],
        "name": one["object_label"] or one["object_key"],
        "since": _at(one["observed_at"] or one["raised_at"]),
        "boats": evidence.get("boats"),
        "fleet": evidence.get("fleet"),
    }


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else _ms(moment.timestamp())


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
