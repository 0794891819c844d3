"""The view as a URL: case does not matter, nonsense falls back, and the filter is what the drawing takes."""

import pytest

from pages.view import View, read

HOME = (16.62, 107.95, 10)


def test_an_empty_address_is_the_first_picture() -> None:
    assert read("", HOME) == View(16.62, 107.95, 10)


def test_every_key_is_read_whatever_its_case() -> None:
    view = read(
        "?LAT=16.5&Lon=107,7&Z=11.5&OFF=Zone,vessel.CARGO,vessel.tanker&Opacity=vessel:60&CHOSEN=Vessel.574091234"
        "&Trail=NONE&labels=OFF&FOLLOW=1&Events=ON&Theme=LIGHT&LANG=EN",
        HOME,
    )
    assert view == View(
        lat=16.5,
        lon=107.7,
        zoom=11.5,
        off={"zone": ("*",), "vessel": ("cargo", "tanker")},
        opacity={"vessel": 0.6},
        chosen=("vessel", "574091234"),
        trail=False,
        labels=False,
        follow=True,
        events=True,
        theme="light",
        lang="en",
    )


@pytest.mark.parametrize("search", ["?lat=95&lon=x&z=99&chosen=vessel&theme=pink", "?lat=&lon=nan&z=inf", "?&&=&lat"])
def test_nonsense_falls_back_to_home(search: str) -> None:
    view = read(search, HOME)
    assert (view.lat, view.lon, view.zoom, view.chosen, view.theme) == (*HOME, None, None)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("1", "1"), ("Boat.Registered", "boat.registered"), ("", None), ("0", None), ("a b", None), ("<svg>.x", None)],
)
def test_communes_are_shown_as_borders_or_by_a_figures_key(asked: str, shown: str | None) -> None:
    assert read(f"?areas={asked}", HOME).areas == shown


def test_filter_names_only_what_differs() -> None:
    assert read("?off=vessel.cargo&opacity=report:50", HOME).filter() == {
        "vessel": {"off": ["cargo"], "opacity": 1.0},
        "report": {"off": [], "opacity": 0.5},
    }
    assert read("", HOME).filter() == {}
