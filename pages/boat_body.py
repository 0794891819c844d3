"""What a boat's own page says of it: its state, its register entry and duties, trips, cases, alarms and its history."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from dash import html

from access.boat import Record
from access.evidence import SETTLED_AFTER, SPAN_MOST
from geo.boat_case import CAUSES, OUTCOMES
from geo.boat_event import AIS
from geo.calendar import ZONE
from geo.canonical import moment
from geo.contact import without_numbers
from geo.device import Device
from pages import boat_inspection, mark, place
from pages import boat_words as say
from pages.boat_timeline import event_words, port_name
from pages.fisheries_board import kind_words, level_words, stage_words
from pages.line import rule_title, state_words
from pages.text import Text
from pages.vessel import knots, zone

EVENTS_MOST, TRIPS_MOST, ALARMS_MOST, CASES_MOST, VERSIONS_MOST, INSPECTIONS_MOST = 15, 12, 12, 20, 20, 20
BEFORE_CASE = timedelta(hours=24)  # of a case's pack, so that it is seen how it came to it


def unknown(t: Text, key: str) -> html.Div:
    """That the register has no such boat, what was asked for, and where to look."""
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    return html.Div(
        [
            html.H3(t("Không có tàu này trong sổ đăng ký")),
            html.P([html.Code(key), " ", t("không phải số đăng ký hay MMSI của tàu nào trong sổ.")]),
            html.P(t("Số đăng ký viết cách nào cũng được: tth 91234, TTH.91234, TTH-91234-TS. BĐ và BD là hai tỉnh.")),
            html.A(t("Tìm trên bản đồ"), href=f"/{lang}", className="press"),
        ],
        className="boat-unknown",
    )


def head(t: Text, found: Record, now: datetime) -> list[Any]:
    """Its registration, name and state, and where else it is to be seen."""
    boat, lang = found.boat, "" if t.lang == "vi" else f"&lang={t.lang}"
    parts: list[Any] = [html.H2(boat.registration)]
    if boat.shipname and boat.shipname != boat.registration:
        parts.append(html.Span(boat.shipname, className="boat-ship"))
    parts.append(_state(t, found, now))
    if found.simulated:
        parts.append(html.Span(t("mô phỏng"), className="badge small"))
    here = found.place or (found.fixes[-1] if found.fixes else None)
    if here is not None and here["lat"] is not None:
        key = boat.registration if found.layer.name == "vms" or found.card.heard is None else found.card.heard.mmsi
        where = f"&lat={here['lat']:.5f}&lon={here['lon']:.5f}&z=11"
        parts.append(
            html.A(t("Trên bản đồ"), href=f"/?chosen={found.layer.name}.{key}{where}{lang}", className="press")
        )
    parts.append(_pack(t, found, found.start, found.end, now, t("Hồ sơ chứng cứ (ZIP)"), "press"))
    return parts


def _pack(
    t: Text, found: Record, start: datetime, end: datetime, now: datetime, words: str, name: str | None = None
) -> html.A:
    """A press that gets the evidence pack of a period, of what is known now: the same press gives the same files."""
    known_by = (now - SETTLED_AFTER).replace(microsecond=0)
    until = min(end, known_by)
    times = {"from": max(start, until - SPAN_MOST), "to": until, "as_of": known_by}
    query = urlencode({each: moment(at) for each, at in times.items()})
    return html.A(
        words,
        href=f"/api/v1/vessels/{quote(found.boat.registration)}/evidence?{query}",
        download="",
        className=name,
        **{"data-pack": ""},
        title=t(
            "PDF, vệt, vùng, báo động, nhật ký và mã SHA-256 từ {start} đến {end}; mất vài giây",
            start=t.when(times["from"]),
            end=t.when(until),
        ),
    )


def _state(t: Text, found: Record, now: datetime) -> html.Span:
    boat = found.boat
    if boat.retired_at is not None:
        return html.Span(t("Đã xóa đăng ký"), className="boat-state")
    if boat.laid_up_at is not None:
        return html.Span(t("Đang nằm bờ"), className="boat-state")
    if found.signal is None:
        words = t("Chưa có tín hiệu nào") if found.duty.monitored else say.state(t, "NOT_REQUIRED")
        return html.Span(words, className="boat-state near" if found.duty.monitored else "boat-state")
    name = str(found.signal["state"])
    kind = "bad" if name in say.BAD else "near" if name in say.NEAR else "good" if name == "OK" else ""
    shape = {"bad": "triangle", "near": "diamond"}.get(kind, "circle")
    told = [mark.icon(shape), say.state(t, name), html.Span([t("từ"), " ", t.when(found.signal["state_at"])])]
    return html.Span(told, className=f"boat-state {kind}".strip())


def facts(t: Text, found: Record, now: datetime) -> list[html.Section]:
    """The left column."""
    return [
        _part(t("Tín hiệu"), mark.facts(_signal(t, found, now))),
        _part(t("Đăng ký"), mark.facts(_identity(t, found))),
        _part(t("Giấy phép"), *_licence(t, found, now)),
        _part(t("Nghĩa vụ theo chiều dài"), mark.facts(_duties(t, found))),
        _part(t("Thiết bị giám sát"), *_devices(t, found)),
        _part(t("Chủ tàu, thuyền trưởng"), *_people(t, found)),
    ]


def _part(title: str, *inside: Any, count: str = "") -> html.Section:
    heading = [title, html.Span(count, className="count")] if count else title
    return html.Section([html.H3(heading), *inside], className="boat-part")


def _signal(t: Text, found: Record, now: datetime) -> list[tuple[str, Any]]:
    here, known = found.place, found.signal
    rows: list[tuple[str, Any]] = []
    automatic = (known or {}).get("auto_at") or (here or {}).get("auto_at")
    rows.append((t("Tự động cuối"), _seen(t, automatic, now) if automatic else t("chưa có")))
    if known and known["port"]:
        rows.append((t("Đang ở"), port_name(t, found, known["port"])))
    if known and known["reported_at"]:
        rows.append((t("Báo tay cuối"), _seen(t, known["reported_at"], now)))
    if here is not None and here["lat"] is not None:
        told = t("do người báo, không tính là tín hiệu") if here.get("manual") else ""
        course = f"{t.number(here['course'])}°" if here.get("course") is not None else ""
        rows += [
            (t("Vị trí"), html.Span([place.dms(here["lat"], here["lon"]), *([html.Br(), told] if told else [])])),
            (t("Vào lúc"), _seen(t, here["observed_at"], now)),
            (t("Tốc độ, hướng"), _joined(knots(t, here.get("speed")), course)),
            (t("Vùng"), zone(t, here.get("zone"))),
        ]
    heard = found.card.heard
    if heard is not None:
        by = t("theo MMSI") if heard.by == "mmsi" else t("theo tên phát đi")
        rows.append((t("Trên AIS"), f"MMSI {heard.mmsi} ({by})"))
    return rows


def _seen(t: Text, at: datetime, now: datetime) -> html.Span:
    return html.Span([mark.age(t, at, now), html.Span(t.when(at), className="muted")], className="boat-seen")


def _identity(t: Text, found: Record) -> list[tuple[str, Any]]:
    boat = found.boat
    return [
        (t("Tên tàu"), boat.shipname or ""),
        ("MMSI", str(boat.mmsi or "")),
        (t("Hô hiệu"), boat.callsign or ""),
        (t("Chiều dài lớn nhất"), f"{t.number(boat.length_m, 1)} m"),
        (t("Công suất"), f"{t.number(boat.power_kw)} kW" if boat.power_kw else ""),
        (t("Loại, nghề"), _joined(say.role(t, boat.role), say.gear(t, boat.gear))),
        (t("Nơi đăng ký"), ", ".join(filter(None, [boat.commune, boat.home_province]))),
        (t("Nằm bờ từ"), t.when(boat.laid_up_at) if boat.laid_up_at else ""),
        (t("Xóa đăng ký"), t.when(boat.retired_at) if boat.retired_at else ""),
        (t("Ghi chú"), without_numbers(boat.note or "")),
    ]


def _licence(t: Text, found: Record, now: datetime) -> list[Any]:
    boat, today = found.boat, now.astimezone(ZONE).date()
    if not found.duty.licensed:
        return [html.P(t("Không cần giấy phép (tàu ngắn hơn mức luật định)."), className="muted")]
    if boat.licence_until is None:
        words = t("Sổ đăng ký chưa ghi hạn giấy phép.") if boat.licence else t("Sổ đăng ký không ghi giấy phép nào.")
        return [mark.facts([(t("Số giấy phép"), boat.licence or "")]), html.P(words, className="boat-warn near")]
    left = (boat.licence_until - today).days
    until = f"{boat.licence_until:%d/%m/%Y}"
    rows = [mark.facts([(t("Số giấy phép"), boat.licence or ""), (t("Đến hết"), until)])]
    if left < 0:
        return [*rows, html.P([mark.icon("triangle"), t("Đã hết hạn {n} ngày", n=-left)], className="boat-warn bad")]
    return [*rows, html.P(t("Còn {n} ngày", n=t.number(left)), className="muted")]


def _duties(t: Text, found: Record) -> list[tuple[str, Any]]:
    own = found.duty
    if own.interval is None:
        signal: Any = t("Không bắt buộc")
    else:
        every = t.age(own.interval.span.total_seconds())
        signal = html.Span([t("bắt buộc, {every} một lần", every=every), html.Br(), _ground(t, own.interval.legal_ref)])
    return [
        (t("Giám sát hành trình"), signal),
        (t("Vùng được phép"), f"{say.zones(t, own.zones)} ({t('sơ đồ tham khảo')})"),
        (t("Giấy phép"), t("bắt buộc") if own.licensed else t("Không bắt buộc")),
        (t("Cấp theo dõi"), level_words(t, own.owner_level) if own.owner_level else ""),
    ]


def _ground(t: Text, words: str) -> html.Span:
    return html.Span(words, className="muted small")


def _devices(t: Text, found: Record) -> list[Any]:
    if not found.boat.devices:
        bad = found.duty.monitored and found.boat.in_use
        words = [mark.icon("triangle"), t("Chưa có thiết bị nào")] if bad else t("Không có")
        return [html.P(words, className="boat-warn bad" if bad else "muted")]
    return [html.Ul([_device(t, one, found.providers) for one in found.boat.devices], className="boat-devices")]


def _device(t: Text, one: Device, providers: Mapping[str, str]) -> html.Li:
    counted = t("đang tính") if one.active else t("dự phòng")
    more = [
        providers.get(one.provider, one.provider),
        t("kẹp chì {seal}", seal=one.seal) if one.seal else "",
        t("lắp {at}", at=t.when(one.fitted_at)) if one.fitted_at else "",
    ]
    return html.Li(
        [html.B(one.id), html.Span(counted, className="boat-tag"), html.Span(_joined(*more), className="muted")]
    )


def _people(t: Text, found: Record) -> list[Any]:
    if not found.card.people:
        return [html.P(t("Sổ đăng ký chưa ghi ai."), className="muted")]
    rows = [(say.part(t, one.part), _joined(one.name or "", one.phone or "")) for one in found.card.people]
    return [mark.facts(rows), html.P(t("Số điện thoại chỉ hiện ba số cuối."), className="note")]


def lists(t: Text, found: Record, now: datetime) -> list[html.Section]:
    """Below the map: trips and calls of the period; cases, alarms and the register's versions of any time."""
    return [
        _trips(t, found), _events(t, found, now), _cases(t, found, now), _inspections(t, found),
        _alarms(t, found, now), _history(t, found),
    ]  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Any]) -> html.Div:
    top = html.Thead(html.Tr([html.Th(word, scope="col") for word in heads]))
    return html.Div(html.Table([top, html.Tbody(rows)], className="counts"), className="boat-table")


