"""An exercise that comes from outside, as a CAP alert out of a list would: read, checked and kept by the same door."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from geo.calendar import ZONE
from geo.cap import Alert, Area, Info, Named, read, write
from geo.warning_cap import EXERCISE, LEVEL
from geo.warning_received import receive
from geo.warning_state import in_force

ORIGIN = "cap.sim"
SENDER = "khi-tuong.mo-phong.haidang.invalid"
LASTS = timedelta(hours=12)
LEFT = timedelta(hours=2)  # one that holds so much longer is not followed by another
SILENCE = timedelta(hours=24)  # of an alert that names no end; this one does
# East of Thuận An, latitude first (CAP 3.2.4), clear of the river mouth where the first ten minutes happen.
SEA = "16.94,108.10 16.98,108.40 16.74,108.48 16.66,108.18 16.94,108.10"
HEADLINES = ("Gió mạnh, sóng lớn ngoài khơi Huế (diễn tập)", "Strong wind and high waves off Huế (exercise)")


def document(now: datetime) -> bytes:
    """The alert of that moment."""
    sent = now.astimezone(ZONE).replace(microsecond=0)
    told = (("vi-VN", "Gió mạnh trên biển", HEADLINES[0], "Tàu nhỏ vào nơi trú.", "Vùng biển phía đông Thuận An"),
            ("en-US", "Strong wind at sea", HEADLINES[1], "Small boats take shelter.", "East of Thuận An"))  # fmt: skip
    info = tuple(
        Info(
            language=language, category=("Met",), event=event, urgency="Expected", severity="Moderate",
            certainty="Likely", effective=sent, expires=sent + LASTS, sender_name="Hải Đăng, ngày mô phỏng",
            headline=headline, instruction=instruction, parameter=(Named(value_name=LEVEL, value="2"),),
            area=(Area(area_desc=place, polygon=(SEA,)),),
        )
        for language, event, headline, instruction, place in told
    )  # fmt: skip
    named = {"identifier": f"mo-phong-{sent:%Y%m%d%H%M%S}", "sender": SENDER, "sent": sent, "note": EXERCISE}
    return write(Alert(**named, status="Exercise", msg_type="Alert", scope="Public", info=info))


def put_warning(engine: sa.Engine, now: datetime) -> bool:
    """Receive the exercise, marked as simulated, unless one of an earlier start holds for some time yet."""
    with engine.begin() as connection:
        if any(row["ends_at"] > now + LEFT for row in in_force(connection, now, ORIGIN)):
            return False
        body = document(now)
        return receive(connection, ORIGIN, read(body), body, now, SILENCE, simulated=True) == "new"
