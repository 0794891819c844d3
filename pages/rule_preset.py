"""What a new rule can begin from: one pattern for each thing that people watch for."""

from typing import Any

from geo.rule import Rule
from pages.text import Text


def presets(t: Text) -> dict[str, str]:
    """What a new rule can begin from, by name, in words."""
    return {
        "closed": t("Vào vùng cấm"),
        "approach": t("Đến gần ranh giới"),
        "gate": t("Đi qua cổng"),
        "silence": t("Mất tín hiệu"),
        "speed": t("Chạy quá tốc độ trong vùng"),
        "meeting": t("Hai tàu cặp nhau"),
        "home": t("Phải ở trong vùng"),
        "zone": t("Sai vùng khai thác"),
        "enter": t("Đi vào vùng"),
        "exit": t("Ra khỏi vùng"),
    }


def starting(preset: str, layer: str = "vessel") -> Rule:
    """The rule that a new one begins from; the first preset for an unknown one. It has no key and no fence yet."""
    minutes = {"dwell_s": 300.0, "off_delay_s": 600.0}
    fishing: dict[str, Any] = {"ship_type": [30, 31]} if layer == "vessel" else {}
    made: dict[str, dict[str, Any]] = {
        "closed": {"kind": "inside", "severity": "high", "dwell_s": 60.0, "off_delay_s": 300.0},
        "approach": {
            "kind": "approach", "severity": "medium", "off_delay_s": 600.0, "params": {"steps_nm": [15, 10, 6, 3]},
        },
        "gate": {"kind": "crossing", "severity": "low", "latching": False, "params": {"direction": "both"}},
        "silence": {"kind": "silence", "severity": "medium", "params": {"silence_s": 21_600}, "applies_to": fishing},
        "speed": {
            "kind": "threshold", "severity": "medium", "dwell_s": 60.0, "off_delay_s": 60.0,
            "params": {"column": "speed", "above": 12, "deadband": 1},
        },
        "meeting": {
            "kind": "proximity", "severity": "medium", "dwell_s": 900.0, "off_delay_s": 600.0,
            "params": {"distance_m": 200, "hysteresis_m": 100}, "qualifies": {"speed": [None, 3]},
        },
        "zone": {"kind": "wrong_zone", "severity": "high", "off_delay_s": 600.0, "params": {"by_gear": True}},
        "home": {"kind": "outside", "severity": "medium", **minutes},
        "enter": {"kind": "enter", "severity": "low", "latching": False},
        "exit": {"kind": "exit", "severity": "low", "latching": False},
    }  # fmt: skip
    name = preset if preset in made else "closed"
    return Rule("", layer=layer, name_vi=presets(Text("vi"))[name], name_en=presets(Text("en"))[name], **made[name])
