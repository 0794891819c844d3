"""Open311 GeoReport v2: discovery, services, service definitions, requests and tokens, for programs of other systems.

The specification is https://wiki.open311.org/GeoReport_v2/ with its Service Discovery; this centre is one jurisdiction,
so jurisdiction_id is optional and not looked at.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from access import report as doing
from access.push import DATABASE_AWAY, Denied, Door
from access.report import CHANNEL, CLOSED, OPEN, ReportDoor
from access.site import Site
from api.open311_form import FORMATS, Fault, answer, fields, known, listed, moment, refusal, written
from geo.api_key import Key
from geo.calendar import ZONE
from geo.report import STATUSES
from geo.report_category import Category
from geo.report_list import Row, Wanted
from geo.report_receive import Reporter, Sent
from geo.wrong import Wrong

BASE, FOLLOW, PHOTOS = "/open311/v2", "/public/reports/follow", "/public/reports/photos"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGED = "2026-11-29 00:00"
REQUESTS_MOST, IDS_MOST, SPAN = 1_000, 1_000, timedelta(days=90)
BODY_BYTES_MAX = 64 << 10
# What our fields are called there.
NAMED = {"words": "description", "category": "service_code", "place": "lat and long, or address_string",
         "address": "address_string", "account": "account_id", "device": "device_id"}  # fmt: skip
NOTICE = "Phản ánh đã được tiếp nhận, hạn xử lý {due}."


def mount(server: FastAPI, site: Site) -> None:
    """Add /open311/v2/..., in XML and JSON."""
    door = ReportDoor(site, Door(site))

    async def answered(fmt: str, act: Callable[[], Response]) -> Response:
        try:
            known(fmt)
            return await run_in_threadpool(act)
        except Fault as fault:
            return refusal(fmt, fault)
        except Denied as denied:
            return refusal(fmt, _fault(denied))
        except DATABASE_AWAY:
            return refusal(fmt, Fault(400, "the service is not reachable at the moment: try again in a moment"))

    @server.get("/open311/discovery.{fmt}", tags=["open311"], response_class=Response)
    @server.get(f"{BASE}/discovery.{{fmt}}", tags=["open311"], response_class=Response)
    async def discovery(request: Request, fmt: str) -> Response:
        """Where this is and in which formats."""
        told = _discovery(site, _origin(request) + BASE)
        return await answered(fmt, lambda: answer(fmt, "discovery", None, told))

    @server.get(f"{BASE}/services.{{fmt}}", tags=["open311"], response_class=Response)
    async def services(fmt: str) -> Response:
        """What may be reported."""

        def act() -> Response:
            return answer(fmt, "services", "service", [_service(one) for one in doing.offered(site)])

        return await answered(fmt, act)

    @server.get(f"{BASE}/services/{{code}}.{{fmt}}", tags=["open311"], response_class=Response)
    async def definition(code: str, fmt: str) -> Response:
        """What else is asked about one kind of report."""

        def act() -> Response:
            kind = next((one for one in doing.offered(site) if one.key == code), None)
            if kind is None:
                raise Fault(404, f"service_code {code[:40]} was not found: see /services")
            return answer(fmt, "service_definition", None, _definition(kind))

        return await answered(fmt, act)

    @server.post(f"{BASE}/requests.{{fmt}}", tags=["open311"], response_class=Response)
    async def report(request: Request, fmt: str) -> Response:
        """Send a report: application/x-www-form-urlencoded, with an api_key."""
        body = bytearray()
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    return refusal(fmt, Fault(400, f"a request may hold at most {BODY_BYTES_MAX} bytes"))
        except ClientDisconnect:
            return refusal(fmt, Fault(400, "the body did not come whole"))
        query = request.url.query
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        origin = site.public_url or _origin(request)
        return await answered(fmt, lambda: _bring(site, door, fmt, kind, bytes(body), query, origin))

    @server.get(f"{BASE}/requests.{{fmt}}", tags=["open311"], response_class=Response)
    async def requests(
        request: Request, fmt: str, service_request_id: str | None = None, service_code: str | None = None,
        start_date: str | None = None, end_date: str | None = None, status: str | None = None,
    ) -> Response:  # fmt: skip
        """Requests of the most recent 90 days, or of another span of at most so many; at most 1,000."""

        def act() -> Response:
            wanted = _wanted(service_request_id, service_code, start_date, end_date, status, datetime.now(UTC))
            return _told(site, fmt, doing.listed(site, wanted, REQUESTS_MOST), _origin(request))

        return await answered(fmt, act)

    @server.get(f"{BASE}/requests/{{key}}.{{fmt}}", tags=["open311"], response_class=Response)
    async def one(request: Request, key: str, fmt: str) -> Response:
        """One request."""

        return await answered(fmt, lambda: _one(site, fmt, key.replace("\0", ""), _origin(request)))

    @server.get(f"{BASE}/tokens/{{token}}.{{fmt}}", tags=["open311"], response_class=Response)
    async def token(token: str, fmt: str) -> Response:
        """The request of a token. All services here are realtime: a token is the number that was told at once."""

        def act() -> Response:
            if "\0" in token or not doing.listed(site, Wanted(ids=[token]), 1):
                raise Fault(404, f"token {token[:40]} was not found")
            told = [{"service_request_id": token, "token": token}]
            return answer(fmt, "service_requests", "request", told)

        return await answered(fmt, act)

    @server.api_route("/open311/{path:path}", methods=["GET", "POST"], include_in_schema=False)
    def unknown(path: str) -> Response:
        fmt = path.rpartition(".")[2]
        return refusal(fmt, Fault(404, f"there is no {path[:80]}; append .xml or .json to the resource"))


def _fault(denied: Denied) -> Fault:
    """A refusal of the door in the specification's words: 403 for keys, 400 for the rest; Retry-After stays."""
    headers = {} if denied.retry_after_s is None else {"Retry-After": str(denied.retry_after_s)}
    if denied.status in (401, 403):
        return Fault(403, f"Missing or invalid api_key: {denied.reason}", headers)
    return Fault(400, denied.reason, headers, denied.status, "rate" if denied.status == 429 else "away")


