"""A scripted watch for tests: rules, and alarms raised, cleared and handled at given times as worker and desk do it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from shapely import box

from geo import account, alarm, handling, journal, shelf
from geo.actor import SYSTEM, Actor
from geo.fence import Fence, fences, put_fences
from geo.rule import Rule, put_rules, rules
from geo.shift import Shift, parse

SHIFT: Shift = parse("2026-11-25.2")  # 14:00 to 22:00 in Huế
LAN, MINH, BE = Actor("Lan"), Actor("Minh"), Actor("Bé")
CLOSED = Fence("closed", "area", "Khu vực cấm khai thác", "No-fishing area", box(107.8, 16.7, 107.95, 16.8))
RULES = (
    Rule("zone", "inside", "vessel", "Sai vùng: tàu từ 15 m", "Wrong zone: 15 m and over", "high", "closed"),
    Rule("small", "inside", "vessel", "Vào khu vực cấm", "In a closed area", "low", "closed"),
    Rule("lost", "silence", "vessel", "Mất tín hiệu", "Lost signal", "medium", params={"silence_s": 21600}),
    Rule("caution", "inside", "vessel", "Chú ý", "Caution", "low", "closed", latching=False),
    Rule("near", "approach", "vessel", "Gần ranh giới", "Near the boundary", "medium", "closed",
         params={"steps_nm": [15, 10, 6, 3]}),
    Rule("cry", "distress", "vessel", "Cấp cứu", "Distress", "critical"),
    Rule("source", "feed", "vessel", "Nguồn dữ liệu im lặng", "Feed silent", "medium"),
)  # fmt: skip


def local(clock: str, day: str = "2026-11-25") -> datetime:
    """That time of that day in Huế, UTC."""
    return datetime.fromisoformat(f"{day}T{clock}+07:00").astimezone(UTC)


@dataclass
class Watch:
    """What worker, clock and people do, each step at the time it is given; times are `14:05` of the day or moments."""

    engine: sa.Engine
    day: str = "2026-11-25"

    def at(self, when: str | datetime) -> datetime:
        return when if isinstance(when, datetime) else local(when, self.day)

    def prepare(self) -> "Watch":
        with self.engine.begin() as connection:
            put_fences(connection, [CLOSED], SYSTEM)
            put_rules(connection, RULES, SYSTEM)
            handling.put_units(connection, [("fishery", "Chi cục Thủy sản", "Fisheries sub-department")])
        return self

    def rule(self, connection: sa.Connection, key: str) -> Rule:
        return next(one for one in rules(connection) if one.key == key)

    def raised(self, when: str | datetime, key: str = "zone", boat: str = "574000001", **more: Any) -> int:
        """told: when it was written here, if later; cleared: its end, for one that is known only afterwards."""
        at = self.at(when)
        now = self.at(more.pop("told", at))
        over = more.pop("cleared", None)
        with self.engine.begin() as connection:
            rule = self.rule(connection, key)
            fence_id = next((one.id for one in fences(connection) if one.key == rule.fence_key), None)
            subject = {
                "object_key": boat, "object_label": f"TTH-{boat[-5:]}-TS", "lon": 107.85, "lat": 16.72,
                "observed_at": at, "simulated": False, "evidence": {},
            }  # fmt: skip
            number = alarm.raise_alarm(connection, rule, fence_id, {**subject, **more}, at, now, over and self.at(over))
        assert number is not None
        return number

    def cleared(self, when: str | datetime, key: str = "zone", boat: str = "574000001", told: Any = None) -> None:
        at = self.at(when)
        with self.engine.begin() as connection:
            found = alarm.clear_alarm(connection, self.rule(connection, key), boat, at, self.at(told or at))
        assert found is not None

    def stepped(self, when: str | datetime, value: float, key: str = "near", boat: str = "574000001") -> None:
        at = self.at(when)
        with self.engine.begin() as connection:
            found = alarm.step_alarm(connection, self.rule(connection, key), boat, at, value, at)
        assert found is not None

    def acknowledged(self, when: str | datetime, number: int, by: Actor = LAN, comment: str | None = None) -> None:
        with self.engine.begin() as connection:
            assert handling.acknowledge(connection, number, by, comment, self.at(when)) is not None

    def assigned(self, when: str | datetime, number: int, person: str | None, by: Actor = LAN) -> None:
        with self.engine.begin() as connection:
            assert handling.assign(connection, number, "fishery", person, by, None, self.at(when))

    def escalated(self, when: str | datetime, number: int, by: Actor = LAN, comment: str | None = None) -> None:
        with self.engine.begin() as connection:
            assert handling.escalate(connection, number, by, comment, self.at(when))

    def withdrawn(self, when: str | datetime, number: int, by: Actor = LAN, comment: str = "vị trí sai") -> None:
        with self.engine.begin() as connection:
            assert alarm.withdraw_alarm(connection, number, by, comment, self.at(when)) is not None

    def shelved(self, when: str | datetime, number: int, span: str = "6h", reason: str = "đang kiểm tra") -> None:
        with self.engine.begin() as connection:
            assert shelf.shelve(connection, number, span, LAN, reason, self.at(when)) is not None

    def unshelved(self, when: str | datetime) -> None:
        """The clock gives back what is due."""
        with self.engine.begin() as connection:
            shelf.expire(connection, self.at(when))

    def suppressed(self, when: str | datetime, number: int, parent: int) -> None:
        with self.engine.begin() as connection:
            assert alarm.suppress(connection, [number], parent, self.at(when)) == 1

    def released(self, when: str | datetime, parent: int) -> None:
        with self.engine.begin() as connection:
            assert alarm.release(connection, parent, self.at(when)) == 1

    def muted(self, when: str | datetime, minutes: float, by: Actor = LAN) -> None:
        with self.engine.begin() as connection:
            journal.write(connection, None, "mute", self.at(when), by, data={"minutes": minutes})

    def heard(self, source: str, start: str | datetime, end: str | datetime, simulated: bool = False) -> None:
        """Something came in each minute from start to end of a source that is expected to speak every minute."""
        at, over = self.at(start), self.at(end)
        minutes = {at + timedelta(minutes=n): 9 for n in range(int((over - at).total_seconds() // 60))}
        with self.engine.begin() as connection:
            account.register_feed(connection, source, "ais", "vessel", simulated=simulated, expected_s=60)
            account.record_minutes(connection, source, minutes)


def afternoon(watch: Watch) -> dict[str, int]:
    """A shift, 14:00 to 22:00, with one of everything; the alarms' numbers by name."""
    made = {
        "old": watch.raised("12:00", boat="574000001"),
        "leaving": watch.raised("13:00", "small", "574000002"),
    }
    watch.acknowledged("13:10", made["leaving"])
    watch.cleared("15:00", "small", "574000002")
    made["first"] = watch.raised("14:00", "small", "574000003")  # the shift's first moment is its own
    made["late"] = watch.raised("13:50", "lost", "574000004", told="14:20")  # told in this shift, so this one's
    made["back"] = watch.raised("15:30", boat="574000005")
    watch.cleared("16:00", boat="574000005")
    made["known"] = watch.raised("16:05", boat="574000006")
    watch.acknowledged("16:10", made["known"], MINH, "đã gọi chủ tàu")
    watch.assigned("16:15", made["known"], "Trần Văn Bé")
    made["wrong"] = watch.raised("17:00", "small", "574000007")
    watch.withdrawn("17:30", made["wrong"])
    made["aside"] = watch.raised("18:00", "small", "574000008")
    watch.shelved("18:05", made["aside"])
    made["given back"] = watch.raised("18:10", boat="574000009")
    watch.shelved("18:11", made["given back"], "30m", "tàu cứu hộ")
    watch.unshelved("18:42")
    made["child"] = watch.raised("19:00", "near", "574000010")
    watch.suppressed("19:01", made["child"], made["known"])
    watch.escalated("19:30", made["late"], MINH, "chưa liên lạc được")
    made["passing"] = watch.raised("20:00", "caution", "574000011")
    watch.cleared("20:10", "caution", "574000011")
    made["cry"] = watch.raised("21:59", "cry", "970000001")
    watch.muted("21:00", 5)
    watch.heard("ais.quay", "13:00", "15:05")
    made["feed"] = watch.raised("15:07", "source", "ais.quay", object_label=None)
    watch.heard("ais.quay", "15:40", "22:30")
    watch.cleared("15:40", "source", "ais.quay")
    watch.acknowledged("15:45", made["feed"])
    watch.heard("ais.cape", "13:00", "21:00")
    made["next"] = watch.raised("22:00", "small", "574000012")  # its end is the next one's first moment
    watch.acknowledged("22:05", made["old"], BE)
    watch.cleared("22:10", boat="574000006")
    return made
