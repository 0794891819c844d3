"""What citizens write, as it may be kept and shown: whole lines of plain text, without numbers and plates of people."""

import re
import unicodedata

from geo.camera_event import without_plates
from geo.contact import without_numbers
from geo.wrong import Wrong

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")  # categories of letters that are not seen, or turn a text round
LINES_MOST = 100


def plain(text: str | None, field: str, most: int, lines: bool = False) -> str | None:
    """A text composed and without unseen letters, None for an empty one; line breaks stay where `lines`. Raises Wrong.

    What is too long is refused and never cut: nobody is to be answered about half a report.
    """
    composed = unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n")
    broken = composed if lines else composed.replace("\n", " ")
    seen = "".join(
        one if one == "\n" else " " if one == "\t" else "" if unicodedata.category(one) in _HIDDEN else one
        for one in broken
    )
    told = "\n".join(" ".join(line.split()) for line in seen.split("\n")[: LINES_MOST + 1]).strip()
    told = unicodedata.normalize("NFC", re.sub(r"\n{3,}", "\n\n", told))  # again: what stood between two is gone
    if len(composed) > most or len(told.split("\n")) > LINES_MOST:
        raise Wrong(
            field, f"Nhiều nhất {most} ký tự, {LINES_MOST} dòng", f"at most {most} characters, {LINES_MOST} lines"
        )
    return told or None


def shown(text: str) -> str:
    """A text with telephone numbers, number plates and mail addresses in it masked."""
    return _EMAIL.sub("•••@•••", without_plates(without_numbers(text)))


def titled(text: str, most: int) -> str:
    """The beginning of a text as one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut).rstrip(" ,.;:") + "…"
