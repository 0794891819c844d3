"""Columns of people's files under our names: what a row says, whatever its columns are called."""

from collections.abc import Mapping
from typing import Any

from geo.boat_file import cleaned
from geo.fold import fold

COUNTED = ("id", "fid", "objectid")  # columns by which programs count rows


class Headings:
    """What people call our columns, folded; of several in one file the first one of a list counts."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self.names = names
        self._ours = {known: ours for ours, each in names.items() for known in each}

    def said(self, properties: Mapping[str, Any], ignored: dict[str, None]) -> tuple[dict[str, str], dict[str, str]]:
        """What a row says under our names, as cleaned text, and the file's names of those columns.

        ignored: is told of the columns that nobody knows.
        """
        found: dict[str, tuple[int, str, str]] = {}
        for column, value in properties.items():
            ours = self._ours.get(fold(column))
            if ours is None:
                if fold(column) not in COUNTED:
                    ignored.setdefault(column)
                continue
            rank, text = self.names[ours].index(fold(column)), cleaned(value)
            if text and (ours not in found or rank < found[ours][0]):
                found[ours] = rank, text, column
        return {ours: text for ours, (_, text, _) in found.items()}, {ours: own for ours, (*_, own) in found.items()}

    def heads(self, properties: Mapping[str, Any]) -> dict[str, str]:
        """The file's names of our columns, whether or not a row says anything under them."""
        return {self._ours[fold(column)]: column for column in reversed(list(properties)) if fold(column) in self._ours}
