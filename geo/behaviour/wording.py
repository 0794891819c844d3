"""Events in a sentence: what was seen and by which figures, never what somebody meant by it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.behaviour.event import KINDS

_GEARS = {
    "trawl": ("lưới kéo", "trawl"),
    "gillnet": ("lưới rê", "gillnet"),
    "longline": ("câu vàng", "longline"),
    "handline": ("câu tay", "handline"),
    "seine": ("lưới vây", "seine"),
    "squid": ("câu mực", "squid"),
    "other": ("chưa rõ nghề", "unknown gear"),
}
_LOW = ("độ tin cậy thấp: vị trí thưa hoặc chưa rõ nghề", "low confidence: sparse positions or unknown gear")


def sentence(event: Mapping[str, Any], now: datetime, port: tuple[str, str] | None = None) -> tuple[str, str]:
    """An event of geo.boat_event in Vietnamese and English; port: its port's name in both, if it is known."""
    told, kind = event["parameters"], event["kind"]
    hours = ((event["ended_at"] or now) - event["began_at"]).total_seconds() / 3600
    vi, en = KINDS[kind]
    goes_on = event["ended_at"] is None
    parts = [
        (f"{_vi(hours)} giờ{', còn tiếp diễn' if goes_on else ''}", f"{hours:.1f} h{', going on' if goes_on else ''}")
    ]
    if kind == "fishing":
        gear = _GEARS[told["gear"]]
        parts.append(gear)
        parts.append((f"trung vị {_vi(told['median_kn'])} hải lý/giờ", f"median {told['median_kn']} kn"))
        parts.append((f"{told['positions']} vị trí", f"{told['positions']} positions"))
    elif kind == "encounter":
        other = event["other_label"] or event["other_key"]
        vi, en = f"{vi} với {other}", f"{en} with {other}"
        parts.append((f"cách nhau {told['median_m']} m", f"{told['median_m']} m apart"))
        parts.append((f"trung vị {_vi(told['median_kn'])} hải lý/giờ", f"median {told['median_kn']} kn"))
    elif kind == "loitering":
        parts.append((f"trung bình {_vi(told['average_kn'])} hải lý/giờ", f"{told['average_kn']} kn on average"))
        parts.append((f"cách bờ {_vi(told['offshore_nm'])} hải lý", f"{told['offshore_nm']} nm from shore"))
    elif kind == "port_visit":
        vi, en = (f"Ghé {port[0]}", f"{en}, {port[1]}") if port else (f"{vi} {told['port']}", f"{en}, {told['port']}")
    else:
        off = told["offshore_nm"]
        parts.append((f"bắt đầu cách bờ {_vi(off)} hải lý", f"began {off} nm from shore"))
        if told.get("source_silent"):
            parts.append(("nguồn dữ liệu cũng im lặng", "its data source was silent too"))
        if kind == "possible_disabling":
            number = told["positions_before"]
            hours_before = event["criteria"]["disabling_before"].removesuffix(" h")
            parts.append(
                (
                    f"{number} vị trí trong {hours_before} giờ trước đó",
                    f"{number} positions in the {hours_before} h before",
                )
            )
    if event["confidence"] == "low":
        parts.append(_LOW)
    return f"{vi}: {', '.join(each for each, _ in parts)}", f"{en}: {', '.join(each for _, each in parts)}"


def _vi(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
