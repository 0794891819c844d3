"""What the parts of a question mean, where several routes ask them alike."""


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names, without spaces around them; none for an empty text."""
    return tuple(filter(None, (each.strip() for each in text.replace("\0", "").split(","))))
