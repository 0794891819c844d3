"""An alarm in words, as a letter, as a sentence and within an SMS."""

from datetime import UTC, datetime
from typing import Any

import pytest

from geo.delivery import Delivery
from run.wording import _size, compose, plain, sms

AT = datetime(2026, 11, 25, 18, 5, tzinfo=UTC)  # past midnight at Huế
HOSTILE = "TTH-1\r\nBcc: x@y.vn\u202e\u200b\x07\ud800 TS"


def given(transition: str = "raise", flood: int | None = None, **changes: Any) -> Delivery:
    line = {
        "severity": "critical", "name_vi": "Vào khu vực cấm khai thác: không được vào", "name_en": "x", "rule": "ban",
        "object_label": "TTH-91234-TS", "object_key": "574091234", "other_key": "", "layer": "vessel",
        "fence_vi": "Khu vực cấm", "fence_en": "Closed", "lat": 16.72, "lon": 107.85, "happened_at": AT, "value": None,
        "acknowledged_at": None, "acknowledged_by": None, "raised_at": AT, "cleared_at": None, "simulated": False,
        "response_vi": "Gọi thuyền trưởng", "flood_size": 312, "flood_rule_id": 1,
    }  # fmt: skip
    return Delivery(7, 1, 9, transition, flood, None, AT, 1, (), {**line, **changes})


def test_a_letter_says_what_where_when_and_what_to_do() -> None:
    message = compose(given(), "Trung tâm Huế", "https://haidang.hue/")
    assert message.subject == "[Hải Đăng] KHẨN CẤP · Vào khu vực cấm khai thác · TTH-91234-TS"
    assert message.letter.splitlines() == [
        "Mức: KHẨN CẤP",
        "Luật: Vào khu vực cấm khai thác: không được vào",
        "Đối tượng: TTH-91234-TS (574091234)",
        "Vùng: Khu vực cấm",
        "Vị trí: 16°43'12\"N 107°51'00\"E (16,72000; 107,85000)",
        "Lúc: 01:05 26/11/2026 (giờ Việt Nam)",
        "Diễn biến: báo động mới",
        "Xác nhận: chưa có",
        "Việc cần làm: Gọi thuyền trưởng",
        "Bàn báo động: https://haidang.hue/?chosen=vessel.574091234&lat=16.72000&lon=107.85000&z=11",
        "",
        "Trung tâm Huế",
        "Thư tự động của Hải Đăng, mã haidang-7-20261125180500. Nhận hai lần cùng một mã là một báo động.",
    ]
    assert "Bàn báo động" not in compose(given(), "Huế", None).letter


def test_an_escalation_a_flood_and_a_simulation_say_so() -> None:
    assert compose(given("escalate"), "Huế", None).subject.endswith("– LEO THANG, chưa ai xử lý")
    flood = compose(given(flood=3), "Huế", None)
    assert "312 báo động" in flood.line
    assert "Nhiều luật cùng lúc" in compose(given(flood=3, flood_rule_id=None), "Huế", None).subject
    simulated = compose(given(simulated=True), "Huế", None)
    for text in (simulated.subject, simulated.line, simulated.letter, simulated.sms_parts[0]):
        assert "MÔ PHỎNG" in text
    assert sms(simulated, False, 1).startswith("MO PHONG KHAN CAP: ")


def test_what_has_no_place_leads_to_the_desk() -> None:
    message = compose(given(lat=None, lon=None), "Huế", "https://haidang.hue")
    assert "Vị trí: chưa rõ" in message.letter
    assert "Bàn báo động: https://haidang.hue/alarms" in message.letter


def test_promise_15_text_of_others_stays_one_line_of_visible_letters() -> None:
    assert plain(HOSTILE) == "TTH-1 Bcc: x@y.vn TS"
    assert plain("e\u0302\u0301") == "ế"
    assert plain("x" * 500, 10) == "x" * 9 + "…"
    message = compose(
        given(object_label=HOSTILE, name_vi="Luật\nBcc: z@y.vn", acknowledged_by="\u2066Lan"), "Huế", None
    )
    for text in (message.subject, message.line, sms(message, True, 3), sms(message, False, 3)):
        assert not set(text) & set("\r\n\u202e\u200b\u2066\x07")
    assert sum(line.startswith(("Bcc", "Luật")) for line in message.letter.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),  # each counts twice
        ("[" * 81, 2),
        ("ế" * 70, 1),
        ("ế" * 71, 2),
        ("ế" * 134, 2),
        ("ế" * 135, 3),
        ("😀" * 35, 1),  # two units of UCS-2
        ("😀" * 36, 2),
        ("à" * 160, 1),  # GSM text has some accents
    ],
)
def test_segments_are_counted_as_the_network_counts_them(text: str, segments: int) -> None:
    assert _size(text) == segments


def test_an_sms_keeps_to_its_segments_and_shortens_the_rule_first() -> None:
    message = compose(given(), "Huế", None)
    assert sms(message, False, 1) == (
        "KHAN CAP: Vao khu vuc cam khai thac. TTH-91234-TS. 16.72000, 107.85000. 01:05 26/11/2026"
    )
    short = sms(message, True, 1)
    assert len(short) <= 70
    assert short.startswith("KHẨN CẤP: V")
    assert short.endswith("... TTH-91234-TS. 16.72000, 107.85000. 01:05 26/11/2026")
    long = compose(given("escalate", name_vi="Luật rất dài " * 9, object_label="TÀU " * 30), "Huế", None)
    for accents in (False, True):
        for segments in (1, 2, 3):
            text = sms(long, accents, segments)
            assert _size(text) <= segments
            assert text.startswith("KHẨN CẤP:" if accents else "KHAN CAP:")


def test_a_test_says_that_it_is_one() -> None:
    tested = Delivery(8, 1, None, "test", None, "Lan\r\n", AT, 1, ())
    message = compose(tested, "Huế", None)
    assert message.subject == "[Hải Đăng] Tin thử – Lan"
    assert message.letter.startswith("Đây là tin thử, không phải báo động. Lan gửi lúc 01:05 26/11/2026.")
    assert sms(message, False, 1) == "Hai Dang: TIN THU, khong phai bao dong. Lan gui. 01:05 26/11/2026"
