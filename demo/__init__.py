"""The simulated day at Huế: boats, ships and scripted events, spoken in the protocols of the real feeds."""

from demo.area import areas
from demo.past import history

__all__ = ["areas", "history"]
