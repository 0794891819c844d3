"""How much the rules ask of the desk: the share of each severity and the alarms a day, beside EEMUA 191's figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from geo.rule import SEVERITIES
from geo.rulebook import RECENT, Entry
from pages import mark
from pages.text import Text

A_DAY_MOST = 150  # EEMUA 191, IEC 62682: of a whole desk; about ten times that cannot be answered
WANTED = (("low", ("low",), 80), ("medium", ("medium",), 15), ("high", ("critical", "high"), 5))  # per cent
BUSIEST = 5


@dataclass(frozen=True)
class Load:
    """Alarms of the rules in the last 30 days: of all, of each severity, and a day."""

    total: int
    by_severity: dict[str, int]

    @property
    def a_day(self) -> float:
        """Alarms a day of all rules together."""
        return self.total / RECENT.days

    def share(self, names: Sequence[str]) -> float | None:
        """How many per cent of all alarms these severities are; None without any alarm."""
        return 100 * sum(self.by_severity[name] for name in names) / self.total if self.total else None


def load_of(entries: Sequence[Entry]) -> Load:
    """The load of all rules, each by the severity that it has now."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for entry in entries:
        counts[entry.rule.severity] += entry.raised
    return Load(sum(counts.values()), counts)


def rate(t: Text, raised: int) -> str:
    """Alarms a day of the last 30, as people say it; fewer than one a day are told as they are."""
    if raised < RECENT.days:
        return t("{n} trong 30 ngày", n=t.number(raised))
    return t("{n}/ngày", n=t.number(raised / RECENT.days, 1 if raised < 10 * RECENT.days else 0))


def told(t: Text, entry: Entry, load: Load) -> str:
    """What one rule adds to the load of the desk."""
    own = t(
        "Quy tắc này báo {n} lần trong 30 ngày qua ({rate}/ngày; {share} % của mọi quy tắc).",
        n=t.number(entry.raised),
        rate=t.number(entry.raised / RECENT.days, 1),
        share=t.number(100 * entry.raised / max(1, load.total), 1),
    )
    every = t("Mọi quy tắc: {n}/ngày, nên không quá {most} (EEMUA 191).", n=t.number(load.a_day, 1), most=A_DAY_MOST)
    return f"{own} {every}"


def overview(t: Text, entries: Sequence[Entry]) -> html.Section:
    """The shares beside 80/15/5, the alarms a day beside 150, and the rules that raise the most."""
    load = load_of(entries)
    rows = []
    for name, names, goal in WANTED:
        share = load.share(names)
        words = t("Khẩn cấp và cao") if name == "high" else mark.severity_word(t, name)
        marks = [mark.severity(t, each) for each in names]
        rows.append(
            html.Tr(
                [
                    html.Th([html.Span(marks, className="marks"), words], scope="row"),
                    html.Td(t.number(sum(load.by_severity[each] for each in names)), className="number"),
                    html.Td(f"{t.number(share, 1)} %" if share is not None else "–", className="number"),
                    html.Td(t("nên {n} %", n=goal), className="muted number"),
                ]
            )
        )
    rows.append(
        html.Tr(
            [
                html.Th(t("Tất cả, mỗi ngày"), scope="row"),
                html.Td(""),
                html.Td(t.number(load.a_day, 1), className="number"),
                html.Td(t("không quá {n}", n=A_DAY_MOST), className="muted number"),
            ]
        )
    )
    note = t("Theo EEMUA 191: mức cao dành cho số ít, để khi có thì ai cũng tin. Số liệu của 30 ngày qua, mọi quy tắc.")
    return html.Section(
        [
            html.H2(t("Tải báo động")),
            html.Table(html.Tbody(rows), className="load-table"),
            html.P(note, className="note"),
            *_busiest(t, entries, load),
        ],
        className="side-part",
    )


def _busiest(t: Text, entries: Sequence[Entry], load: Load) -> list[Any]:
    busy = sorted((one for one in entries if one.raised), key=lambda one: -one.raised)[:BUSIEST]
    if not busy:
        return []
    rows = [
        html.Li(
            [
                html.Button(title(t, one), className="link", **{"data-rule-open": one.rule.key}),
                html.Span(rate(t, one.raised), className="muted"),
            ]
        )
        for one in busy
    ]
    return [html.H3(t("Báo nhiều nhất")), html.Ol(rows, className="busiest")]


def title(t: Text, entry: Entry) -> str:
    """A rule's name, without what its author explained behind a colon: the sentence below says it."""
    name = t.pick(entry.rule.name_vi, entry.rule.name_en)
    head = name.partition(":")[0]
    return head if " " in head else name
