"""Records that other systems push into a layer: one JSON object, a list of them, or CSV, with an API key."""

import asyncio
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from access.camera_event import EventDoor
from access.push import RECORDS_MAX, Denied, Door, Taken
from access.site import Site
from api.push_schema import Target, model, of_layer, reason_words
from geo.api_key import TOKEN, Key
from ingest.camera_event import EXAMPLE, PUSH
from ingest.camera_event import NAME as EVENTS
from ingest.feed import Push
from ingest.lines import Refused
from ingest.push import TooMany, read_csv, read_json
from layers import push_feed

BODY_BYTES_MAX, UNPACKED_BYTES_MAX = 1 << 20, 8 << 20
BODY_WITHIN_S = 30.0
JSON, CSV = "application/json", "text/csv"
IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,128}")
SLICE_BYTES = 64 << 10
TOO_LARGE = "too_large"  # how a request beyond the limits is counted: as one reject
log = structlog.get_logger()

BEARER = HTTPBearer(auto_error=False, description="hd_..., as './haidang user token add' shows it once")
HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key, for who cannot set Authorization")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
ApiKey = Annotated[str | None, Depends(HEADER)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", description="The same key and records again, from the same sender, are stored once"
    ),
]


class Rejected(BaseModel):
    """A record that was not taken: its place in the request (from 0), which member is wrong, and what to do."""

    index: int
    record_id: str | None = Field(None, description="the sender's id, if it told one")
    reason: str = Field(description="the name under which it is counted and kept as a dead letter")
    field: str
    msg: str
    vi: str


class Answer(BaseModel):
    """received = accepted + already + the number of rejected.

    accepted: durable; it appears when it has been worked off. already: stored under this record_id or Idempotency-Key
    before. ignored: members that are not read.
    """

    received: int
    accepted: int
    already: int
    rejected: list[Rejected]
    ignored: list[str]


def mount(server: FastAPI, site: Site) -> None:
    """Add POST /api/v1/layers/{layer}/records, for each layer that takes records with a schema of its own."""
    door, taking = Door(site), [layer for layer in site.layers if push_feed(layer)]
    for layer in taking:
        _mount_records(server, door, layer, of_layer(layer))
    events = Target(EVENTS, "what recognition systems see through cameras", PUSH, EXAMPLE)
    _mount_records(server, EventDoor(site), events, events)
    names = [*(each.name for each in taking), EVENTS]

    @server.post("/api/v1/layers/{layer}/records", include_in_schema=False)
    def closed(layer: str) -> None:
        there = ", ".join(names)
        if site.layer(layer) is None:
            raise HTTPException(404, f"there is no layer {layer[:40]!r}; records are taken by: {there}")
        raise HTTPException(404, f"layer {layer} takes no records over HTTP, only what its feed hears; {there} do")


def _mount_records(server: FastAPI, door: Door, layer: Any, target: Target) -> None:
    """layer: what the door knows it by."""
    push, schema = target.push, model(target).model_json_schema()
    listed = {"anyOf": [schema, {"type": "array", "items": schema, "maxItems": RECORDS_MAX}]}
    lines = {"type": "string", "description": "names of members in the first line, a record in each other one"}
    shown = {"example": dict(target.example)} if target.example else {}
    body = {"required": True, "content": {JSON: {"schema": listed, **shown}, CSV: {"schema": lines}}}
    codes = {
        202: "what became of each record",
        400: "the body is no JSON or CSV",
        401: "no key, or none that is in use",
        403: "the key is for other layers",
        408: "the body did not come in time",
        409: "the Idempotency-Key was used for other records",
        413: "too long a body, or too many records",
        415: "another type or encoding",
        422: "no record was taken",
        429: "more requests than the key may make; Retry-After tells when",
        503: "send it again, by the same record_id or Idempotency-Key; Retry-After tells when",
    }

    @server.post(
        f"/api/v1/layers/{target.name}/records",
        tags=["push"],
        status_code=202,
        response_model=Answer,
        name=f"push_{target.name}",
        summary=f"Push records into {target.name} ({target.en})",
        openapi_extra={"requestBody": body},
        responses={code: {"description": words} for code, words in codes.items()},
    )
    async def records(
        request: Request, bearer: Bearer, api_key: ApiKey, idempotency_key: IdempotencyKey = None
    ) -> JSONResponse:
        """Each record is judged by itself; what is refused is told with its reason, counted and kept."""
        token = bearer.credentials if bearer else api_key
        key: Key | None = None
        packed = bytearray()
        try:
            key = await run_in_threadpool(door.admit, token, layer)
            if idempotency_key is not None and not IDEMPOTENCY.fullmatch(idempotency_key):
                raise Denied(400, "Idempotency-Key: 1 to 128 visible ASCII characters")
            read = _reader(push, request)
            await _body(request, packed)
            return await run_in_threadpool(
                _take, door, key, (layer, target), bytes(packed), request, read, idempotency_key
            )
        except ClientDisconnect:
            return JSONResponse({"detail": "the sender hung up"}, 400)
        except Denied as denied:
            if key is not None and denied.status == 413:
                with suppress(Denied):  # 413 is the answer, also where it cannot be counted
                    await run_in_threadpool(door.refuse, key, layer, bytes(packed), TOO_LARGE)
            _tell(target, denied, token, request)
            headers = {} if denied.retry_after_s is None else {"retry-after": str(denied.retry_after_s)}
            headers |= {"www-authenticate": "Bearer"} if denied.status == 401 else {}
            return JSONResponse({"detail": denied.reason}, denied.status, headers)