def _discovery(site: Site, url: str) -> dict[str, Any]:
    endpoint = {
        "specification": SPECIFICATION, "url": url, "changeset": CHANGED,
        "type": "test" if site.simulated else "production",
        "formats": [one.partition(";")[0] for one in FORMATS.values()],
    }  # fmt: skip
    return {
        "changeset": CHANGED,
        "contact": f"{site.centre_vi}: Trung tâm Giám sát, điều hành đô thị thông minh",
        "key_service": "An administrator makes one: ./haidang user token add SENDER --layer report",
        "endpoints": [endpoint],
    }


def _service(kind: Category) -> dict[str, Any]:
    return {
        "service_code": kind.key, "service_name": kind.name_vi, "description": kind.about_vi,
        "metadata": bool(kind.attributes), "type": "realtime", "keywords": kind.keywords, "group": kind.grouped,
    }  # fmt: skip


def _definition(kind: Category) -> dict[str, Any]:
    attributes = [
        {
            "variable": True, "code": one["code"], "datatype": one["datatype"], "required": one["required"],
            "datatype_description": one["datatype_description"] or None, "order": number,
            "description": one["description"], **({"values": one["values"]} if one["values"] else {}),
        }
        for number, one in enumerate(kind.attributes, 1)
    ]  # fmt: skip
    return {"service_code": kind.key, "attributes": attributes}


def _bring(
    site: Site, door: ReportDoor, fmt: str, kind: str, body: bytes, query: str, origin: str
) -> Response:  # fmt: skip
    given, answers = fields(body, query)
    if "api_key" not in given:
        raise Fault(403, "Missing api_key: it is needed to send a report")
    key = door.admit(given["api_key"])
    try:
        number, secret = _taken(site, door, key, kind, given, answers)
    except Fault as fault:
        door.refuse(key, fault.reason, given)
        raise
    (row,) = doing.listed(site, Wanted(ids=[number]), 1)
    notice = NOTICE.format(due=_local(row["due_at"]))
    told: dict[str, Any] = {
        "service_request_id": number, "service_notice": notice, "account_id": given.get("account_id"),
    }  # fmt: skip
    # Beyond the specification, so for those alone who ask for it, as other centres have it: by what its sender follows
    # the report and rates the answer. It is told once.
    if given.get("extensions") == "true":
        told["extended_attributes"] = {"secret": secret, "follow_url": f"{origin}{FOLLOW}?number={number}"}
    return answer(fmt, "service_requests", "request", [told])


