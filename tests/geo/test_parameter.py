"""Units and names of what stations measure."""

import pytest

from geo.parameter import BY_NAME, PARAMETERS, parameter


@pytest.mark.parametrize(
    ("name", "value", "unit", "kept"),
    [
        ("pm25", 12.5, "µg/m³", 12.5),  # micro sign
        ("pm25", 12.5, "μg/m3", 12.5),  # the Greek letter
        ("pm25", 0.0125, "mg / m³", 12.5),
        ("no2", 10, "ppb", 18.818),
        ("so2", 0.01, "ppm", 26.204),
        ("o3", 50, "PPB", 98.160),
        ("co", 1, "ppm", 1145.603),
        ("water_m", 256, "cm", 2.56),
        ("temperature_c", 31, "degC", 31),
        ("ammonium_mg_l", 300, "ug/L", 0.3),
    ],
)
def test_values_come_into_one_unit(name: str, value: float, unit: str, kept: float) -> None:
    assert BY_NAME[name].converted(value, unit) == pytest.approx(kept, abs=0.001)


@pytest.mark.parametrize(("name", "unit"), [("pm25", "ppb"), ("water_m", "ft"), ("ph", "mV"), ("rain_mm", "m/s")])
def test_a_unit_that_a_parameter_cannot_have_is_none_of_its_units(name: str, unit: str) -> None:
    assert BY_NAME[name].converted(1.0, unit) is None


@pytest.mark.parametrize(
    ("told", "name"),
    [("PM2.5", "pm25"), ("pm2_5", "pm25"), ("Ozone", "o3"), ("Water level", "water_m"), ("mực nước", "water_m"),
     ("NO2", "no2"), ("water_level", "water_m"), ("oxygen_mg_l", "oxygen_mg_l"), ("Dissolved Oxygen", "oxygen_mg_l")],
)  # fmt: skip
def test_parameters_are_known_by_the_names_that_senders_give_them(told: str, name: str) -> None:
    found = parameter(told)
    assert found is not None
    assert found.name == name


def test_what_no_station_measures_is_no_parameter_and_every_name_is_its_own() -> None:
    assert parameter("radon") is None
    assert parameter("") is None
    assert len(BY_NAME) == len(PARAMETERS)
    assert all(parameter(one.name) is one and one.least < one.most for one in PARAMETERS)
