"""Degrees as people write them: degrees, minutes and seconds with the letter of the quarter."""


def dms(lat: float, lon: float) -> str:
    """`16°34'12"N 107°38'24"E`, seconds rounded."""
    return f"{_dms(lat, 'N', 'S')} {_dms(lon, 'E', 'W')}"


def _dms(value: float, plus: str, minus: str) -> str:
    seconds = round(abs(value) * 3600)
    return f"{seconds // 3600}°{seconds // 60 % 60:02d}'{seconds % 60:02d}\"{plus if value >= 0 else minus}"
