"""How much of this machine's memory a private server takes."""

import os


def megabytes(eighths: int, least: int, most: int) -> int:
    """`eighths` eighths of the machine's memory, in MB, within [least, most]."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(least, min(most, total * eighths // 8))
