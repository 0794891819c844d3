"""The paper of an evidence pack, in Vietnamese: what was known of a boat at a moment, and which files prove it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from access.evidence_pack import MASKED, Pack, Row, Track
from access.site import Site
from geo.boat_case import CAUSES, OUTCOMES
from geo.canonical import digest, line
from geo.fence import PORT, REFERENCE_NOTE
from geo.fence_kind import REFERENCE
from geo.inspection import FINDINGS, RESULTS
from geo.provider import PROVIDERS
from pages import boat_words as say
from pages import place
from pages.boat_track import gaps
from pages.evidence_sketch import sketch
from pages.fisheries_board import kind_words, level_words, stage_words
from pages.letterhead import letterhead
from pages.print import Child, Element, document, element, pdf
from pages.text import Text

T = Text("vi")
FIXES_MOST, ROWS_MOST = 120, 60
REPEATED = (
    "Cùng một yêu cầu (tàu, khoảng thời gian, mốc số liệu) cho lại đúng các tệp này từng byte: hồ sơ chỉ dùng những"
    " hàng đã nhận đến mốc đó, của các bảng chỉ cho thêm hàng."
)
SOURCE = {"vms": "Giám sát hành trình (VMS)", "vessel": "AIS (không phải giám sát hành trình)"}
_PROVIDERS = {one.key: one.name for one in PROVIDERS}
_TRANSITIONS = {
    "raise": "phát sinh", "step": "tới gần thêm một nấc", "clear": "hết", "acknowledge": "xác nhận", "assign": "giao",
    "comment": "ghi chú", "escalate": "chuyển cấp trên", "shelve": "tạm hoãn", "unshelve": "thôi tạm hoãn",
    "suppress": "nén", "release": "trả lại bàn", "revise": "sửa theo dữ liệu đến muộn", "withdraw": "rút lại",
}  # fmt: skip
_ENTRIES = {
    "contact": "liên hệ", "position": "vị trí báo bằng tay", "stage": "tình trạng", "escalation": "báo cáo cấp trên",
    "notice": "thông báo", "note": "ghi chú", "assign": "giao", "close": "kết luận",
}  # fmt: skip


def paper(site: Site, pack: Pack) -> bytes:
    """The PDF of a pack. Raises pages.print.PrintError."""
    return pdf(sheet_of(site, pack))


def sheet_of(site: Site, pack: Pack) -> str:
    """The paper as HTML: of the same pack the same, with no time of its own making."""
    span = f"{T.exact(pack.start)} – {T.exact(pack.end)}"
    badge = element("p", element("span", "DỮ LIỆU MÔ PHỎNG", _class="badge"), _class="center")
    return document(
        f"Hồ sơ chứng cứ · {pack.registration} · {span}",
        "vi",
        _strings(pack),
        letterhead(T, site),
        element("h1", "HỒ SƠ CHỨNG CỨ TÀU CÁ"),
        element("p", f"{pack.registration}, từ {T.exact(pack.start)} đến {T.exact(pack.end)}", _class="subtitle"),
        badge if pack.simulated else None,
        element(
            "p", f"Gồm những gì hệ thống đã nhận đến {T.exact(pack.as_of)}, giờ Việt Nam (UTC+7).", _class="center"
        ),
        _boat(pack),
        [_track(pack, one) for one in pack.tracks],
        _voyages(pack),
        _fences(pack),
        _alarms(pack),
        _cases(pack),
        _inspections(pack),
        [_fixes(one) for one in pack.tracks if one.rows],
        _proof(pack),
        _signature(),
    )


def _strings(pack: Pack) -> Element:
    return element(
        "div",
        element("span", f"Nguồn: Hải Đăng · số liệu đã nhận đến {T.exact(pack.as_of)}", _class="source-string"),
        element("span", "Trang", _class="page-string"),
        element("span", f"Hồ sơ chứng cứ {pack.registration}", _class="running-string"),
        element("span", "DỮ LIỆU MÔ PHỎNG" if pack.simulated else "", _class="badge-string"),
        _class="strings",
    )


def _table(heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[Child]]) -> Element:
    """heads: each column's words and its width."""
    cols = element("colgroup", [element("col", style=f"width: {width}") for _, width in heads])
    head = element("thead", element("tr", [element("th", word) for word, _ in heads]))
    body = [element("tr", [element("td", cell) for cell in row]) for row in rows]
    return element("table", cols, head, element("tbody", body), _class="rows")