def _row(*cells: Any) -> html.Tr:
    return html.Tr([html.Td(cell) for cell in cells])


def _more(t: Text, every: int, shown: int) -> html.P:
    return html.P(t("và {n} mục nữa", n=t.number(every - shown)), className="note", hidden=every <= shown)


def _inspections(t: Text, found: Record) -> html.Section:
    title, every = t("Kiểm tra"), boat_inspection.rows(t, found)
    if not every:
        return _part(title, html.P(t("Chưa ghi lần kiểm tra nào."), className="empty"))
    heads = [t("Lúc"), t("Nơi kiểm tra"), t("Kết quả"), t("Số biên bản"), t("Ghi chú")]
    shown = every[:INSPECTIONS_MOST]
    return _part(title, _table(heads, shown), _more(t, len(every), len(shown)), count=t.number(len(every)))


def _trips(t: Text, found: Record) -> html.Section:
    title, count = t("Chuyến biển và cảng trong khoảng này"), t.number(len(found.trips))
    if not found.trips:
        where = port_name(t, found, found.calls[0].port) if found.calls else ""
        words = t("Cả khoảng này tàu ở {port}.", port=where) if where else t("Không có vị trí để biết chuyến biển.")
        return _part(title, html.P(words, className="empty"))
    rows = [
        _row(
            _joined(t.when(one.left_at), port_name(t, found, one.from_port)) if one.left_at else t("trước khoảng này"),
            _joined(t.when(one.back_at), port_name(t, found, one.to_port)) if one.back_at else t("còn ở biển"),
            t.age((one.back_at - one.left_at).total_seconds()) if one.left_at and one.back_at else "–",
            t("ít nhất {n} hải lý", n=t.number(one.miles, 1)),
            t.number(one.fixes),
        )
        for one in reversed(found.trips)
    ]
    heads = [t("Rời cảng"), t("Vào cảng"), t("Dài"), t("Quãng đường"), t("Vị trí")]
    note = t("Giờ rời, vào cảng là giờ của vị trí đầu tiên ngoài, trong vùng cảng.")
    return _part(
        title,
        _table(heads, rows[:TRIPS_MOST]),
        _more(t, len(rows), TRIPS_MOST),
        html.P(note, className="note"),
        count=count,
    )


