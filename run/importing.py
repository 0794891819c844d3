"""The command `import`: files of an authority into the centre, with a look first at what they would change."""

import getpass
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import sqlalchemy as sa
import typer

from access import area_import, camera_import, fence_import, fleet_import, import_account, station_import, unit_import
from access import storm as storm_import
from access.fence_import import Account, Deed, Line, Refusal
from geo import area_file, boat_file, camera_file, station_file, storm_file, unit_file
from geo.actor import Actor
from geo.area import PROVINCES, Area, province_of
from geo.calendar import ZONE
from geo.camera import KINDS as CAMERA_KINDS
from geo.database import engine
from geo.degrees import dms
from geo.fence_file import Draft, drafts
from geo.fence_kind import KINDS
from geo.fleet import Outdated
from geo.storm import NoStorm, Stale
from geo.vector_file import TABLES, FileFault, read_file, read_sheet
from layers import discover
from layers.camera import CAMERA
from run.connection import addresses
from run.fault import Fault
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Files into the centre."
)
CRS = re.compile(r"(?:EPSG:)?(\d{4,6})", re.IGNORECASE)
_L = TypeVar("_L", fleet_import.Line, import_account.Line)
TOLD_MAX = 400  # rows of a table that somebody reads


@app.callback()
def group() -> None:
    """Files into the centre: a dry run shows what they would change, --apply does it."""


@app.command("fences")
def import_fences(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="GeoJSON, GeoPackage, shapefile (.shp, .zip), KML, CSV or XLSX.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only say what would be done.")] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Apply the rest when rows are refused.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Keep outlines that cross themselves as repaired.")] = False,
    crs: Annotated[str | None, typer.Option(help="What the numbers are in, for instance EPSG:9214.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a file with several layers, sheets, shapefiles.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Of rows that do not say: {', '.join(KINDS)}.")] = None,
    authority: Annotated[str | None, typer.Option(help="Whose the reference lines are: agency, document.")] = None,
) -> None:
    """Fences out of a file: what would be added, changed, refused; with --apply all of it in one transaction."""
    settings: Settings = context.find_root().obj
    if crs is not None and not CRS.fullmatch(crs):
        raise typer.BadParameter("is written EPSG:9214", param_hint="--crs")
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"is one of {', '.join(KINDS)}", param_hint="--kind")
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        read = read_file(Path(file), CRS.sub(r"EPSG:\1", crs) if crs else None, layer_name)
        asked, ignored = drafts(read.rows, kind)
        comment = fence_import.COMMENT.format(name=Path(file).name)
        deed = Deed(who, comment, skip_refused) if apply else None
        found, done = _carry_out(where, asked, repair, authority or "", deed)
    typer.echo(f"{visible(file.encode())}: {len(asked)} rows, {visible(read.crs.encode())}")
    if ignored:
        typer.echo(f"ignored columns: {visible(', '.join(ignored).encode())}")
    for line in found.lines[:TOLD_MAX]:
        for words in _words(line):
            typer.echo(words)
    if len(found.lines) > TOLD_MAX:
        typer.echo(f"... and {len(found.lines) - TOLD_MAX} rows more")
    typer.echo(", ".join(f"{count} {what}" for what, count in found.counts.items()))
    refused = found.counts["refused"]
    if done is not None:
        typer.echo(f"Applied by {who.name}: {done} fences.")
    elif apply:
        typer.echo("Nothing was applied: mend the refused rows, or add --skip-refused.", err=True)
    elif found.counts["added"] + found.counts["changed"]:
        typer.echo("Nothing was done yet; add --apply to do it.")
    if refused:
        raise typer.Exit(1)


