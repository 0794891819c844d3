"""A value that a person or a file gave and that cannot be, told in both languages."""


class Wrong(ValueError):
    """A value that cannot be: of which field, and how it is written."""

    def __init__(self, field: str, vi: str, en: str) -> None:
        super().__init__(f"{field}: {en}")
        self.field, self.vi, self.en = field, vi, en