def _taken(
    site: Site, door: ReportDoor, key: Key, kind: str, given: Mapping[str, str], answers: Mapping[str, list[str]]
) -> tuple[str, str]:
    """The number of a report that was taken, and its secret. Raises Fault, whose reason it is counted under."""
    if kind != "application/x-www-form-urlencoded":
        raise Fault(400, "Content-Type must be application/x-www-form-urlencoded", reason="type")
    if "service_code" not in given:
        raise Fault(400, "service_code was not provided", reason="value:category")
    if all(one.key != given["service_code"] for one in doing.offered(site)):
        words = f"service_code {given['service_code'][:40]} was not found: see /services"
        raise Fault(404, words, reason="value:category")
    try:
        door.slow(key, given.get("account_id") or given.get("device_id"))
        return door.bring(key, _sent(given), answers)
    except Denied as denied:
        raise _fault(denied) from None
    except Wrong as wrong:
        words = f"{NAMED.get(wrong.field, wrong.field)}: {wrong.en}. {wrong.vi}."
        raise Fault(400, words, reason=f"value:{wrong.field}"[:60]) from None


def _local(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")


def _sent(given: Mapping[str, str]) -> Sent:
    place: dict[str, float | None] = {"lat": None, "long": None}
    for name in place:
        if name in given:
            try:
                place[name] = float(given[name])
            except ValueError:
                raise Fault(400, f"{name} must be degrees of WGS84, like 16.4637", reason="value:place") from None
    named = " ".join(filter(None, (given.get("last_name"), given.get("first_name")))) or None  # as names are said here
    media = given.get("media_url", "")
    if media and (len(media) > 300 or not media.startswith(("http://", "https://"))):
        raise Fault(400, "media_url must be an http(s) address of at most 300 characters", reason="value:media_url")
    phone, email, account, device = (given.get(name) for name in ("phone", "email", "account_id", "device_id"))
    reporter = Reporter(named, phone, email, account, device, media or None)
    return Sent(
        given["service_code"], given.get("description", ""), CHANNEL, datetime.now(UTC), place["long"], place["lat"],
        given.get("address_string") or given.get("address_id"), reporter,
    )  # fmt: skip


def _wanted(
    ids: str | None, codes: str | None, start: str | None, end: str | None, status: str | None, now: datetime
) -> Wanted:
    """What a question asks for; ids override all else. Raises Fault."""
    if (numbers := listed(ids)) is not None:
        return Wanted(ids=numbers[:IDS_MOST])
    since, until = moment(start, "start_date"), moment(end, "end_date")
    if since is None:
        since = (until or now) - SPAN
    elif until is None:
        until = min(now, since + SPAN) if since <= now else since
    if until is not None and not timedelta() <= until - since <= SPAN:
        raise Fault(400, "end_date must not lie before start_date, nor more than 90 days after it")
    states = listed(status)
    for one in states or ():
        if one not in ("open", "closed"):
            raise Fault(400, f"status must be open or closed, not {one[:20]}")
    wanted = None if states is None else [*(OPEN if "open" in states else ()), *(CLOSED if "closed" in states else ())]
    return Wanted(statuses=wanted, categories=listed(codes), since=since, until=until)


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _one(site: Site, fmt: str, key: str, origin: str) -> Response:
    rows = doing.listed(site, Wanted(ids=[key]), 1)
    if not rows:
        raise Fault(404, f"service_request_id {key[:40]} was not found")
    return _told(site, fmt, rows, origin)


def _told(site: Site, fmt: str, rows: list[Row], origin: str) -> Response:
    names, units = {one.key: one.name_vi for one in doing.offered(site)}, doing.unit_names(site)
    return answer(fmt, "service_requests", "request", [_request(row, names, units, origin) for row in rows])


def _request(row: Row, names: Mapping[str, str], units: Mapping[str, str], origin: str) -> dict[str, Any]:
    closed = row["status"] in CLOSED
    updated = row["closed_at"] or row["published_at"] if closed else row["received_at"]
    return {
        "service_request_id": row["id"],
        "status": "closed" if closed else "open",
        "status_notes": _notes(row),
        "service_name": names.get(row["category"], row["category"]),
        "service_code": row["category"],
        "description": row["words"],
        "agency_responsible": units.get(row["unit"] or ""),
        "service_notice": None,
        "requested_datetime": written(row["opened_at"]),
        "updated_datetime": written(updated or row["received_at"]),
        "expected_datetime": written(row["due_at"]),
        "address": row["address"],
        "address_id": None,
        "zipcode": None,
        "lat": row["lat"],
        "long": row["lon"],
        "media_url": f"{origin}{PHOTOS}/{row['photo']}" if row["photo"] else None,
    }


def _notes(row: Row) -> str:
    """Why it is what it is, in a sentence."""
    if row["status"] == "merged":
        return f"Đã gộp vào phản ánh {row['merged_into']}."
    answer_said = row.get("answer")
    return f"{STATUSES[row['status']][0]}." + (f" {answer_said}" if answer_said else "")