@app.command("areas")
def import_areas(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Outlines of communes: GeoJSON (also .gz), GeoPackage, shapefile, KML.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only say what would be done.")] = False,
    skip_conflicts: Annotated[
        bool, typer.Option("--skip-conflicts", help="Apply the rest when rows are in conflict.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Keep outlines that cross themselves as repaired.")] = False,
    crs: Annotated[str | None, typer.Option(help="What the numbers are in, for instance EPSG:9214.")] = None,
    province: Annotated[str | None, typer.Option(help="Of rows that do not say theirs: hue, dak_lak.")] = None,
    authority: Annotated[str | None, typer.Option(help="Whose the outlines are: agency, document.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a file with several layers or shapefiles.")] = None,
) -> None:
    """Communes' outlines out of a file: new, changed, in conflict; with --apply all of it in one transaction."""
    settings: Settings = context.find_root().obj
    if crs is not None and not CRS.fullmatch(crs):
        raise typer.BadParameter("is written EPSG:9214", param_hint="--crs")
    of = province_of(province) if province is not None else None
    if province is not None and of is None:
        raise typer.BadParameter(f"is one of {', '.join(one.key for one in PROVINCES)}", param_hint="--province")
    ignored: list[str] = []
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        read = read_file(Path(file), CRS.sub(r"EPSG:\1", crs) if crs else None, layer_name)

        def drafts(known: Sequence[Area]) -> list[area_file.Draft]:
            found, others = area_file.drafts(read.rows, known, of)
            ignored.extend(others)
            return found

        deed = area_import.Deed(who, import_account.COMMENT.format(name=Path(file).name), skip_conflicts)
        source = (authority or f"tệp {Path(file).name}").strip()
        opened = engine(where["DATABASE_URL_WEB"])
        try:
            found, done = area_import.carry_out(opened, drafts, source, repair, deed if apply else None)
        finally:
            opened.dispose()
    typer.echo(f"{visible(file.encode())}: {len(found.lines)} rows, {visible(read.crs.encode())}")
    if ignored:
        typer.echo(f"ignored columns: {visible(', '.join(ignored).encode())}")
    for line in found.lines:
        fields = f"  [{', '.join(line.fields)}]" if line.fields else ""
        typer.echo(
            f"{line.number:>5}  {line.what:<10}{visible(line.code.encode()) or '-':<7}"
            f"{visible(line.name[:60].encode())}{fields}"
        )
        for told in (*line.refusals, *line.notes):
            typer.echo(f"{'':>7}{_placed(told)}")
    for told in found.notes:
        typer.echo(_placed(told))
    for name, missing in found.missing:
        typer.echo(f"missing of {name}, {len(missing)}: {', '.join(missing)}")
    typer.echo(", ".join(f"{count} {what}" for what, count in found.counts.items()))
    if done is not None:
        typer.echo(f"Applied by {visible(who.name.encode())}: {done} communes.")
    elif apply:
        typer.echo("Nothing was applied: mend the rows in conflict, or add --skip-conflicts.", err=True)
    elif found.counts["new"] + found.counts["changed"]:
        typer.echo("Nothing was done yet; add --apply to do it.")
    if found.counts["conflict"]:
        raise typer.Exit(1)


@app.command("fleet")
def import_fleet(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A list of boats, XLSX or CSV, a boat in each row.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Keep the good rows; else only say what would be done.")
    ] = False,
    overrule: Annotated[
        bool, typer.Option("--overrule", help="The list's lengths and licences count where the register has others.")
    ] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a workbook with several lists: the sheet.")] = None,
) -> None:
    """Boats out of a list: what is new, changed or in conflict; with --apply the good rows in one transaction."""
    settings: Settings = context.find_root().obj
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        drafts, ignored = boat_file.drafts(read_sheet(Path(file), boat_file.KEY_NAMES, layer_name))
        comment = import_account.COMMENT.format(name=Path(file).name)
        opened = engine(where["DATABASE_URL_WEB"])
        try:
            found, done = fleet_import.carry_out(opened, drafts, overrule, who if apply else None, comment)
        finally:
            opened.dispose()
    _head(file, len(drafts), ignored)
    _tell(found.lines, lambda line: line.registration)
    _end(found.counts, done, "boats", who)


