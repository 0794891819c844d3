"""What recognition systems see through cameras: the tables, the closed lists, and plates as they may be shown."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from geo.table import core

# Closed lists, in Vietnamese and English.
TYPES: Mapping[str, tuple[str, str]] = {
    "red_light": ("Vượt đèn đỏ", "Red light"),
    "wrong_lane": ("Đi sai làn", "Wrong lane"),
    "wrong_way": ("Đi ngược chiều", "Wrong way"),
    "stop_park": ("Dừng, đỗ sai quy định", "Stopping or parking"),
    "speeding": ("Quá tốc độ", "Speeding"),
    "no_helmet": ("Không đội mũ bảo hiểm", "No helmet"),
    "phone": ("Dùng điện thoại khi lái xe", "Phone at the wheel"),
    "encroachment": ("Lấn chiếm vỉa hè, lòng đường", "Pavement or road encroachment"),
    "littering": ("Xả rác", "Littering"),
    "awning": ("Mái che, biển hiệu sai quy định", "Awnings and signs"),
    "discharge": ("Xả thải ra môi trường", "Discharge"),
    "other": ("Loại khác", "Other"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "detected": ("Mới phát hiện", "Detected"),
    "reviewed": ("Đã xem", "Reviewed"),
    "confirmed": ("Có vi phạm", "Confirmed"),
    "false": ("Báo sai", "False"),
    "forwarded": ("Đã chuyển xử lý", "Forwarded"),
}
FALSE_REASONS: Mapping[str, tuple[str, str]] = {
    "no_violation": ("Không có vi phạm", "No violation"),
    "unclear": ("Hình không rõ", "Picture unclear"),
    "wrong_plate": ("Đọc sai biển số", "Plate misread"),
    "exempt": ("Xe ưu tiên, được phép", "Priority vehicle, allowed"),
    "twice": ("Trùng sự kiện khác", "The same as another event"),
    "other": ("Lý do khác", "Another reason"),
}
LANE_MOST, CAMERA_MOST, SNAPSHOT_MOST, PLATE_MOST = 60, 120, 500, 20
SHOWN = 2  # letters at either end of a masked plate: the province and what tells two apart
_APART = r"[\s.\-\u2010-\u2015\u2212]{0,2}"
# A plate as people and systems write it: 75A-123.45, 75-B1 234.56, 29LD12345, 80-NG-123-45.
_WRITTEN = re.compile(
    rf"(?<![0-9A-Za-zĐđ])\d{{2}}{_APART}[A-Za-zĐđ]{{1,2}}\d?(?:{_APART}\d){{4,6}}(?![0-9A-Za-zĐđ])", re.IGNORECASE
)


def _stamp(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


# plate: masked. The whole one stands in a table of its own, which the web role may write to and never read.
camera_event = sa.Table(
    "camera_event",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("camera", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    _stamp("occurred_at", nullable=False),
    _stamp("received_at", nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("plate", sa.Text),
    sa.Column("lane", sa.Text),
    sa.Column("snapshot", sa.Text),  # the picture's address at the sender
    sa.Column("simulated", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'detected'")),
    _stamp("state_at", nullable=False),
    sa.Column("state_by", sa.Text),
    sa.Column("unit", sa.Text, sa.ForeignKey("unit.key")),  # to whom it was forwarded
    sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.UniqueConstraint("sender", "record_id", name="camera_event_once"),
    sa.CheckConstraint(
        "state IN ('detected', 'reviewed', 'confirmed', 'false', 'forwarded')", name="camera_event_state"
    ),
    sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="camera_event_confidence"),
    sa.CheckConstraint("plate IS NULL OR plate LIKE '%•%'", name="camera_event_masked"),
    sa.Index("camera_event_at", "occurred_at", "id"),
    sa.Index("camera_event_by_state", "state", "occurred_at", "id"),
    sa.Index("camera_event_by_type", "type", "occurred_at", "id"),
    sa.Index("camera_event_by_camera", "camera", "occurred_at", "id"),
)

camera_plate = sa.Table(
    "camera_plate",
    core,
    sa.Column("event_id", sa.BigInteger, sa.ForeignKey("camera_event.id"), primary_key=True, autoincrement=False),
    sa.Column("plate", sa.Text, nullable=False),
)

# What people decided about an event, append-only; its state follows from the last line.
camera_event_entry = sa.Table(
    "camera_event_entry",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.BigInteger, sa.ForeignKey("camera_event.id"), nullable=False),
    sa.Column("deed", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("unit", sa.Text, sa.ForeignKey("unit.key")),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.CheckConstraint("deed IN ('review', 'confirm', 'false', 'forward', 'reopen')", name="camera_event_entry_deed"),
    sa.CheckConstraint("deed <> 'false' OR reason IS NOT NULL", name="camera_event_entry_reason"),
    sa.CheckConstraint("deed <> 'forward' OR unit IS NOT NULL", name="camera_event_entry_unit"),
    sa.Index("camera_event_entry_of", "event_id", "id"),
)

# Who was told a whole plate, when and why; append-only, written by the function that tells it (sql/camera_event.sql).
camera_plate_look = sa.Table(
    "camera_plate_look",
    core,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.BigInteger, sa.ForeignKey("camera_event.id"), nullable=False),
    _stamp("at", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)


def plain(plate: str) -> str:
    """A plate's letters and digits alone, in capitals: 75A-123.45 is 75A12345."""
    return "".join(one for one in plate.upper() if one.isalnum())


def mask(plate: str) -> str:
    """A plate of which only the first and last two letters are left; nothing of one too short to hide enough."""
    known = plain(plate)
    if len(known) < 3 * SHOWN:
        return "•" * max(1, len(known))
    return known[:SHOWN] + "•" * (len(known) - 2 * SHOWN) + known[-SHOWN:]


def holds(text: str | None, plate: str) -> bool:
    """Whether a text has the plate in it, in whatever spelling."""
    known = plain(plate)
    return bool(text) and len(known) >= 4 and known in plain(text or "")


def without(text: str, plate: str) -> str:
    """A text in which this plate is masked, however it is spelled there."""
    letters = [re.escape(one) for one in plain(plate)]
    return re.sub(_APART.join(letters), mask(plate), text, flags=re.IGNORECASE) if letters else text


def without_plates(text: str) -> str:
    """A text with what looks like a plate in it masked."""
    return _WRITTEN.sub(lambda found: mask(found[0]), text)
