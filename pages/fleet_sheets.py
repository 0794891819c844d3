"""Workbooks of the fleet's statistics, and the words that they share with the paper: columns, notes, figures."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from access.fleet_report import Day, Month
from access.site import Site
from geo.boat_case import CAUSES, OUTCOMES
from geo.figure import Figure
from geo.fleet_count import COLUMNS, FLOW, By
from geo.workbook import Sheet, workbook
from pages.text import Text


def titles(t: Text, grounds: Mapping[str, Figure]) -> dict[str, str]:
    """What each column is called, with the figures of the period in it."""
    lost, home = (grounds[key] for key in ("lost_after", "return_within"))
    return {
        "registered": t("Đã đăng ký"),
        "monitored": t("Phải lắp VMS"),
        "laid_up": t("Nằm bờ"),
        "required": t("Phải hiển thị"),
        "visible": t("Hiển thị"),
        "late": t("Chậm báo"),
        "lost_6h_10d": t("Mất {a} – {b}", a=amount(t, lost), b=amount(t, home)),
        "lost_10d": t("Mất từ {b}", b=amount(t, home)),
        "port_silent": t("Im tiếng trong cảng"),
        "unheard": t("Chưa từng báo"),
        "opened": t("Vụ mới"),
        "resumed": t("Mất lại"),
        "ended": t("Vụ hết"),
        "concluded": t("Vụ kết luận"),
        "crossing": t("Vượt ranh giới"),
        "zone": t("Sai vùng"),
        "returned_quickly": t("Quay về trong {n}", n=amount(t, grounds["returned_quickly"])),
    }


def amount(t: Text, figure: Figure) -> str:
    """A figure with its unit, minutes as hours where they are whole ones."""
    value, unit = figure.value, figure.unit
    if unit == "min" and value % 60 == 0:
        value, unit = value / 60, "h"
    units = {"min": t("phút"), "h": t("giờ"), "d": t("ngày")}
    return f"{t.number(value, 1)} {units.get(unit, unit)}"


def group_title(t: Text, by: By) -> str:
    """By what the rows of a table are told apart."""
    return {"length": t("Cỡ tàu"), "commune": t("Xã, phường"), "provider": t("Nhà cung cấp")}[by]


def name(t: Text, by: By, row: Mapping[str, Any]) -> str:
    """A row's name: a length class in words, a commune, a provider; what is not known is said to be."""
    if row["key"] is None:
        return t("Chưa rõ")
    if by != "length":
        return str(row["name"] or row["key"])
    low, _, high = str(row["key"]).partition("-<")
    if high:
        return t("{a} – dưới {b} m", a=low, b=high)
    return t("từ {a} m", a=low[2:]) if low.startswith(">=") else t("dưới {b} m", b=low[1:])


def notes(t: Text, grounds: Mapping[str, Figure]) -> list[str]:
    """What the figures mean, and which of them are not known of past days."""
    hours = amount(t, grounds["lost_after"])
    return [
        t(
            "Phải hiển thị: tàu phải lắp thiết bị theo chiều dài, trừ tàu nằm bờ và tàu đã ra khỏi sổ đăng ký; "
            "của ngày đã qua theo sổ đăng ký lúc hết ngày.",
        ),
        t(
            "Hiển thị: hôm nay là tàu có vị trí tự động của thiết bị đang dùng trong {n} gần nhất; của ngày đã "
            "qua là tàu có ít nhất một vị trí như vậy trong ngày.",
            n=hours,
        ),
        t(
            "Mất tín hiệu: vụ còn tiếp diễn lúc hết ngày theo giờ Việt Nam; vụ đã kết luận không còn tính. Hôm "
            "nay là tình trạng của tàu lúc lập, dù vụ việc đã kết luận. Vụ mà vị trí đến muộn bác bỏ không tính "
            "vào cột nào.",
        ),
        t(
            "Chậm báo, im tiếng trong cảng, chưa từng báo: chỉ biết của thời điểm lập, không lưu theo ngày; dấu –"
            " là không biết, không phải bằng 0.",
        ),
        t(
            "Quay về trong {n}: tính theo ngày bắt đầu vượt ranh giới hoặc sai vùng; ranh giới các vùng là sơ đồ "
            "tham khảo, không phải căn cứ pháp lý.",
            n=amount(t, grounds["returned_quickly"]),
        ),
    ]