@app.command("stations")
def import_stations(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Environment stations: GeoJSON, GeoPackage, shapefile, KML, CSV, XLSX.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Keep the good rows; else only say what would be done.")
    ] = False,
    crs: Annotated[str | None, typer.Option(help="What a file of features is in, for instance EPSG:9214.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a file with several layers, sheets, shapefiles.")] = None,
) -> None:
    """Environment stations out of a file: new, changed, in conflict; with --apply the good rows in one transaction."""
    settings: Settings = context.find_root().obj
    if crs is not None and not CRS.fullmatch(crs):
        raise typer.BadParameter("is written EPSG:9214", param_hint="--crs")
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        path = Path(file)
        if path.suffix.lower() in TABLES:
            drafts, ignored = station_file.of_sheet(read_sheet(path, station_file.KEY_NAMES, layer_name))
        else:
            rows = read_file(path, CRS.sub(r"EPSG:\1", crs) if crs else None, layer_name).rows
            drafts, ignored = station_file.of_features(rows)
        comment = import_account.COMMENT.format(name=path.name)
        shape = next(layer.shape for layer in discover() if layer.shape.name == station_import.LAYER)
        opened = engine(where["DATABASE_URL"])  # a worker's role could write stations, but keeps no versions
        try:
            found, done = station_import.carry_out(opened, shape, drafts, who if apply else None, comment)
        finally:
            opened.dispose()
    _head(file, len(drafts), ignored)
    _tell(found.lines, lambda line: line.id)
    _end(found.counts, done, "stations", who)


@app.command("units")
def import_units(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Handling units: CSV or XLSX with a name each.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Keep the good rows; else only say what would be done.")
    ] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a workbook with several sheets.")] = None,
) -> None:
    """Handling units out of a file: new, changed, in conflict; with --apply the good rows in one transaction."""
    settings: Settings = context.find_root().obj
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        path = Path(file)
        drafts, ignored = unit_file.of_sheet(read_sheet(path, unit_file.KEY_NAMES, layer_name))
        opened = engine(where["DATABASE_URL"])
        try:
            comment = import_account.COMMENT.format(name=path.name)
            found, done = unit_import.carry_out(opened, drafts, who if apply else None, comment)
        finally:
            opened.dispose()
    _head(file, len(drafts), ignored)
    _tell(found.lines, lambda line: line.id)
    _end(found.counts, done, "units", who)


@app.command("cameras")
def import_cameras(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A list of cameras: GeoJSON, JSON, CSV or XLSX.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Keep the good rows; else only say what would be done.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Before each id, so that the ids of two lists stay apart.")] = "",
    owner: Annotated[str | None, typer.Option(help="Of rows that do not say theirs.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Likewise: {', '.join(CAMERA_KINDS)}.")] = None,
    provider: Annotated[str | None, typer.Option(help="Of rows that do not say theirs.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Made up: shown as such.")] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
    layer_name: Annotated[str | None, typer.Option(help="Of a workbook with several lists: the sheet.")] = None,
) -> None:
    """Cameras out of a list: what is new, changed or in conflict; with --apply the good rows in one transaction."""
    settings: Settings = context.find_root().obj
    if kind is not None and kind not in CAMERA_KINDS:
        raise typer.BadParameter(f"is one of {', '.join(CAMERA_KINDS)}", param_hint="--kind")
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        rows = camera_file.read_list(Path(file), layer_name)
        drafts, ignored = camera_file.drafts(rows, camera_file.Given(owner, kind, provider, prefix))
        comment = import_account.COMMENT.format(name=Path(file).name)
        # Not as the web's role, which brings no positions.
        opened = engine(where["DATABASE_URL"])
        try:
            deed = who if apply else None
            found, done = camera_import.carry_out(opened, CAMERA, drafts, deed, comment, simulated)
        finally:
            opened.dispose()
    _head(file, len(drafts), ignored)
    # What somebody must look at is never cut off.
    shown = {line.number for line in found.lines[:TOLD_MAX]}
    for line in found.lines:
        if line.number not in shown and line.what != "conflict":
            continue
        fields = f"  [{', '.join(line.fields)}]" if line.fields else ""
        typer.echo(
            f"{line.number:>6}  {line.what:<10}{visible(line.id.encode()) or '-':<14} "
            f"{visible(line.name[:60].encode())}{fields}"
        )
        for wrong in (*line.wrongs, *line.notes):
            typer.echo(f"{'':>8}{visible(wrong.field.encode())}: {visible(wrong.en.encode())}")
    if len(found.lines) > len(shown):
        typer.echo(f"... and {len(found.lines) - len(shown)} rows more, of which those in conflict stand above")
    if found.missing:
        typer.echo(f"of earlier imports and not in this list, left as they are: {len(found.missing)}")
    _end(found.counts, done, "cameras", who)


