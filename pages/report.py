"""What the card says about a field report: what it is about, who has it, and how much of its time is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from dash import html
from sqlalchemy import Connection

from access.site import Site
from geo import table
from geo.report import CHANNELS, RUNNING, STATUSES, TRACKS, report_category
from geo.report_list import first_photos
from pages.text import Text


def facts(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs in reading order; a pair without a value is left out by the card."""
    return [
        (t("Tình trạng"), _named(t, STATUSES, row.get("status"))),
        (t("Thời hạn"), _term(t, row, datetime.now(UTC))),
        (t("Luồng xử lý"), _named(t, TRACKS, row.get("track"))),
        (t("Nội dung"), html.Span(row.get("words") or "", className="report-text")),
        (t("Địa chỉ"), row.get("address")),
        (t("Tiếp nhận"), f"{t.when(row.get('opened_at'))} · {_named(t, CHANNELS, row.get('channel'))}"),
        (t("Đánh giá"), "" if row.get("rating") is None else f"{row['rating']}/5"),
    ]


def _named(t: Text, closed: Mapping[str, tuple[str, str]], key: Any) -> str:
    return t.pick(*closed[key]) if key in closed else str(key or "")


def _term(t: Text, row: Mapping[str, Any], now: datetime) -> Any:
    """When it is due and how much time is left; that it is late is said and marked, not only coloured."""
    due_at, warn_at = row.get("due_at"), row.get("warn_at")
    if due_at is None:
        return ""
    at = ends(t, due_at)
    if row.get("status") not in RUNNING:
        late = row.get("replied_at") is not None and row["replied_at"] > due_at
        return f"{at} · {t('trả lời trễ hạn') if late else t('trả lời đúng hạn')}" if row.get("replied_at") else at
    left = (due_at - now).total_seconds()
    if left <= 0:
        words = f"‼ {t('QUÁ HẠN {span}', span=t.age(-left))}"
        return [f"{at} ", html.Span(words, className="report-due over")]
    if warn_at is not None and now >= warn_at:
        words = f"! {t('sắp hết hạn, còn {span}', span=t.age(left))}"
        return [f"{at} ", html.Span(words, className="report-due soon")]
    return f"{at} · {t('còn {span}', span=t.age(left))}"


def ends(t: Text, due_at: datetime) -> str:
    """When a term ends; one that ends at midnight ends with the day before, at 24:00."""
    at = t.when(due_at)
    return f"24:00 {t.when(due_at - timedelta(minutes=1))[6:]}" if at.startswith("00:00") else at


@dataclass(frozen=True)
class More:
    """What the card says besides the row: names in both languages, and the citizen's first photograph."""

    category: tuple[str, str] | None
    unit: tuple[str, str] | None
    photo: str | None


def read_more(connection: Connection, site: Site, layer: Any, row: Mapping[str, Any], now: datetime) -> More:
    """Read with the card."""
    category, unit, key = report_category.c, table.unit.c, str(row["key"])
    kinds = sa.select(category.name_vi, category.name_en).where(category.key == row.get("category"))
    units = sa.select(unit.name_vi, unit.name_en).where(unit.key == row.get("unit"))
    names = [connection.execute(query).one_or_none() for query in (kinds, units)]
    kind, own = (None if name is None else (str(name[0]), str(name[1])) for name in names)
    return More(kind, own, first_photos(connection, [key]).get(key))


def more(t: Text, row: Mapping[str, Any], found: More) -> list[Any]:
    """Its field, its unit, its photograph, and the way to where it is worked on."""
    names = " · ".join(t.pick(*name) for name in (found.category, found.unit) if name)
    parts: list[Any] = [html.P(names, className="muted report-of")] if names else []
    if found.photo:
        image = html.Img(src=f"/api/v1/report-photos/{found.photo}", alt=t("Ảnh người dân gửi"))
        parts.append(html.Div(html.Div(html.Figure(image)), className="report-photos"))
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    href = f"/services/report?state=all&report={quote(str(row['key']), safe='')}{lang}"
    parts.append(html.A(t("Xử lý phản ánh này"), href=href, className="press"))
    return parts
