"""Citizens' field reports on the map: what waits for whom, and what is late."""

from geo.report import OVERDUE, REPORT, STAGES, WARNED
from layers.layer import Field, Icon, Kind, Kpi, Layer, Style

FOREVER_S = 10 * 365 * 86_400  # a report does not grow old on the map: its term tells how late it is
_RUNNING = f"stage < {STAGES['replied']}"
_ANSWERED = f"replied_at IS NOT NULL AND stage IN ({STAGES['replied']}, {STAGES['published']}, {STAGES['closed']})"


def _kind(name: str, vi: str, en: str, icon: Icon, color: str, first: str, beyond: str) -> Kind:
    return Kind(name, vi, en, icon, color, {"stage": (float(STAGES[first]), float(STAGES[beyond]))})


_OPEN = {"stage": (0.0, float(STAGES["replied"]))}

LAYER = Layer(
    vi="Phản ánh hiện trường",
    en="Field reports",
    group="city",
    shape=REPORT,
    order=20,
    style=Style(
        kinds=(
            Kind("overdue", "Quá hạn", "Overdue", "pin-late", "high", {**_OPEN, "late": (float(OVERDUE), None)}),
            Kind(
                "warned",
                "Sắp quá hạn",
                "Nearly overdue",
                "pin-near",
                "medium",
                {**_OPEN, "late": (float(WARNED), float(OVERDUE))},
            ),
            _kind("triage", "Chờ phân loại", "Waiting for triage", "pin", "report", "new", "assigned"),
            _kind("handled", "Đang xử lý", "Being handled", "pin", "accent", "assigned", "replied"),
            _kind("answered", "Đã trả lời", "Answered", "dot", "ok", "replied", "rejected"),
            Kind("aside", "Không tiếp nhận, đã gộp", "Rejected or merged", "dot", "ink-3"),
        ),
        label="title",
        stale_s=FOREVER_S,
        lost_s=FOREVER_S,
        cluster=True,
    ),
    fields=(
        Field("status", "", "Tình trạng", "Status"),
        Field("category", "", "Lĩnh vực", "Category"),
        Field("track", "", "Luồng xử lý", "Track"),
        Field("unit", "", "Đơn vị xử lý", "Unit"),
        Field("opened_at", "", "Tiếp nhận", "Received"),
        Field("due_at", "", "Hạn xử lý", "Due"),
        Field("address", "", "Địa chỉ", "Address"),
        Field("words", "", "Nội dung", "What it says"),
        Field("channel", "", "Kênh", "Channel"),
        Field("rating", "/5", "Đánh giá", "Rating"),
    ),
    kpis=(
        Kpi("backlog", "Tồn đọng", "Backlog", f"count(*) FILTER (WHERE {_RUNNING})"),
        Kpi("overdue", "Quá hạn", "Overdue", f"count(*) FILTER (WHERE {_RUNNING} AND late = {OVERDUE})"),
        Kpi("warned", "Sắp quá hạn", "Nearly overdue", f"count(*) FILTER (WHERE {_RUNNING} AND late = {WARNED})"),
        Kpi(
            "on_time",
            "Trả lời đúng hạn",
            "Answered on time",
            f"round(100.0 * count(*) FILTER (WHERE {_ANSWERED} AND replied_at <= due_at)"
            f" / nullif(count(*) FILTER (WHERE {_ANSWERED}), 0), 1)::float",
            "%",
        ),
        Kpi(
            "handling",
            "Thời gian xử lý trung vị",
            "Median handling time",
            "(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM replied_at - opened_at))"
            f" FILTER (WHERE {_ANSWERED}) / 3600)::float",
            "h",
        ),
        Kpi(
            "satisfied",
            "Hài lòng",
            "Satisfied",
            "round(100.0 * count(*) FILTER (WHERE rating >= 4) / nullif(count(rating), 0), 1)::float",
            "%",
        ),
    ),
)