@app.command("storm")
def import_storm(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A bulletin's track: GeoJSON, CSV or XLSX, a point in each row.")],
    apply: Annotated[bool, typer.Option("--apply", help="Keep it; else only say what would be done.")] = False,
    number: Annotated[int | None, typer.Option(min=1, max=99, help="The storm's number: 12 of “bão số 12”.")] = None,
    season: Annotated[int | None, typer.Option(min=1950, max=2100, help="The year that counts its number.")] = None,
    name: Annotated[str | None, typer.Option(help="The storm's international name.")] = None,
    source: Annotated[str | None, typer.Option(help="Whose bulletin it is.")] = None,
    issued_at: Annotated[str | None, typer.Option(help="When it was issued; else its first point's time.")] = None,
    zone: Annotated[str | None, typer.Option(help="Of times that state none: UTC, +07:00, Asia/Ho_Chi_Minh.")] = None,
    storm_id: Annotated[int | None, typer.Option("--storm", help="Of which storm it is, by its id.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Made up, or an exercise: shown as such.")] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
) -> None:
    """A storm's bulletin out of a file: its points and what is wrong with any; with --apply its newest version."""
    settings: Settings = context.find_root().obj
    with _one_line():
        who = Actor((actor or getpass.getuser()).strip())
        where = addresses(settings)
        stated = storm_file.zone_of(zone)
        issued = storm_file.moment(issued_at, stated) if issued_at else None
        if Path(file).suffix.lower() in (".geojson", ".json"):
            draft = storm_file.of_features(read_file(Path(file)).rows, stated)
        else:
            draft = storm_file.of_sheet(read_sheet(Path(file), storm_file.KEY_NAMES), stated)
        said = storm_import.Said(source, issued, number, season, name, simulated, storm_id)
        comment = storm_import.COMMENT.format(name=Path(file).name)
        opened = engine(where["DATABASE_URL_WEB"])
        try:
            found, kept = storm_import.carry_out(opened, draft, said, who if apply else None, comment)
        finally:
            opened.dispose()
    for line in _track(found):
        typer.echo(visible(line.encode()))
    if kept is not None:
        typer.echo(f"Applied by {visible(who.name.encode())}: storm {kept.id}, bulletin {kept.version}.")
    elif found.faults:
        typer.echo("Nothing can be applied: mend the rows above.", err=True)
        raise typer.Exit(1)
    elif found.unchanged:
        typer.echo("It is the bulletin that counts already; there is nothing to do.")
    else:
        typer.echo("Nothing was done yet; add --apply to do it.")


def _head(file: str, rows: int, ignored: Sequence[str]) -> None:
    """What was read of a file."""
    typer.echo(f"{visible(file.encode())}: {rows} rows")
    if ignored:
        typer.echo(f"ignored columns: {visible(', '.join(ignored).encode())}")


