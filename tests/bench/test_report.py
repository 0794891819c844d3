"""The shape of `bench --json`, which checks rely on."""

import json

import pytest

from bench.report import Report, percentile


def test_the_report_is_one_json_object_with_the_agreed_keys(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("map", "made up", ("numpy",))
    report.add("ours", "ms", 3.0, 1.0, 2.0)
    report.ratios["main_1k"] = 21.123456
    report.figures["fps_20k"] = 60.0
    report.print(as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"bench", "data", "versions", "machine", "rows", "ratios", "figures"}
    assert told["rows"] == [{"contender": "ours", "unit": "ms", "median": 2.0, "runs": [3.0, 1.0, 2.0]}]
    assert told["ratios"] == {"main_1k": 21.12}
    assert {"python", "numpy"} <= set(told["versions"])


def test_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("map", "made up")
    report.add("ours", "ms", 3.0)
    report.print(as_json=False)
    assert "ours" in capsys.readouterr().out


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(100)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