def _events(t: Text, found: Record, now: datetime) -> html.Section:
    """What it did in the period: signs, each by its figures, and never an accusation."""
    title = t("Hành vi trong khoảng này")
    if not found.events:
        return _part(title, html.P(t("Không ghi nhận hành vi nào."), className="empty"))
    rows = [
        _row(
            t.when(one["began_at"]),
            t.when(one["ended_at"]) if one["ended_at"] else t("còn tiếp diễn"),
            event_words(t, found, one, now),
            "AIS" if one["layer"] == AIS else "VMS",
        )
        for one in found.events
    ]
    heads = [t("Từ lúc"), t("Đến"), t("Điều quan sát được"), t("Theo")]
    return _part(
        title,
        _table(heads, rows[:EVENTS_MOST]),
        _more(t, len(rows), EVENTS_MOST),
        html.P(t("Dấu hiệu để xem xét, không phải kết luận về người trên tàu."), className="note"),
        count=t.number(len(rows)),
    )


def _cases(t: Text, found: Record, now: datetime) -> html.Section:
    title = t("Vụ việc")
    if not found.cases:
        return _part(title, html.P(t("Chưa có vụ việc nào."), className="empty"))
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    rows = []
    for case in found.cases[:CASES_MOST]:
        ended = case["closed_at"] or case["ended_at"]
        span = t.age(((ended or now) - case["since"]).total_seconds())
        closed = _joined(_closed(t, CAUSES, case["cause"]), _closed(t, OUTCOMES, case["outcome"]))
        state = closed or (
            stage_words(t, case["stage"]) + ("" if case["ended_at"] is None else f" · {t('chờ kết luận')}")
        )
        rows.append(
            _row(
                html.A(
                    f"{kind_words(t, case['kind'])} {t('số {n}', n=case['id'])}",
                    href=f"/fisheries?case={case['id']}{lang}",
                ),
                t.when(case["since"]),
                span,
                html.Span(state, className="bad" if case["ended_at"] is None and not case["closed_at"] else ""),
                t.number(case["contacts"]),
                _pack(t, found, case["since"] - BEFORE_CASE, ended or now, now, t("Tải ZIP")),
            )
        )
    heads = [t("Vụ việc"), t("Từ lúc"), t("Kéo dài"), t("Tình trạng"), t("Liên hệ"), t("Hồ sơ")]
    return _part(title, _table(heads, rows), _more(t, len(found.cases), CASES_MOST), count=t.number(len(found.cases)))