def _end(counts: Mapping[import_account.What, int], done: int | None, things: str, who: Actor) -> None:
    """How many rows there are of each kind and what was done with them; 1 where some are in conflict."""
    typer.echo(", ".join(f"{count} {what}" for what, count in counts.items()))
    left = counts["conflict"]
    if done is not None:
        typer.echo(
            f"Applied by {visible(who.name.encode())}: {done} {things}." + (f" Left out: {left} rows." if left else "")
        )
    elif counts["new"] + counts["changed"]:
        typer.echo("Nothing was done yet; add --apply to do it.")
    if left:
        raise typer.Exit(1)


def _tell(lines: Sequence[_L], named: Callable[[_L], str]) -> None:
    """Rows of an account; what somebody must look at is never cut off."""
    told = sorted(lines, key=lambda one: one.what != "conflict")[:TOLD_MAX]
    told += [one for one in lines if one.what == "conflict" and one not in told]
    for line in sorted(told, key=lambda one: one.number):
        fields = f"  [{', '.join(line.fields)}]" if line.fields else ""
        typer.echo(f"{line.number:>6}  {line.what:<10}{visible(named(line).encode()) or '-'}{fields}")
        for wrong in line.wrongs:
            typer.echo(f"{'':>8}{visible(wrong.field.encode())}: {visible(wrong.en.encode())}")
    if len(lines) > len(told):
        typer.echo(f"... and {len(lines) - len(told)} rows more")


def _track(plan: storm_import.Plan) -> Iterator[str]:
    """The bulletin, its points, and each fault by its row and column, as lines."""
    storm, bulletin = plan.storm, plan.bulletin
    named = " ".join(filter(None, (f"storm {storm.number or '-'} of {storm.season}", storm.name)))
    which = f"bulletin {plan.before.version + 1} of storm {plan.before.id}" if plan.before else "a new storm"
    yield f"{named}: {which}, {bulletin.source or 'no source'}, issued {_local(bulletin.issued_at)}"
    if plan.ignored:
        yield f"ignored columns: {', '.join(plan.ignored)}"
    for row, point, what in plan.lines:
        radii = ", ".join(f"{level}: {km:g} km" for level, km in point.radii_km.items())
        wind, gust = ("-" if level is None else level for level in (point.wind, point.gust))
        seen = "observed" if point.observed else "forecast"
        about = f"wind {wind}, gust {gust}, {radii or 'no circle'}, {seen}"
        yield f"{row:>6}  {what:<10}{_local(point.at)}  {dms(point.lat, point.lon)}  {about}"
    for fault in plan.faults:
        yield f"{fault.row or '':>6}  {fault.wrong.field}: {fault.wrong.en}"


def _local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%d/%m/%Y %H:%M}"


def _carry_out(
    where: Mapping[str, str], asked: list[Draft], repair: bool, authority: str, deed: Deed | None
) -> tuple[Account, int | None]:
    opened = engine(where["DATABASE_URL_WEB"])
    try:
        return fence_import.carry_out(opened, where["REDIS_URL"], asked, repair, authority, deed)
    finally:
        opened.dispose()


def _words(line: Line) -> Iterator[str]:
    """A row of the table; of a refused one a line for each reason, with its place."""
    fields = ", ".join([*line.fields, *(f"rule {kind}" for kind in line.rules)]) if line.what == "changed" else ""
    head = f"{line.number:>5}  {line.what:<10}{visible(line.key[:60].encode()):<28} {visible(line.name[:60].encode())}"
    yield head + (f"  [{fields}]" if fields else "")
    for one in line.refusals:
        yield f"{'':>7}{_placed(one)}"


def _placed(one: Refusal) -> str:
    """What is said of a field, with its place where it has one."""
    place = "" if one.lon is None or one.lat is None else f" at {one.lon:.6f}, {one.lat:.6f} ({dms(one.lat, one.lon)})"
    return f"{visible(one.field.encode())}: {visible(one.en.encode())}{place}"


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except FileFault as fault:
        typer.echo(visible(fault.en.encode()), err=True)
        raise typer.Exit(1) from None
    except (Fault, ValueError, Outdated, NoStorm, Stale) as error:
        typer.echo(visible(str(error).encode()), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"cannot ask the database: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"the system refused: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
