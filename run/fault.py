"""What can go wrong in setting up and running, as one exception that a person can read."""


class Fault(Exception):
    """One clear line for the person at the keyboard: what was wrong, where, what to do; shown without a traceback."""
