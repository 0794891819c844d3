"""Text as it is compared and as keys are made of it: lower case, without accents."""

import re
import unicodedata


def fold(text: str) -> str:
    """Lower case without accents and without anything but letters and digits, so `Thuan an` finds `Thuận An`."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return re.sub(r"[^a-z0-9]+", " ", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip()
