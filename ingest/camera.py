"""Two tell of one camera: its owner what it is, the prober whether it shows anything; neither wipes out the other."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from geo.table import Shape
from ingest.feed import Identify

AT = "observed_at"


def keeping(shape: Shape, columns: Sequence[str]) -> Identify:
    """An `identify` by which a record that tells none of these observation columns leaves them as they are.

    An observation replaces the one before it as a whole; without this, each time the register of cameras is sent again
    all of them would be as if nobody had ever looked. Nor does such a record make what was seen any younger.
    """
    kept, key = tuple(columns), shape.key

    def identify(connection: sa.Connection, frame: pd.DataFrame) -> pd.DataFrame:
        whole = frame.reindex(columns=[*frame.columns, *(name for name in kept if name not in frame)])
        told = whole[list(kept)].notna().any(axis=1)
        if told.all():
            return whole
        wanted = sorted(set(whole.loc[~told, key]))
        table = shape.latest
        seen = sa.or_(*[table.c[name].is_not(None) for name in kept])
        columns = [table.c[name] for name in (key, AT, *kept)]
        query = sa.select(*columns).where(table.c[key] == sa.func.any(wanted), seen)
        known = {row[0]: row[1:] for row in connection.execute(query)}
        whole = whole.astype(dict.fromkeys(kept, object))
        for at in whole.index[~told]:
            if (found := known.get(whole.at[at, key])) is not None:
                whole.loc[at, [AT, *kept]] = list(found)
        return whole

    return identify