def _title(words: str, count: int | None = None) -> Element:
    return element("h2", words, element("span", f" ({T.number(count)})", _class="count") if count is not None else None)


def _nothing(words: str) -> Element:
    return element("p", words, _class="muted")


def _more(every: int, shown: int, file: str) -> Element | None:
    if every <= shown:
        return None
    return element("p", f"và {T.number(every - shown)} dòng nữa: đầy đủ trong {file}.", _class="more")


def _time(value: Any) -> str:
    """A moment of a row, or of JSON."""
    if not value:
        return "–"
    return T.exact(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def _boat(pack: Pack) -> list[Element]:
    boat, own = pack.boat, pack.duty
    version = pack.boat_versions[-1]
    licence = " · đến hết ".join(filter(None, [boat.get("licence"), _day(boat.get("licence_until"))]))
    interval = (
        f"bắt buộc, {T.age(own.interval.span.total_seconds())} một lần ({own.interval.legal_ref})"
        if own.interval
        else "không bắt buộc"
    )
    devices = [_device(one) for one in boat.get("devices", ()) if not one.get("removed_at")]
    rows = [
        ("Số đăng ký, tên tàu", " · ".join(filter(None, [pack.registration, boat.get("shipname")]))),
        ("MMSI, hô hiệu", " · ".join(filter(None, [str(boat.get("mmsi") or ""), boat.get("callsign")]))),
        ("Chiều dài lớn nhất", f"{T.number(boat['length_m'], 1)} m"),
        ("Loại, nghề", " · ".join(filter(None, [say.role(T, boat["role"]), say.gear(T, boat.get("gear"))]))),
        ("Nơi đăng ký", ", ".join(filter(None, [boat.get("commune"), boat["home_province"]]))),
        ("Giấy phép", licence),
        ("Thiết bị giám sát", "; ".join(devices)),
        ("Nghĩa vụ báo vị trí", interval),
        ("Vùng được phép", f"{say.zones(T, own.zones)} ({REFERENCE_NOTE})"),
        ("Cấp theo dõi", level_words(T, own.owner_level) if own.owner_level else ""),
        (
            "Bản của sổ đăng ký",
            f"số {version['version']}, ghi lúc {T.exact(version['at'])}, người ghi {version['actor']}",
        ),
    ]
    body = [element("tr", element("th", name), element("td", value or "–")) for name, value in rows]
    cols = element("colgroup", element("col", style="width: 28%"), element("col"))
    return [_title("Tàu"), element("table", cols, element("tbody", body), _class="rows about")]


def _device(one: Mapping[str, Any]) -> str:
    more = [_PROVIDERS.get(one["provider"], one["provider"]), "đang tính" if one["active"] else "dự phòng"]
    more += [f"kẹp chì {one['seal']}"] if one.get("seal") else []
    return f"{one['id']} ({', '.join(more)})"


def _day(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%d/%m/%Y}" if text else ""


def _track(pack: Pack, track: Track) -> list[Element | None]:
    title, counted = _title(f"Vệt di chuyển: {SOURCE[track.layer]}", len(track.rows)), track.counted
    if not counted:
        return [title, _nothing("Không có vị trí nào trong khoảng này.")]
    aside = len(track.rows) - len(counted)
    by_hand = sum(bool(row.get("manual")) for row in counted)
    told = [
        f"{T.number(len(counted))} vị trí được tính, {T.number(by_hand)} do người báo (vòng rỗng)",
        f"{T.number(aside)} vị trí của thiết bị khác, không tính" if aside else "",
        f"nét chấm: không có vị trí quá {T.age(track.gap.total_seconds())}",
        f"{REFERENCE_NOTE[:1].upper()}{REFERENCE_NOTE[1:]} với mọi tuyến, vùng được vẽ",
    ]
    rows = _silences(pack, track)
    heads = [("Vị trí cuối trước khi im", "38%"), ("Vị trí đầu sau đó", "38%"), ("Không có vị trí trong", "24%")]
    return [
        title,
        element("div", sketch(pack, track), _class="sketch"),
        element("p", "; ".join(filter(None, told)) + ".", _class="more"),
        _table(heads, rows[:ROWS_MOST]) if rows else None,
    ]


def _silences(pack: Pack, track: Track) -> list[list[str]]:
    """Where nothing is known for longer than the gap: also from the period's beginning on, and up to its end."""
    first, last = track.counted[0]["observed_at"], track.counted[-1]["observed_at"]
    ends = [(since, until, T.exact(since), T.exact(until)) for since, until in gaps(track.counted, track.gap)]
    if first - pack.start > track.gap:
        ends.insert(0, (pack.start, first, "(đầu khoảng)", T.exact(first)))
    if pack.end - last > track.gap:
        ends.append((last, pack.end, T.exact(last), "(đến hết khoảng chưa có)"))
    return [[before, after, T.age((until - since).total_seconds())] for since, until, before, after in ends]


def _voyages(pack: Pack) -> list[Element | None]:
    ports = {row["key"]: row["value"]["name_vi"] for row in pack.fences if row["value"]["kind"] == PORT}
    rows = [
        [
            f"{T.exact(one.left_at)}, {ports.get(one.from_port or '', '–')}" if one.left_at else "trước khoảng này",
            f"{T.exact(one.back_at)}, {ports.get(one.to_port or '', '–')}" if one.back_at else "chưa vào cảng",
            f"ít nhất {T.number(one.miles, 1)} hải lý",
            T.number(one.fixes),
        ]
        for one in pack.trips
    ]
    title = _title("Chuyến biển", len(rows))
    if not rows:
        return [title, _nothing("Không có chuyến biển nào trong khoảng này.")]
    heads = [("Rời cảng", "36%"), ("Vào cảng", "36%"), ("Quãng đường", "18%"), ("Vị trí", "10%")]
    note = "Giờ là giờ của vị trí đầu tiên ngoài, trong vùng cảng; giữa hai vị trí không biết tàu ở đâu."
    return [title, _table(heads, rows[:ROWS_MOST]), element("p", note, _class="more")]


def _fences(pack: Pack) -> list[Element | None]:
    rows = [
        [
            [element("b", row["value"]["name_vi"]), _reference(row["value"]["kind"])],
            f"{row['key']}, bản {row['version']}",
            f"{_time(row['in_force_from']) if row['in_force_from'] else 'từ đầu'} – "
            + (_time(row["in_force_to"]) if row["in_force_to"] else "còn hiệu lực"),
            f"{_time(row['entered_at'])}, {row['actor']}",
        ]
        for row in pack.fences
    ]
    heads = [("Tuyến, vùng", "30%"), ("Mã", "20%"), ("Bản có hiệu lực", "28%"), ("Nhập vào hệ thống lúc", "22%")]
    return [
        _title("Tuyến và vùng như đã có trong khoảng này", len(rows)),
        _table(heads, rows[:ROWS_MOST]) if rows else _nothing("Không có tuyến, vùng nào gần vệt."),
        _more(len(rows), ROWS_MOST, "fences.geojson"),
    ]


def _reference(kind: str) -> Element | None:
    return element("div", REFERENCE_NOTE, _class="muted") if kind in REFERENCE else None


def _alarms(pack: Pack) -> list[Element | None]:
    title = _title("Báo động", len(pack.alarms))
    if not pack.alarms:
        return [title, _nothing("Không có báo động nào của tàu trong khoảng này.")]
    lines: dict[int, list[Element]] = {}
    for row in pack.journal:
        words = [_TRANSITIONS.get(row["transition"], row["transition"]), row["actor"], row["comment"] or ""]
        told = f"{T.exact(row['at'])}: " + ", ".join(filter(None, words))
        lines.setdefault(row["alarm_id"], []).append(element("div", told))
    names = {row["key"]: row["value"]["name_vi"] for row in pack.fences}
    rows = [
        [
            [
                element("b", _rule(pack.rules.get(one["rule"]), one["rule"])),
                element("div", " · ".join(filter(None, [f"số {one['id']}", names.get(one["fence"])])), _class="muted"),
            ],
            [element("div", _time(one["raised_at"])), element("div", _over(one), _class="muted")],
            lines.get(one["id"], [])[:12],
        ]
        for one in pack.alarms[:ROWS_MOST]
    ]
    heads = [("Quy tắc (như khi báo)", "38%"), ("Phát sinh", "20%"), ("Nhật ký", "42%")]
    return [title, _table(heads, rows), _more(len(pack.alarms), ROWS_MOST, "alarms.csv")]


def _over(one: Row) -> str:
    if one["withdrawn_at"]:
        return f"rút lại {_time(one['withdrawn_at'])}"
    return f"hết {_time(one['cleared_at'])}" if one["cleared_at"] else "còn mở"


def _rule(value: Mapping[str, Any] | None, key: str) -> str:
    return str(value["name_vi"]) if value else key


def _cases(pack: Pack) -> list[Element | None]:
    title = _title("Vụ việc và nhật ký", len(pack.cases))
    if not pack.cases:
        return [title, _nothing("Không có vụ việc nào của tàu trong khoảng này.")]
    found: list[Element | None] = [title]
    for case in pack.cases:
        closed = [_closed(CAUSES, case["cause"]), _closed(OUTCOMES, case["outcome"])]
        about = [
            f"{kind_words(T, case['kind'])} số {case['id']}",
            f"từ {T.exact(case['since'])}",
            stage_words(T, case["stage"] or ""),
            f"kết luận {', '.join(filter(None, closed))} ({case['closed_by']})"
            if case["closed_at"]
            else "chưa kết luận",
        ]
        found.append(element("p", element("b", " · ".join(filter(None, about))), _class="case-head"))
        lines = [row for row in pack.log if row["case_id"] == case["id"]]
        rows = [
            [T.exact(row["at"]), _ENTRIES.get(row["kind"], row["kind"]), row["actor"], _said(row)]
            for row in lines[:ROWS_MOST]
        ]
        heads = [("Lúc", "20%"), ("Việc", "18%"), ("Ai", "20%"), ("Nội dung", "42%")]
        found += [_table(heads, rows), _more(len(lines), ROWS_MOST, "case_journal.csv")]
    return found


def _inspections(pack: Pack) -> list[Element | None]:
    title = _title("Kiểm tra", len(pack.inspections))
    if not pack.inspections:
        return [title, _nothing("Không có lần kiểm tra nào được ghi trong khoảng này.")]
    corrected = {row["corrects"] for row in pack.inspections}
    rows = [
        [
            T.exact(row["at"]),
            " · ".join(filter(None, [row["place"], row["unit"], row["inspectors"]])),
            "; ".join([RESULTS[row["result"]][0], *(FINDINGS[name][0] for name in row["findings"])]),
            " · ".join(
                filter(None, [
                    f"số {row['id']}" + (f", thay dòng {row['corrects']}" if row["corrects"] else ""),
                    "đã được sửa" if row["id"] in corrected else "", row["document"], row["note"],
                ])
            ),
        ]
        for row in pack.inspections[:ROWS_MOST]
    ]  # fmt: skip
    heads = [("Lúc", "20%"), ("Nơi, đơn vị", "28%"), ("Kết quả", "26%"), ("Biên bản, ghi chú", "26%")]
    return [title, _table(heads, rows), _more(len(pack.inspections), ROWS_MOST, "inspections.csv")]


def _closed(words: Mapping[str, tuple[str, str]], key: str | None) -> str:
    return words[key][0].lower() if key and key in words else (key or "")


def _said(row: Row) -> str:
    """What a line of the log says, in words where it is known how."""
    data, text = row["data"], row["text"] or ""
    if row["kind"] == "contact":
        return " · ".join(filter(None, [data.get("who"), data.get("number"), text]))
    if row["kind"] == "stage":
        return stage_words(T, data["stage"])
    if row["kind"] == "position" and "lat" in data:
        return " · ".join(filter(None, [place.dms(data["lat"], data["lon"]), text]))
    if row["kind"] == "close":
        return " · ".join(filter(None, [_closed(CAUSES, data["cause"]), _closed(OUTCOMES, data["outcome"]), text]))
    return " · ".join(filter(None, [text, line(data) if data else ""]))


def _fixes(track: Track) -> list[Element | None]:
    rows = [
        [
            T.exact(row["observed_at"]),
            T.exact(row["received_at"]),
            place.dms(row["lat"], row["lon"]),
            T.number(row.get("speed"), 1),
            row.get("device") or row["source"],
            _marks(row),
        ]
        for row in track.rows[:FIXES_MOST]
    ]
    heads = [
        ("Lúc", "19%"), ("Nhận lúc", "19%"), ("Vị trí", "25%"), ("hl/giờ", "8%"), ("Thiết bị, nguồn", "17%"),
        ("Ghi chú", "12%"),
    ]  # fmt: skip
    file = "track_vms.csv" if track.layer == "vms" else "track_ais.csv"
    return [
        _title(f"Các vị trí: {SOURCE[track.layer]}", len(track.rows)),
        _table(heads, rows),
        _more(len(track.rows), FIXES_MOST, file),
    ]


def _marks(row: Row) -> str:
    found = [] if row["counts"] else ["không tính"]
    return ", ".join([*found, "người báo"] if row.get("manual") else found)


def _proof(pack: Pack) -> list[Element]:
    files: list[list[Child]] = [
        [name, T.number(len(data)), _hash(digest(data))] for name, data in sorted(pack.files.items())
    ]
    sources: list[list[Child]] = [
        [name, T.number(one["rows"]), _hash(one["sha256"])] for name, one in sorted(pack.sources.items())
    ]
    told = [
        "Mỗi tệp có mã SHA-256 dưới đây, trong manifest.json và SHA256SUMS (kiểm bằng sha256sum -c SHA256SUMS).",
        REPEATED,
        f"Tuyến bờ, tuyến lộng và các vùng dẫn xuất: {REFERENCE_NOTE}.",
        MASKED["vi"],
    ]
    heads = [("Tệp", "20%"), ("Byte", "10%"), ("SHA-256", "70%")]
    return [
        _title("Tệp kèm theo và mã kiểm"),
        element("ul", [element("li", each) for each in told], _class="small proof"),
        _table(heads, files),
        _title("Hàng nguồn"),
        _table([("Bảng", "20%"), ("Hàng", "10%"), ("SHA-256", "70%")], sources),
    ]


def _hash(code: str) -> Element:
    return element("span", code, _class="hash")


def _signature() -> Element:
    empty = element("div", "(ký, ghi rõ họ tên)", _class="muted small")
    line_below = element("div", _class="line")
    blank = element("td", element("div"))
    return element(
        "table",
        element("tr", blank, element("td", element("b", "NGƯỜI LẬP HỒ SƠ"), empty, line_below)),
        _class="signatures",
    )
