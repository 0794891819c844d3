"""Degrees as people write them: degrees, minutes and seconds with the letter of the quarter."""


def dms(lat: float, lon: float) -> str:
    """`16°34'12"N 107°38'24"E`, seconds rounded."""
    return f"{_dms(lat, 'N', 'S')} {_dms(lon, 'E', 'W')}"


def _dms(value: float, plus: str, minus: str) -> str:
    seconds = round(abs(value) * 3600)
    return f"{seconds // 3600}°{seconds // 60 % 60:02d}'{seconds % 60:02d}\"{plus if value >= 0 else minus}"


def dm(lat: float, lon: float, point: str = ".") -> str:
    """`16°34.2'N 107°38.4'E`: degrees and minutes as on a nautical chart, minutes to a tenth (about 180 m)."""
    return f"{_dm(lat, 'N', 'S', point)} {_dm(lon, 'E', 'W', point)}"


def _dm(value: float, plus: str, minus: str, point: str) -> str:
    tenths = round(abs(value) * 600)
    return f"{tenths // 600}°{tenths // 10 % 60:02d}{point}{tenths % 10}'{plus if value >= 0 else minus}"
