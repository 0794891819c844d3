"""Answers in the shape of OpenAQ, of its second and its third version, as records of stations.

Latest values and measurements of v2; of v3 a location's sensors with what each told last, and a sensor's measurements
and hours, which count at their end.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.feed import Form, Page
from ingest.lines import Refused

NOT_OPENAQ = "not_openaq"


def read(answer: Any) -> Page:
    """The measurements of an answer. Raises Refused (`not_openaq`)."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list):
        raise Refused(NOT_OPENAQ)
    return Page([record for each in answer["results"] for record in _records(each)], cut=_cut(answer.get("meta")))


def _cut(meta: Any) -> bool:
    """Whether there are pages after this one; v3 tells of many only that they are more than so many (`>1000`)."""
    if not isinstance(meta, Mapping):
        return False
    found, page, limit = (meta.get(name) for name in ("found", "page", "limit"))
    if isinstance(found, str):
        return found.startswith(">")
    if not (isinstance(found, int) and isinstance(page, int) and isinstance(limit, int)):
        return False
    return page * limit < found


def _records(result: Any) -> Iterator[Any]:
    if not isinstance(result, Mapping):
        yield result
        return
    if isinstance(result.get("latest"), Mapping):  # a sensor, whose own id is no station's
        yield _known(
            {**_station(result["latest"]), **_measured({**result["latest"], "parameter": result.get("parameter")})}
        )
        return
    told = _station(result)
    if not isinstance(result.get("measurements"), list):
        yield _known({**told, **_measured(result)})
        return
    for each in result["measurements"]:
        yield _known({**told, **_measured(each)}) if isinstance(each, Mapping) else each


def _known(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def _station(result: Mapping[str, Any]) -> dict[str, Any]:
    """Whose it is: the location's number, else its name. v3's measurements have neither: the feed's address says it."""
    number = next((result[name] for name in ("locationsId", "locationId") if result.get(name) is not None), None)
    name = result.get("location")
    point = result.get("coordinates")
    place = {"lon": point.get("longitude"), "lat": point.get("latitude")} if isinstance(point, Mapping) else {}
    return {"id": number if number is not None else name, "name": name if isinstance(name, str) else None, **place}


def _measured(each: Mapping[str, Any]) -> dict[str, Any]:
    named = each.get("parameter")
    if isinstance(named, Mapping):
        name, unit = named.get("name"), named.get("units")
    else:
        name, unit = named, each.get("unit")
    return {"parameter": name, "value": each.get("value"), "unit": unit, "observed_at": _time(each)}


def _time(each: Mapping[str, Any]) -> Any:
    if each.get("lastUpdated") is not None:
        return each["lastUpdated"]
    period, date = each.get("period"), each.get("date") or each.get("datetime")
    if isinstance(period, Mapping) and isinstance(period.get("datetimeTo"), Mapping):
        date = period["datetimeTo"]
    return date.get("utc") if isinstance(date, Mapping) else date


OPENAQ = Form(read)