def ground_lines(t: Text, grounds: Mapping[str, Figure]) -> list[str]:
    """Each figure that boats are told apart by, with its legal ground, and whether it is still to be confirmed."""
    words = {
        "vms_least_length": t("Phải lắp thiết bị giám sát hành trình: tàu dài từ"),
        "national_least_length": t("Cấp quốc gia xử lý: tàu dài từ"),
        "vms_interval_24": t("Chu kỳ báo của tàu cấp quốc gia xử lý"),
        "vms_interval_15": t("Chu kỳ báo của tàu khác phải lắp thiết bị"),
        "vms_grace": t("Coi là chậm báo khi quá chu kỳ thêm"),
        "lost_after": t("Coi là mất kết nối sau"),
        "return_within": t("Đưa tàu về cảng trong"),
        "returned_quickly": t("Thống kê quay về trong"),
    }
    open_words = t(" – chờ cơ quan có thẩm quyền xác nhận")
    return [
        f"{words[key]} {amount(t, one)}: {one.legal_ref}{open_words if one.certainty == 'CFG' else ''}."
        for key, one in grounds.items()
    ]


def month_name(t: Text, month: Month) -> str:
    """`tháng 11 năm 2026`."""
    return t("tháng {m} năm {y}", m=f"{month.first.month:02d}", y=month.first.year)


def day_words(day: date) -> str:
    """`28/11/2026`, as every screen writes it."""
    return f"{day:%d/%m/%Y}"


def asof(t: Text, live: bool, at: datetime) -> str:
    """Of which moment the standing figures are."""
    return t("Số liệu lúc {at}", at=t.when(at)) if live else t("Số liệu lúc hết ngày, {at}", at=t.when(at))


def day_book(site: Site, day: Day, lang: str) -> bytes:
    """One day's figures as a workbook of one sheet."""
    t = Text(lang)
    head = titles(t, day.grounds)
    title = t("Thống kê tàu cá ngày {day}", day=day_words(day.day))
    above = [title, t.pick(site.centre_vi, site.centre_en), asof(t, day.live, day.at), *_badge(t, day.simulated)]
    below = [*notes(t, day.grounds), *ground_lines(t, day.grounds)]
    rows = _rows(t, day.by, day.rows, day.total)
    names = [group_title(t, day.by), *(head[one] for one in COLUMNS)]
    return workbook([Sheet(group_title(t, day.by), names, rows, above, below, last_is_sum=True)])


def month_book(site: Site, month: Month, lang: str) -> bytes:
    """The month as a workbook: each day, then a sheet each class, commune and provider, conclusions, notes."""
    t = Text(lang)
    head = titles(t, month.grounds)
    title = t("Báo cáo giám sát tàu cá {month}", month=month_name(t, month))
    above = [title, t.pick(site.centre_vi, site.centre_en), *_badge(t, month.simulated)]
    sums = {one: sum(row[one] for row in month.days) for one in FLOW}
    days = [[row["day"], *(row[one] for one in COLUMNS)] for row in month.days]
    days.append([t("Cộng"), *(sums.get(one) for one in COLUMNS)])
    names = [head[one] for one in COLUMNS]
    sheets = [Sheet(t("Theo ngày"), [t("Ngày"), *names], days, above, last_is_sum=True, first_width=16)]
    standing = asof(t, month.live, month.at)
    for by, rows in month.groups.items():
        words = [*above, standing]
        made = _rows(t, by, rows, month.total)
        sheets.append(Sheet(group_title(t, by), [group_title(t, by), *names], made, words, last_is_sum=True))
    for title, found, known in (
        (t("Nguyên nhân"), month.causes, CAUSES),
        (t("Kết quả xử lý"), month.outcomes, OUTCOMES),
    ):
        lines = [[t.pick(*known[key]), times] for key, times in found.items()]
        sheets.append(Sheet(title, [title, t("Số vụ kết luận")], lines, above))
    lines = [[line] for line in (*notes(t, month.grounds), *ground_lines(t, month.grounds))]
    sheets.append(Sheet(t("Chú thích"), [t("Ghi chú và căn cứ")], lines, above, first_width=120))
    return workbook(sheets)


def _badge(t: Text, simulated: bool) -> list[str]:
    return [t("DỮ LIỆU MÔ PHỎNG")] if simulated else []


def _rows(t: Text, by: By, rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> list[list[Any]]:
    made = [[name(t, by, row), *(row[one] for one in COLUMNS)] for row in rows]
    return [*made, [t("Cộng"), *(total[one] for one in COLUMNS)]]
