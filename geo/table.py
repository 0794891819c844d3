"""The tables, declared once: four shapes for the city's layers, and the core tables they all share."""

from dataclasses import dataclass
from typing import Any, Literal

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

ShapeKind = Literal["moving", "station", "case", "indicator"]

core = MetaData()  # tables that exist once, whatever the layers
layered = MetaData()  # tables that layers declare through the four shapes


@dataclass(frozen=True)
class Shape:
    """How a layer's features are kept: the latest state by key and, where time matters, a history by day."""

    kind: ShapeKind
    latest: Table
    history: Table | None
    key: str

    @property
    def name(self) -> str:
        """The layer's name, which is its table's name."""
        return self.latest.name

    @property
    def key_is_number(self) -> bool:
        """Whether the key column holds integers (an MMSI) and not text."""
        return isinstance(self.latest.c[self.key].type, BigInteger)

    def fix_columns(self) -> tuple[str, ...]:
        """Columns that belong to one fix or observation: those of the history."""
        return tuple(self.history.c.keys()) if self.history is not None else ()


def _stamp(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _point() -> Column[Any]:
    # The spatial index is declared by name below; GeoAlchemy2's automatic one would be created twice by Alembic.
    return Column("geom", Geometry("POINT", srid=4326, spatial_index=False))


def _provenance() -> list[Column[Any]]:
    return [
        _stamp("received_at", nullable=False),
        Column("source", Text, nullable=False),
        Column("simulated", Boolean, nullable=False, server_default=text("false")),
    ]


def _latest(name: str, key: Column[Any], columns: list[Column[Any]], *indexes: Index, **options: Any) -> Table:
    return Table(
        name,
        layered,
        key,
        _point(),
        _stamp("observed_at"),
        *_provenance(),
        *columns,
        PrimaryKeyConstraint(key.name, name=f"{name}_pkey"),
        *indexes,
        **options,
    )


def _found_by(name: str) -> tuple[Index, Index]:
    """How latest states of things that seldom change are found by place and by time of reception."""
    return Index(f"{name}_geom", "geom", postgresql_using="gist"), Index(f"{name}_received_at", "received_at")


def _commune() -> Column[Any]:
    """The code of the commune (table `area`) that a thing which stands still is in; null at sea and abroad.

    No feed and no layer writes it: the database does whenever `geom` is written, and again when an authority's outlines
    are imported (sql/area.sql). Counts by commune are a GROUP BY of it.
    """
    return Column("commune", Text)


def _history(name: str, key: Column[Any], columns: list[Column[Any]]) -> Table:
    return Table(
        f"{name}_history",
        layered,
        Column(key.name, key.type, nullable=False),
        _point(),
        _stamp("observed_at", nullable=False),
        *_provenance(),
        *columns,
        Index(f"{name}_history_{key.name}_observed_at", key.name, "observed_at"),
        postgresql_partition_by="RANGE (observed_at)",
    )


def _copy(columns: list[Column[Any]]) -> list[Column[Any]]:
    return [Column(column.name, column.type, info=dict(column.info)) for column in columns]


def _judged() -> list[Column[Any]]:
    """What is found out about each fix of a moving thing.

    fingerprint: a hash of the transmission's payload, by which one transmission heard by two stations is known;
    anomaly: bits of geo.anomaly; track: 0, or the number of the other thing that sends under the same key.
    """
    return [Column("fingerprint", BigInteger), Column("anomaly", SmallInteger), Column("track", SmallInteger)]


def moving(name: str, key: Column[Any], fix: list[Column[Any]], description: list[Column[Any]]) -> Shape:
    """Things that move (vessels): latest state plus one history row a fix.

    `fix` columns change with each fix and stand in both tables; `description` columns (names, sizes) stand in the
    latest state alone and keep their last known value.
    """
    fix = [*fix, *_judged()]
    # All of them change every few seconds. With the key's index alone, and with room for a second version on each page,
    # an update touches no index at all: it costs a third, and a scan of 100,000 rows takes some hundredths of a second.
    latest = _latest(name, key, [*_copy(fix), *description, _stamp("described_at")], postgresql_with={"fillfactor": 50})
    return Shape("moving", latest, _history(name, key, _copy(fix)), key.name)


def station(name: str, observation: list[Column[Any]], description: list[Column[Any]]) -> Shape:
    """Things that stand still and are observed (sensors, cameras, billboards): latest state plus observations."""
    key = Column("id", Text, nullable=False)
    latest = _latest(
        name, key, [*_copy(observation), *description, _stamp("described_at"), _commune()], *_found_by(name)
    )
    return Shape("station", latest, _history(name, key, _copy(observation)), "id")


def case(name: str, columns: list[Column[Any]]) -> Shape:
    """Things that are opened, worked on and closed (reports, dossiers, lost-signal cases)."""
    lifecycle = [
        Column("status", Text),
        Column("unit", Text),
        _stamp("opened_at"),
        _stamp("due_at"),
        _stamp("closed_at"),
    ]
    latest = _latest(
        name,
        Column("id", Text, nullable=False),
        [*lifecycle, *columns, _stamp("described_at"), _commune()],
        *_found_by(name),
    )
    return Shape("case", latest, None, "id")


def indicator(name: str, columns: list[Column[Any]]) -> Shape:
    """Values per area and period (socio-economic figures); the key is area, period and name joined by the feed."""
    figures = [Column("area", Text), Column("period", Text), Column("value", Float), Column("target", Float)]
    key = Column("id", Text, nullable=False)
    latest = _latest(
        name, key, [*_copy(figures), Column("unit", Text), *columns, _stamp("described_at")], *_found_by(name)
    )
    return Shape("indicator", latest, _history(name, key, _copy(figures)), "id")


fence = Table(
    "fence",
    core,
    Column("id", Integer, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("note", Text),
    Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
    Column("hysteresis_m", Float, nullable=False, server_default=text("0")),
    Column("buffer_m", Float, nullable=False, server_default=text("0")),
    Column("dwell_s", Float, nullable=False, server_default=text("0")),
    Column("applies_to", JSONB, nullable=False, server_default=text("'{}'")),
    _stamp("valid_from"),
    _stamp("valid_to"),
    Column("season", JSONB, nullable=False, server_default=text("'[]'")),
    Column("owner", Text),
    Column("review_by", Date),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
    _stamp("retired_at"),
)

rule = Table(
    "rule",
    core,
    Column("id", Integer, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("fence_key", Text, ForeignKey("fence.key")),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("dwell_s", Float, nullable=False, server_default=text("0")),
    Column("off_delay_s", Float, nullable=False, server_default=text("0")),
    Column("params", JSONB, nullable=False, server_default=text("'{}'")),
    Column("applies_to", JSONB, nullable=False, server_default=text("'{}'")),
    Column("qualifies", JSONB, nullable=False, server_default=text("'{}'")),
    Column("schedule", JSONB, nullable=False, server_default=text("'[]'")),
    Column("latching", Boolean, nullable=False, server_default=text("true")),
    Column("escalate_s", Float),
    Column("response_vi", Text),
    Column("response_en", Text),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
)

# Every version of a fence or a rule as it was, its geometry as GeoJSON among its values; append-only.
revision = Table(
    "revision",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("value", JSONB, nullable=False),
    _stamp("at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("comment", Text),
    Index("revision_of", "kind", "key", "version", unique=True),
)

# Named lists of objects that rules and fences include or exclude.
roster = Table(
    "roster",
    core,
    Column("key", Text, primary_key=True),
    Column("layer", Text, nullable=False),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("members", JSONB, nullable=False, server_default=text("'[]'")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
)

presence = Table(
    "presence",
    core,
    Column("rule_id", Integer, ForeignKey("rule.id", ondelete="CASCADE"), primary_key=True),
    Column("object_key", Text, primary_key=True),
    Column("other_key", Text, primary_key=True, server_default=text("''")),
    _stamp("entered_at", nullable=False),
    _stamp("qualified_at"),
    _stamp("left_at"),
    Column("value", Float),
    Column("raised", Boolean, nullable=False),
)

unit = Table(
    "unit",
    core,
    Column("key", Text, primary_key=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("ordinal", Integer, nullable=False, server_default=text("100")),
)

# The numbers of the law, each with its ground and the days on which it holds.
figure = Table(
    "figure",
    core,
    Column("key", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("unit", Text, nullable=False),
    Column("legal_ref", Text, nullable=False),
    Column("effective_from", Date, primary_key=True),
    Column("effective_to", Date),
    Column("certainty", Text, nullable=False),
)

# A time in which alarms come faster than people can read: those of one rule (none: of several) share one line.
flood = Table(
    "flood",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rule_id", Integer, ForeignKey("rule.id")),
    Column("kind", Text, nullable=False),
    _stamp("started_at", nullable=False),
    _stamp("ended_at"),
    Index("flood_open", "started_at", postgresql_where=text("ended_at IS NULL")),
)

# What is put aside for a while: one object under one rule (none: under all of its layer's).
shelf = Table(
    "shelf",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rule_id", Integer, ForeignKey("rule.id")),
    Column("layer", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _stamp("at", nullable=False),
    _stamp("until", nullable=False),
    Column("actor", Text, nullable=False),
    _stamp("ended_at"),
    Column("ended_by", Text),
    Index("shelf_open", "layer", "object_key", postgresql_where=text("ended_at IS NULL")),
)

alarm = Table(
    "alarm",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rule_id", Integer, ForeignKey("rule.id"), nullable=False),
    Column("layer", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("object_label", Text),
    Column("other_key", Text, nullable=False, server_default=text("''")),
    Column("fence_id", Integer, ForeignKey("fence.id")),
    Column("severity", Text, nullable=False),
    Column("latching", Boolean, nullable=False, server_default=text("true")),
    Column("value", Float),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),
    Column("evidence", JSONB, nullable=False, server_default=text("'{}'")),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    _stamp("observed_at", nullable=False),
    _stamp("raised_at", nullable=False),
    _stamp("cleared_at"),
    _stamp("acknowledged_at"),
    Column("acknowledged_by", Text),
    Column("comment", Text),
    _stamp("withdrawn_at"),
    _stamp("shelved_until"),
    _stamp("suppressed_at"),
    _stamp("listed_at"),  # since when it has a line of its own (geo.flood); none: it never had, or had a flood's
    Column("parent_id", BigInteger, ForeignKey("alarm.id")),
    Column("flood_id", BigInteger, ForeignKey("flood.id")),
    Column("unit", Text, ForeignKey("unit.key")),
    Column("person", Text),
    _stamp("assigned_at"),
    _stamp("escalated_at"),
    Column("escalations", SmallInteger, nullable=False, server_default=text("0")),
    _stamp("escalate_due_at"),
    # Some rules have no fence; without NULLS NOT DISTINCT each of their episodes would count as another one.
    Index(
        "alarm_episode",
        "rule_id",
        "layer",
        "object_key",
        "other_key",
        "fence_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("cleared_at IS NULL AND withdrawn_at IS NULL"),
    ),
    # What is on the desk (geo.desk); those that left it by themselves are many, and must not be passed at each look.
    Index(
        "alarm_desk",
        "raised_at",
        postgresql_where=text(
            "withdrawn_at IS NULL AND (cleared_at IS NULL OR (acknowledged_at IS NULL AND latching))"
        ),
    ),
    Index("alarm_raised_at", "raised_at"),
    Index("alarm_object", "layer", "object_key", "raised_at"),
    Index("alarm_flood", "flood_id", postgresql_where=text("flood_id IS NOT NULL")),
    Index("alarm_listed_at", "listed_at", postgresql_where=text("listed_at IS NOT NULL")),
    Index("alarm_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    Index(
        "alarm_escalate_due_at",
        "escalate_due_at",
        postgresql_where=text("acknowledged_at IS NULL AND withdrawn_at IS NULL"),
    ),
)

alarm_journal = Table(
    "alarm_journal",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("alarm_id", BigInteger, ForeignKey("alarm.id")),  # none: of the desk itself, for instance a mute
    Column("transition", Text, nullable=False),
    _stamp("at", nullable=False),
    _stamp("observed_at"),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("comment", Text),
    Column("data", JSONB(none_as_null=True)),
    Index("alarm_journal_alarm_id", "alarm_id"),
    Index("alarm_journal_at", "at"),
)

# A shift given over: what the page said when it was signed, who gave and who took it.
handover = Table(
    "handover",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    _stamp("starts_at", nullable=False),
    _stamp("ends_at", nullable=False),
    Column("note", Text),
    Column("content", JSONB, nullable=False),
    Column("given_by", Text, nullable=False),
    _stamp("given_at", nullable=False),
    Column("taken_by", Text),
    _stamp("taken_at"),
    Index("handover_ends_at", "ends_at"),
)

lab_run = Table(
    "lab_run",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("drafts", JSONB, nullable=False),
    _stamp("start_at", nullable=False),
    _stamp("end_at", nullable=False),
    Column("actor", Text, nullable=False),
    _stamp("asked_at", nullable=False),
    _stamp("begun_at"),
    _stamp("beat_at"),
    Column("progress", Float, nullable=False, server_default=text("0")),
    _stamp("stop_asked_at"),
    _stamp("ended_at"),
    Column("fault", Text),
    Column("result", JSONB),
)

# Ways by which an alarm leaves the house, which alarms take which, and what became of each.
channel = Table(
    "channel",
    core,
    Column("id", Integer, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
    _stamp("warnings_since"),  # our warnings issued from then on take it too; none: it takes none
)

route = Table(
    "route",
    core,
    Column("id", Integer, Identity(), primary_key=True),
    Column("channel_id", Integer, ForeignKey("channel.id", ondelete="CASCADE"), nullable=False),
    Column("rule_key", Text, ForeignKey("rule.key", onupdate="CASCADE")),  # none: every rule
    Column("severities", JSONB, nullable=False),
    Column("transitions", JSONB, nullable=False),
    _stamp("since", nullable=False),  # what happened before it is not its concern
    Index("route_of", "channel_id", "rule_key", unique=True, postgresql_nulls_not_distinct=True),
)

delivery = Table(
    "delivery",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("channel_id", Integer, ForeignKey("channel.id", ondelete="CASCADE"), nullable=False),
    Column("journal_id", BigInteger),  # whose line it tells of, which is never removed; none: a test
    Column("alarm_id", BigInteger, ForeignKey("alarm.id")),
    Column("transition", Text),
    Column("flood_id", BigInteger, ForeignKey("flood.id")),  # set on the one message that speaks for a whole flood
    Column("asked_by", Text),  # of a test
    _stamp("made_at", nullable=False),
    _stamp("due_at"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _stamp("tried_at"),
    _stamp("delivered_at"),
    _stamp("failed_at"),
    _stamp("withheld_at"),
    Column("reached", JSONB, nullable=False, server_default=text("'[]'")),  # recipients who have it already
    Column("answer", Text),
    Column("warning_id", BigInteger),  # of which own warning it tells instead of an alarm; none is ever removed
    Index("delivery_once", "channel_id", "journal_id", unique=True),
    Index(
        "delivery_flood",
        "channel_id",
        "flood_id",
        "transition",
        unique=True,
        postgresql_where=text("flood_id IS NOT NULL"),
    ),
    Index(
        "delivery_warning",
        "channel_id",
        "warning_id",
        unique=True,
        postgresql_where=text("warning_id IS NOT NULL"),
    ),
    Index("delivery_due_at", "due_at"),
    Index("delivery_made_at", "made_at"),
)

ledger = Table(
    "ledger",
    core,
    Column("source", Text, primary_key=True),
    Column("boot", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("peer", Text),
    Column("received", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("ignored", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("positions", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False, server_default=text("0")),
    Column("rejected", JSONB, nullable=False),
    _stamp("committed_at", nullable=False),
    Index("ledger_source_peer", "source", "peer"),
    Index("ledger_committed_at", "committed_at"),
)

# The ids under which senders told their records, kept for a month: a record that is sent again is stored once.
told_record = Table(
    "told_record",
    core,
    Column("source", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    _stamp("at", nullable=False),
    Index("told_record_at", "at"),
)

feed = Table(
    "feed",
    core,
    Column("source", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("expected_s", Float, nullable=False),
    _stamp("last_message_at"),
    Column("received", BigInteger, nullable=False, server_default=text("0")),
    Column("accepted", BigInteger, nullable=False, server_default=text("0")),
    Column("ignored", BigInteger, nullable=False, server_default=text("0")),
    Column("messages", BigInteger, nullable=False, server_default=text("0")),
    Column("positions", BigInteger, nullable=False, server_default=text("0")),
    Column("rows", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicates", BigInteger, nullable=False, server_default=text("0")),
    Column("rejected", JSONB, nullable=False, server_default=text("'{}'")),
    Column("faults", JSONB, nullable=False, server_default=text("'{}'")),
)

dead_letter = Table(
    "dead_letter",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    _stamp("at", nullable=False),
    _stamp("replayed_at"),
    Index("dead_letter_at", "at"),
)

anomaly = Table(
    "anomaly",
    core,
    Column("layer", Text, primary_key=True),
    Column("object_key", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    _stamp("first_at", nullable=False),
    _stamp("last_at", nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("evidence", JSONB, nullable=False, server_default=text("'{}'")),
    Index("anomaly_last_at", "last_at"),
)

archive = Table(
    "archive",
    core,
    Column("history", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    _stamp("first_at", nullable=False),
    _stamp("last_at", nullable=False),
    _stamp("archived_at", nullable=False),
    _stamp("deleted_at"),
)

minute = Table(
    "minute",
    core,
    Column("source", Text, nullable=False),
    _stamp("at", nullable=False),
    Column("messages", Integer, nullable=False),
    PrimaryKeyConstraint("source", "at"),
    Index("minute_at", "at"),
)
