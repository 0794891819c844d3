"""What a person does in the rule lab: try one or two drafts on the past, stop a run, and switch a draft on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from access.site import Site
from geo import lab_run
from geo.actor import Actor
from geo.rule import Rule, checked, rules, save_rule
from ingest import lab

PERIOD_MOST = timedelta(days=92)
DRAFTS_MOST = 2


def start(site: Site, drafts: Sequence[Rule], begin: datetime, end: datetime, actor: Actor) -> int:
    """Begin a run over [begin, end); its number.

    Raises ValueError for a draft or a period that cannot be tried, lab_run.Busy when too many runs are going on.
    """
    if site.start_lab is None:
        raise ValueError("this process starts no runs; use the web process of './haidang up' or 'demo'")
    if not 1 <= len(drafts) <= DRAFTS_MOST:
        raise ValueError("one draft is tried, or two are compared")
    now = datetime.now(UTC)
    if not begin < end or end - begin > PERIOD_MOST or end > now:
        raise ValueError(f"the period ends after it begins, is at most {PERIOD_MOST.days} days long, and is over")
    layer = site.layer(drafts[0].layer)
    if layer is None or layer.shape.history is None:
        raise ValueError(f"layer {drafts[0].layer!r} keeps no past to try a rule on")
    lab.check([checked(draft) for draft in drafts], layer.shape)
    with site.engine.begin() as connection:
        run = lab_run.ask(connection, drafts, begin, end, actor, now)
    site.start_lab(run)
    return run


def stop(site: Site, run: int) -> bool:
    """Ask a run to stop, which it does within two seconds; False when it does not go on."""
    with site.engine.begin() as connection:
        return lab_run.ask_stop(connection, run, datetime.now(UTC))


def switch_on(site: Site, run: int, number: int, actor: Actor) -> int:
    """Keep a run's draft as a version of its rule that is in force, with what the run found as the comment.

    Returns the version. Raises LookupError for a run or draft that is not there, ValueError when the rule was changed
    since the draft was made of it.
    """
    now = datetime.now(UTC)
    with site.engine.begin() as connection:
        row = lab_run.one(connection, run, now)
        drafts = lab_run.drafts_of(row) if row else []
        if row is None or not 0 <= number < len(drafts):
            raise LookupError(f"run {run} has no draft {number + 1}")
        draft = drafts[number]
        _unchanged(connection, draft)
        return save_rule(connection, replace(draft, enabled=True), actor, now, _found(row, number))


def _unchanged(connection: sa.Connection, draft: Rule) -> None:
    current = next((rule.version for rule in rules(connection, every=True) if rule.key == draft.key), None)
    if current is not None and current != draft.version:
        raise ValueError(
            f"rule {draft.key} has version {current} by now, and the draft was made of version {draft.version}: "
            "try it once more on what counts now"
        )


def _found(row: dict[str, object], number: int) -> str:
    result = row["result"]
    told = result["drafts"][number]["total"] if isinstance(result, dict) else 0
    start, end = row["start_at"], row["end_at"]
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    return f"thử quy tắc lần {row['id']}: {told} báo động trong {(end - start).days or 1} ngày"
