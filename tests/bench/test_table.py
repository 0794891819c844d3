"""The README's table out of `bench --json`, and the run of all benchmarks that keeps it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bench import table, turn
from bench.report import Report
from bench.target import TARGETS, Target


def kept(path: Path, bench: str, **more: Any) -> Path:
    report = Report(bench, f"made up for {bench}", ("numpy",))
    path.write_text(json.dumps({**report.as_dict(), "at": "2026-03-04T05:06:07+00:00", **more}) + "\n")
    return path


def test_the_table_tells_each_figure_beside_its_floor_and_stretch(tmp_path: Path) -> None:
    decode = kept(tmp_path / "decode.json", "decode", ratios={"vs_pyais": 23.04}, figures={"equal_numeric": 1.0})
    live = kept(tmp_path / "live.json", "live", figures={"p99_ms": 290.0})
    made = table.markdown(table.read([live, decode]))
    lines = made.splitlines()
    assert (
        "| decode | NMEA bytes to typed columns on one core, vs pyais IterMessages | 23.04x | 15x | 25x | floor |"
        in lines
    )
    assert "| decode | numeric values equal to pyais's | 100 % | 100 % |  | floor |" in lines
    assert "| live | socket to drawn pixel at 1,000 messages/s, p99 | 290 ms | 1,000 ms | 300 ms | stretch |" in lines
    assert not any(line.startswith("| fences") for line in lines)  # not run, not told
    assert "Measured 2026-03-04 (UTC) on " in made
    assert "numpy " in made
    assert "- decode: made up for decode" in lines


def test_the_last_report_of_a_benchmark_counts(tmp_path: Path) -> None:
    first, last = (kept(tmp_path / f"{x}.json", "queue", ratios={"vs_single_xadd": x}) for x in (100.0, 350.0))
    both = tmp_path / "both.jsonl"
    both.write_text(first.read_text() + last.read_text())
    assert table.read([both])["queue"]["ratios"] == {"vs_single_xadd": 350.0}


def test_a_file_without_a_date_bears_its_own(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text(json.dumps(Report("map", "made up").as_dict()))
    os.utime(file, (1_770_000_000, 1_770_000_000))
    assert table.read([file])["map"]["day"] == "2026-02-02"


@pytest.mark.parametrize("text", ["no json", "[1]", '{"data": "of no benchmark"}'])
def test_what_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "what.json"
    file.write_text(text)
    with pytest.raises(table.TableError, match=r"what\.json"):
        table.read([file])


def test_writing_replaces_only_what_stands_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"# above\n{table.BEGIN}\nold\n{table.END}\nbelow\n")
    for made in ("| a |", "| b |"):
        table.write(page, made)
    assert page.read_text() == f"# above\n{table.BEGIN}\n| b |\n{table.END}\nbelow\n"
    page.write_text("# no marks\n")
    with pytest.raises(table.TableError, match=r"README\.md"):
        table.write(page, "| a |")
    assert page.read_text() == "# no marks\n"


def test_the_readme_has_a_place_for_the_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert readme.count(table.BEGIN) == readme.count(table.END) == 1


@pytest.mark.parametrize(
    ("more_is_better", "value", "reached"),
    [
        (True, 14.9, "below the floor"),
        (True, 15, "floor"),
        (True, 25, "stretch"),
        (False, 30, "below the floor"),
        (False, 25, "floor"),
        (False, 15, "stretch"),
    ],
)
def test_what_counts_as_reached(more_is_better: bool, value: float, reached: str) -> None:
    floor, stretch = (15, 25) if more_is_better else (25, 15)
    assert Target("map", "key", "", floor, stretch, more_is_better=more_is_better).reached(value) == reached


def test_each_target_is_stated_once() -> None:
    keys = [(target.bench, target.key) for target in TARGETS]
    assert len(keys) == len(set(keys))


def test_a_benchmark_that_fails_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = tmp_path / "app.py"
    app.write_text(
        "import json, sys\n"
        "name = sys.argv[2]\n"
        "if name == 'bad': sys.exit(3)\n"
        "print('no json' if name == 'odd' else json.dumps({'bench': name, 'options': sys.argv[3:]}))\n"
    )
    monkeypatch.setattr(turn, "APP", app)
    said: list[str] = []
    out = tmp_path / "out"
    failed = turn.run([("bad", []), ("odd", []), ("good", ["--data", "x"])], out, said.append)
    assert failed == ["bad", "odd"]
    assert [file.name for file in out.iterdir()] == ["good.json"]
    told = json.loads((out / "good.json").read_text())
    assert told["options"] == ["--data", "x", "--json"]
    assert told["at"].endswith("+00:00")
