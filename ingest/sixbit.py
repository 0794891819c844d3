"""Six-bit packing by columns: eight characters of a byte each to one 48-bit word and back (ITU-R M.1371-5, 8.2.4)."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
WORD_BITS = 48
ILLEGAL = 0x80


def _values() -> bytes:
    legal = {code: code - 48 for code in range(48, 88)} | {code: code - 56 for code in range(96, 120)}
    return bytes(legal.get(code, ILLEGAL) for code in range(256))


# For bytes.translate: a payload character to its six bits, anything else to ILLEGAL.
VALUES = _values()


def pack(spread: Array) -> Array:
    """Words of eight 6-bit values, one in each byte, the first in the highest -> the same 48 bits side by side."""
    x, high = spread & np.uint64(0x003F003F003F003F), spread & np.uint64(0x3F003F003F003F00)
    high >>= np.uint64(2)
    x |= high
    np.bitwise_and(x, np.uint64(0x0FFF00000FFF0000), out=high)
    high >>= np.uint64(4)
    x &= np.uint64(0x00000FFF00000FFF)
    x |= high
    np.right_shift(x, np.uint64(32), out=high)
    high <<= np.uint64(24)
    x &= np.uint64(0xFFFFFF)
    x |= high
    packed: Array = x
    return packed


def spread(packed: Array) -> Array:
    """The reverse of `pack`: each of the eight 6-bit values into a byte of its own."""
    x = ((packed >> np.uint64(24)) << np.uint64(32)) | (packed & np.uint64(0xFFFFFF))
    x = ((x & np.uint64(0x00FFF00000FFF000)) << np.uint64(4)) | (x & np.uint64(0x00000FFF00000FFF))
    wide: Array = ((x & np.uint64(0x0FC00FC00FC00FC0)) << np.uint64(2)) | (x & np.uint64(0x003F003F003F003F))
    return wide


def armour(wide: Array) -> Array:
    """Spread 6-bit values to their payload characters, in place of each byte."""
    high = ((wide + np.uint64(0x1818181818181818)) & np.uint64(0x4040404040404040)) >> np.uint64(3)
    characters: Array = wide + np.uint64(0x3030303030303030) + high
    return characters


def ascii_text(wide: Array) -> Array:
    """Spread 6-bit values to the ASCII of text fields: 0 is @, 32 is a blank."""
    letters: Array = wide + (~(wide << np.uint64(1)) & np.uint64(0x4040404040404040))
    return letters
