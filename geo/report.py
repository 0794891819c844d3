"""Field reports of citizens (phản ánh hiện trường): the tables, the closed lists, and the state machine as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from geo.table import case, core

# Closed lists, in Vietnamese and English. A status's place in its list is its number in the column `stage`.
STATUSES: Mapping[str, tuple[str, str]] = {
    "new": ("Mới tiếp nhận", "New"),
    "reopened": ("Mở lại", "Reopened"),
    "returned": ("Đơn vị trả lại", "Returned"),
    "verified": ("Đã xác minh", "Verified"),
    "assigned": ("Đã phân công", "Assigned"),
    "in_progress": ("Đang xử lý", "In progress"),
    "replied": ("Đã trả lời", "Replied"),
    "published": ("Đã công khai", "Published"),
    "closed": ("Đã đóng", "Closed"),
    "rejected": ("Không tiếp nhận", "Rejected"),
    "merged": ("Đã gộp", "Merged"),
}
STAGES: Mapping[str, int] = {status: number for number, status in enumerate(STATUSES)}
TRIAGE = ("new", "reopened", "returned", "verified")  # wait for the operators
HANDLED = ("assigned", "in_progress")  # wait for a unit
RUNNING = (*TRIAGE, *HANDLED)  # whose term runs
TRACKS: Mapping[str, tuple[str, str]] = {
    "instant": ("Tức thời", "Instant"),
    "urgent": ("Khẩn", "Urgent"),
    "timed": ("Có thời hạn", "Timed"),
}
CHANNELS: Mapping[str, tuple[str, str]] = {
    "app": ("Ứng dụng", "App"),
    "web": ("Trang web", "Web page"),
    "open311": ("Hệ thống khác (Open311)", "Another system (Open311)"),
    "hotline": ("Tổng đài 1022", "Hotline 1022"),
    "zalo": ("Zalo", "Zalo"),
    "desk": ("Trực ban nhập", "Entered at the desk"),
}
REJECTIONS: Mapping[str, tuple[str, str]] = {
    "not_ours": ("Không thuộc thẩm quyền của thành phố", "Not within the city's competence"),
    "no_place": ("Không rõ địa điểm", "The place is not known"),
    "unclear": ("Nội dung không rõ", "Unclear"),
    "untrue": ("Kiểm tra không có sự việc", "Looked at, and not there"),
    "abuse": ("Nội dung xúc phạm, quảng cáo", "Abuse or advertising"),
    "other": ("Lý do khác", "Another reason"),
}
ON_TIME, WARNED, OVERDUE = 0, 1, 2  # the column `late`
TEXT_MOST, ADDRESS_MOST, TITLE_MOST, NOTE_MOST, NAME_MOST = 4_000, 300, 80, 1_000, 120


@dataclass(frozen=True)
class Deed:
    """What may be done to a report: from which statuses, what it becomes (None: stays), and what must be said with it.

    needs: of reason (why, in words), choice (of REJECTIONS), unit, words (the reply), due, track, into, place.
    """

    before: tuple[str, ...]
    after: str | None
    needs: tuple[str, ...] = ()


DEEDS: Mapping[str, Deed] = {
    "verify": Deed(("new", "reopened"), "verified"),
    "assign": Deed(("verified", "returned", "reopened"), "assigned", ("unit",)),
    "transfer": Deed(HANDLED, "assigned", ("unit", "reason")),
    "start": Deed(("assigned",), "in_progress"),
    "return": Deed(HANDLED, "returned", ("reason",)),
    "reply": Deed(HANDLED, "replied", ("words",)),
    "send_back": Deed(("replied",), "in_progress", ("reason",)),
    "publish": Deed(("replied",), "published"),
    "close": Deed(("replied", "published"), "closed"),
    "reject": Deed(("new", "verified", "returned", "reopened"), "rejected", ("choice",)),
    "reopen": Deed(("published", "closed", "rejected"), "reopened", ("reason",)),
    "merge": Deed(RUNNING, "merged", ("into",)),
    "unmerge": Deed(("merged",), None, ("reason",)),  # back to what it was
    "extend": Deed(RUNNING, None, ("due", "reason")),
    "track": Deed(RUNNING, None, ("track", "reason")),
    "place": Deed(RUNNING, None, ("place",)),
    "note": Deed(tuple(STATUSES), None, ("reason",)),
}
# What else is written into the log.
TOLD = ("receive", "photo", "withhold", "warn", "overdue", "rate")


def _stamp(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_report(**options: Any) -> sa.Column[Any]:
    # No foreign key: tables of layers are made after those of the core (geo.database.upgrade).
    return sa.Column("report_id", sa.Text, nullable=False, **options)


# What everybody may see of a report. Its words bear no telephone number and no plate; who sent it stands elsewhere.
REPORT = case(
    "report",
    [
        sa.Column("title", sa.Text, info={"label": True, "search": True}),
        sa.Column("category", sa.Text),
        sa.Column("track", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("words", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("stage", sa.SmallInteger, info={"least": 0, "most": len(STATUSES) - 1}),
        sa.Column("late", sa.SmallInteger, info={"least": ON_TIME, "most": OVERDUE}),
        sa.Column("warn_at", sa.DateTime(timezone=True)),
        sa.Column("merged_into", sa.Text),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("replied_at", sa.DateTime(timezone=True)),
        sa.Column("rating", sa.SmallInteger, info={"least": 1, "most": 5}),
        sa.Column("version", sa.Integer, info={"withheld": True}),
    ],
)
report = REPORT.latest
for name, columns, where in (
    ("report_opened", (report.c.opened_at, report.c.id), None),
    ("report_by_unit", (report.c.unit, report.c.due_at, report.c.id), None),
    ("report_running", (report.c.due_at,), f"stage < {len(RUNNING)}"),
    ("report_public", (report.c.published_at, report.c.id), "published_at IS NOT NULL"),
    ("report_merged", (report.c.merged_into,), "merged_into IS NOT NULL"),
):
    sa.Index(name, *columns, postgresql_where=None if where is None else sa.text(where))

# Kinds of reports as the authority keeps them; they are the services of Open311.
report_category = sa.Table(
    "report_category",
    core,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("name_vi", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("about_vi", sa.Text, nullable=False),
    sa.Column("grouped", sa.Text, nullable=False),
    sa.Column("keywords", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("track", sa.Text, nullable=False),
    sa.Column("attributes", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("ordinal", sa.Integer, nullable=False, server_default=sa.text("100")),
    _stamp("retired_at"),
    sa.CheckConstraint("track IN ('instant', 'urgent', 'timed')", name="report_category_track"),
)

# What was done about a report, by whom and why; append-only. status: what it was then.
report_entry = sa.Table(
    "report_entry",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _of_report(),
    sa.Column("deed", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("unit", sa.Text, sa.ForeignKey("unit.key")),
    sa.Column("data", JSONB(none_as_null=True)),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Index("report_entry_of", "report_id", "id"),
    sa.Index("report_entry_at", "at"),
)

# Which unit has had a report from when to when; one at a time.
report_assignment = sa.Table(
    "report_assignment",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _of_report(),
    sa.Column("unit", sa.Text, sa.ForeignKey("unit.key"), nullable=False),
    _stamp("given_at", nullable=False),
    sa.Column("given_by", sa.Text, nullable=False),
    _stamp("due_at", nullable=False),
    _stamp("ended_at"),
    sa.Column("ended_how", sa.Text),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_how IS NULL)", name="report_assignment_ended"),
    sa.Index("report_assignment_one", "report_id", unique=True, postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("report_assignment_of_unit", "unit", "given_at"),
)

report_reply = sa.Table(
    "report_reply",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _of_report(),
    sa.Column("unit", sa.Text, sa.ForeignKey("unit.key")),
    sa.Column("words", sa.Text, nullable=False),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Index("report_reply_of", "report_id", "id"),
)

report_rating = sa.Table(
    "report_rating",
    core,
    _of_report(primary_key=True),
    sa.Column("score", sa.SmallInteger, nullable=False),
    sa.Column("words", sa.Text),
    _stamp("at", nullable=False),
    sa.CheckConstraint("score BETWEEN 1 AND 5", name="report_rating_score"),
)

# A photograph as it was drawn anew here, under a name that nobody can guess. part: report (the citizen's), result.
report_photo = sa.Table(
    "report_photo",
    core,
    sa.Column("name", sa.Text, primary_key=True),
    _of_report(),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    _stamp("withheld_at"),  # since when nobody outside is shown it, and by whom
    sa.Column("withheld_by", sa.Text),
    sa.CheckConstraint("part IN ('report', 'result')", name="report_photo_part"),
    sa.CheckConstraint("type IN ('image/jpeg')", name="report_photo_type"),
    sa.Index("report_photo_of", "report_id", "at"),
)

# Who sent a report. The web role writes it and nobody but the owner and the backup reads it (sql/report.sql).
report_reporter = sa.Table(
    "report_reporter",
    core,
    _of_report(primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("device", sa.Text),
    sa.Column("words", sa.Text),  # as they were sent, where something in them was masked
    sa.Column("media_url", sa.Text),  # where they keep a picture: such an address names its owner
    sa.Column("secret", sa.Text, nullable=False),  # SHA-256 of what the sender alone was told: to rate, to reopen
    _stamp("at", nullable=False),
)

# Who was told who sent a report, when and why; append-only, written by the function that tells it (sql/report.sql).
report_look = sa.Table(
    "report_look",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _of_report(),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