Read = Callable[[bytes], list[Any]]


def _reader(push: Push, request: Request) -> Read:
    """How the body is read, by its type. Raises Denied (415)."""
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    charset = re.search(r"charset=\"?([\w-]+)", rest, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise Denied(415, f"charset {charset[1]} is not taken: send UTF-8")
    if request.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip"):
        raise Denied(415, "content-encoding: gzip, or none")
    if kind.strip().lower() == JSON:
        return lambda body: read_json(body, RECORDS_MAX)
    if kind.strip().lower() == CSV:
        return lambda body: read_csv(push, body, RECORDS_MAX)
    raise Denied(415, f"content-type: {JSON} (an object or a list) or {CSV}, in UTF-8")


def _tell(target: Target, denied: Denied, token: str | None, request: Request) -> None:
    """A line in the log of a request that was refused: never the token, but which key it says to be."""
    shape = TOKEN.fullmatch(token or "")
    whence = request.client.host if request.client else None
    key = shape[1] if shape else None
    log.warning("push refused", layer=target.name, status=denied.status, key=key, client=whence, reason=denied.reason)


async def _body(request: Request, taken: bytearray) -> None:
    """Take the body as it comes, up to where it is too long. Raises Denied (413, 408)."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for piece in request.stream():
                taken += piece
                if len(taken) > BODY_BYTES_MAX:
                    raise Denied(413, f"a request may hold at most {BODY_BYTES_MAX} bytes; send several")
    except TimeoutError:
        raise Denied(408, f"the body did not come within {BODY_WITHIN_S:.0f} s") from None


def _unpacked(packed: bytes) -> bytes:
    """What was packed by gzip, which may be no bomb. Raises Refused (`not_gzip`), Denied (413)."""
    unpacker, whole, rest = zlib.decompressobj(zlib.MAX_WBITS | 16), bytearray(), packed
    try:
        while rest and not unpacker.eof:
            whole += unpacker.decompress(rest, SLICE_BYTES)
            rest = unpacker.unconsumed_tail
            if len(whole) > UNPACKED_BYTES_MAX:
                raise Denied(413, f"a request may hold at most {UNPACKED_BYTES_MAX} bytes when unpacked; send several")
    except zlib.error:
        raise Refused("not_gzip") from None
    if not unpacker.eof or unpacker.unused_data:
        raise Refused("not_gzip")
    return bytes(whole)


def _take(
    door: Door,
    key: Key,
    whither: tuple[Any, Target],
    packed: bytes,
    request: Request,
    read: Read,
    idempotency: str | None,
) -> JSONResponse:
    layer, target = whither
    try:
        gzip = request.headers.get("content-encoding", "").lower() == "gzip"
        records = read(_unpacked(packed) if gzip else packed)
    except Refused as reason:
        door.refuse(key, layer, packed, str(reason))
        _, msg, vi = reason_words(target, key, str(reason))
        return JSONResponse({"detail": [{"loc": ["body"], "reason": str(reason), "msg": msg, "vi": vi}]}, 400)
    except TooMany:
        raise Denied(413, f"a request may hold at most {RECORDS_MAX} records; send several") from None
    return _answer(target, key, door.take(key, layer, records, idempotency))


def _answer(target: Target, key: Key, taken: Taken) -> JSONResponse:
    rejected = []
    for each in taken.rejected:
        field, msg, vi = reason_words(target, key, each.reason)
        own = {"index": each.index, "record_id": each.record_id, "reason": each.reason}
        rejected.append(Rejected(**own, field=field, msg=msg, vi=vi))
    counts = {"received": taken.received, "accepted": taken.accepted, "already": taken.already}
    answer = Answer(**counts, rejected=rejected, ignored=taken.unread)
    status = 422 if rejected and not (taken.accepted or taken.already) else 202
    return JSONResponse(answer.model_dump(), status)
