"""Parameters of environment stations: the unit each is kept in, the units it may come in, and what it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

HOUR_S = 3600.0
# A gas's µg/m³ for each ppb at 25 °C and 1 atm, the reference state of QCVN 05:2023/BTNMT: molar mass over 24.45 l/mol.
_LITRES = 24.45
_MOLAR = {"o3": 48.00, "co": 28.01, "so2": 64.07, "no2": 46.01}


@dataclass(frozen=True)
class Parameter:
    """One thing that a station measures: its column, unit, words, other units by their factor, and its sane range.

    least, most: what lies beyond no sensor of this kind measures, so that it is a fault of the sensor or of its unit
    (decided by us, [D]). kept_s: for how long its last value stands for it, until it is not shown as known any more; 0
    where each value is of its own time alone (rain).
    """

    name: str
    unit: str
    vi: str
    en: str
    least: float
    most: float
    factors: Mapping[str, float] = field(default_factory=dict)
    kept_s: float = 2 * HOUR_S

    def converted(self, value: float, unit: str) -> float | None:
        """A value in this parameter's own unit, or None where the unit is none of its units."""
        factor = self.factor(unit)
        return None if factor is None else value * factor

    def factor(self, unit: str) -> float | None:
        """By what a value in another unit is multiplied, or None where the unit is none of its units."""
        return {plain_unit(own): factor for own, factor in {**self.factors, self.unit: 1.0}.items()}.get(
            plain_unit(unit)
        )


def plain_unit(unit: str) -> str:
    """A unit as it is compared: both letters that look like µ, superscripts, blanks and case do not matter."""
    return "".join(normalize("NFKC", unit).split()).casefold().replace("μ", "u").replace("^", "").replace("**", "")


def _gas(name: str, vi: str, most: float) -> Parameter:
    ppb = _MOLAR[name] / _LITRES
    more = {"mg/m³": 1000.0, "ppb": ppb, "ppm": 1000.0 * ppb}
    return Parameter(name, "µg/m³", vi, vi, 0, most, more)


_DUST = {"mg/m³": 1000.0}
_LENGTH = {"cm": 0.01, "mm": 0.001}
WATER_M = Parameter("water_m", "m", "Mực nước", "Water level", -5, 150, _LENGTH)
RAIN_MM = Parameter("rain_mm", "mm", "Mưa từ lần báo trước", "Rain since the last report", 0, 300, {"cm": 10.0}, 0.0)
GASES = (
    _gas("o3", "O₃", 2_000),
    _gas("co", "CO", 200_000),
    _gas("so2", "SO₂", 10_000),
    _gas("no2", "NO₂", 10_000),
)
AIR = (
    Parameter("pm25", "µg/m³", "Bụi PM2,5", "PM2.5", 0, 2_000, _DUST),
    Parameter("pm10", "µg/m³", "Bụi PM10", "PM10", 0, 5_000, _DUST),
    *GASES,
)
PARAMETERS = (
    *AIR,
    Parameter("temperature_c", "°C", "Nhiệt độ", "Temperature", -20, 60, {"C": 1.0, "Cel": 1.0, "degC": 1.0}),
    Parameter("humidity", "%", "Độ ẩm", "Humidity", 0, 100, {"%RH": 1.0, "percent": 1.0}),
    RAIN_MM,
    WATER_M,
    Parameter("ph", "", "Độ pH", "pH", 0, 14, {"pH": 1.0, "1": 1.0}),
    Parameter("oxygen_mg_l", "mg/l", "Ôxy hoà tan (DO)", "Dissolved oxygen", 0, 25),
    Parameter("turbidity_ntu", "NTU", "Độ đục", "Turbidity", 0, 10_000, {"FNU": 1.0}),
    Parameter("conductivity_us_cm", "µS/cm", "Độ dẫn điện", "Conductivity", 0, 100_000, {"mS/cm": 1000.0}),
    Parameter("ammonium_mg_l", "mg/l", "Amoni (NH₄⁺)", "Ammonium", 0, 500, {"µg/l": 0.001}),
)
BY_NAME: Mapping[str, Parameter] = {one.name: one for one in PARAMETERS}
# Other names under which senders know them, as `plain_name` writes those.
_ALSO = {
    "pm25": ("pm2.5", "pm2,5", "pm2_5", "bụipm2.5", "particulatematter2.5"),
    "pm10": ("bụipm10", "particulatematter10"),
    "o3": ("ozone", "ozon"),
    "co": ("carbonmonoxide",),
    "so2": ("sulfurdioxide", "sulphurdioxide"),
    "no2": ("nitrogendioxide",),
    "temperature_c": ("temperature", "temp", "airtemperature", "nhiệtđộ"),
    "humidity": ("relativehumidity", "rh", "độẩm"),
    "rain_mm": ("rain", "rainfall", "precipitation", "mưa", "lượngmưa"),
    "water_m": ("waterlevel", "stage", "gaugeheight", "riverlevel", "mựcnước"),
    "oxygen_mg_l": ("do", "dissolvedoxygen", "oxygen"),
    "turbidity_ntu": ("turbidity", "độđục"),
    "conductivity_us_cm": ("conductivity", "ec", "độdẫnđiện"),
    "ammonium_mg_l": ("ammonium", "nh4", "amoni"),
}


def plain_name(name: str) -> str:
    """A parameter's name as it is compared: without blanks, hyphens, and case."""
    return normalize("NFKC", name).casefold().replace(" ", "").replace("-", "")


_NAMES = {plain_name(also): name for name, others in _ALSO.items() for also in others}


def parameter(name: str) -> Parameter | None:
    """The parameter that a sender names, in its own way or in ours; None for what no station here measures."""
    plain = plain_name(name)
    return (
        BY_NAME.get(plain) or BY_NAME.get(_NAMES.get(plain, "")) or BY_NAME.get(_NAMES.get(plain.replace("_", ""), ""))
    )