def _closed(t: Text, words: Mapping[str, tuple[str, str]], key: str | None) -> str:
    return t.pick(*words[key]) if key and key in words else (key or "")


def _alarms(t: Text, found: Record, now: datetime) -> html.Section:
    title = t("Báo động")
    if not found.alarms:
        return _part(title, html.P(t("Chưa có báo động nào."), className="empty"))
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    rows = [
        _row(
            html.Span([mark.severity(t, one["severity"]), rule_title(t, one)]),
            t.pick(one["fence_vi"], one["fence_en"]) or "–",
            html.A(
                t.when(one["raised_at"]), href=f"/?chosen={one['layer']}.{one['object_key']}&alarm={one['id']}{lang}"
            ),
            t.when(one["cleared_at"]) if one["cleared_at"] else t("còn mở"),
            state_words(t, one) or t("chưa xác nhận"),
        )
        for one in found.alarms[:ALARMS_MOST]
    ]
    heads = [t("Báo động"), t("Vùng"), t("Phát sinh"), t("Hết"), t("Xử lý")]
    return _part(
        title, _table(heads, rows), _more(t, len(found.alarms), ALARMS_MOST), count=t.number(len(found.alarms))
    )


def _history(t: Text, found: Record) -> html.Section:
    before = {row["version"]: row["value"] for row in found.versions}
    rows = [
        _row(
            t.number(row["version"]),
            t.when(row["at"]),
            row["actor"],
            say.changed(t, before.get(row["version"] - 1), row["value"]),
            without_numbers(row["comment"] or ""),
        )
        for row in found.versions[:VERSIONS_MOST]
    ]
    title, heads = t("Lịch sử sổ đăng ký"), [t("Bản"), t("Lúc"), t("Người ghi"), t("Thay đổi"), t("Lý do")]
    if not rows:
        return _part(title, html.P(t("Sổ đăng ký không giữ bản nào trước đây."), className="empty"))
    return _part(
        title, _table(heads, rows), _more(t, len(found.versions), VERSIONS_MOST), count=t.number(len(found.versions))
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
