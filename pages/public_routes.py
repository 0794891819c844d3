"""The addresses of the pages for citizens; each is a plain document, and each form a plain POST."""

import asyncio
import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address, IPv6Network
from typing import Annotated
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.requests import ClientDisconnect

from access.drawing import Busy, Drawing
from access.public import Board, Told
from access.push import DATABASE_AWAY
from access.site import Site
from geo.photo import BYTES_MOST, TYPE, Photo
from geo.report_category import Category
from geo.report_photo import NoPhoto
from geo.report_public import STATES, Asked
from geo.report_receive import Reporter
from geo.report_work import NoReport, Stale
from geo.wrong import Wrong
from pages import public_board, public_form
from pages.multipart import Form, NotAForm, read
from pages.public import BOARD, FOLLOW, NEW, RATE, note
from pages.public_form import PHOTOS_MOST
from pages.text import ZONE, Text, language

BODY_BYTES_MAX = PHOTOS_MOST * BYTES_MOST + (1 << 20)
SMALL_BODY_BYTES_MAX = 64 << 10
BODY_S, SMALL_BODY_S = 180.0, 10.0  # the long one for photographs from a phone with a poor net
AT_ONCE, OF_ONE = 12, 2  # bodies that are being read, of all and of one address
TURN_S = 10.0  # so long an address waits for its own others
ONCE_MOST = 2_000
REFUSED_S = 5.0  # so long refusals are gathered before they are written down
NUMBER = re.compile(r"[A-Z0-9-]{1,20}")
Asking = Annotated[str | None, Query(max_length=120)]


class _Full(Exception):
    """Too much is being read already, or too slowly."""


class _Places:
    """Where bodies are read, within so many seconds each: few of one address, which so closes the door to no other."""

    def __init__(self, within_s: float) -> None:
        self.within_s, self.reading = within_s, 0
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def body(self, request: Request, most: int) -> bytes:
        """A body of at most so many bytes. Raises _Full, NotAForm, ClientDisconnect."""
        turn = self._turns.setdefault(_from(request), asyncio.Semaphore(OF_ONE))
        try:
            async with asyncio.timeout(TURN_S):
                await turn.acquire()
        except TimeoutError:
            raise _Full from None
        try:
            return await self._read(request, most)
        finally:
            turn.release()

    async def _read(self, request: Request, most: int) -> bytes:
        if self.reading >= AT_ONCE:
            raise _Full
        self.reading += 1
        try:
            taken = bytearray()
            async with asyncio.timeout(self.within_s):
                async for piece in request.stream():
                    taken += piece
                    if len(taken) > most:
                        raise NotAForm(f"it has more than {most} bytes")
            return bytes(taken)
        except TimeoutError:
            raise _Full from None
        finally:
            self.reading -= 1


class _Doors:
    """What one web process knows of the forms that come in: which are being read, and which were sent already."""

    def __init__(self, site: Site) -> None:
        self.board = Board(site)
        self.forms, self.small = _Places(BODY_S), _Places(SMALL_BODY_S)
        self.drawing = Drawing()
        self.once: OrderedDict[str, asyncio.Future[tuple[str, str]]] = OrderedDict()
        self._writing: asyncio.Task[None] | None = None

    async def send(self, once: str, told: Told, photos: list[bytes]) -> tuple[str, str]:
        """Send a report; a form that is sent twice, by a second press, is the same report. Raises Wrong, Busy.

        One that was changed after it was sent, by going back to it, is another report.
        """
        if once:
            once = await run_in_threadpool(_mark, once, told, photos)
        running = self.once.get(once) if once else None
        if running is None:
            running = asyncio.ensure_future(self._kept(told, photos))
            if once:
                self.once[once] = running
                while len(self.once) > ONCE_MOST:
                    self.once.popitem(last=False)
        try:
            return await asyncio.shield(running)
        except Exception:
            self.once.pop(once, None)
            raise

    async def _kept(self, told: Told, photos: list[bytes]) -> tuple[str, str]:
        await run_in_threadpool(self.board.check, told)
        made: list[Photo] = []
        if photos:
            async with self.drawing.turn():
                made = await run_in_threadpool(self.board.draw, photos)
        return await run_in_threadpool(self.board.send, told, made)

    def refuse(self, reason: str) -> None:
        """Count somebody who comes too often, without asking the database each time."""
        self.board.refuse(reason)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(REFUSED_S)
        await run_in_threadpool(self.board.count_refused)


def _mark(once: str, told: Told, photos: list[bytes]) -> str:
    whole = hashlib.sha256(repr(told).encode())
    for data in photos:
        whole.update(hashlib.sha256(data).digest())
    return f"{once} {whole.hexdigest()}"


def mount(server: FastAPI, site: Site) -> None:
    """Add /public/reports and what lies under it; to be called before Dash adds its own."""
    doors = _Doors(site)
    board = doors.board

    async def drawn(t: Text, here: str, make: Callable[[], Response]) -> Response:
        try:
            return await run_in_threadpool(make)
        except NoReport:
            words = t(
                "Không có phản ánh công khai nào mang mã này. Phản ánh chưa công khai chỉ người gửi theo dõi được."
            )
            return note(site, t, here, t("Không tìm thấy"), words, 404)
        except DATABASE_AWAY:
            return _away(site, t, here)

    @server.get(BOARD, include_in_schema=False)
    async def listed(
        q: Asking = None, category: Asking = None, commune: Asking = None, state: Asking = None,
        before: Asking = None, lang: Asking = None,
    ) -> Response:  # fmt: skip
        t = Text(language(lang))
        chosen = state if state in STATES else None
        words = (_clean(q) or "")[: public_board.WORDS_MOST] or None
        asked = Asked(words, _clean(category), _clean(commune), chosen, _before(before))
        return await drawn(
            t, BOARD,
            lambda: public_board.board(site, t, asked, board.page(asked), board.totals(), board.offered()),
        )  # fmt: skip

    @server.get("/public", include_in_schema=False)
    @server.get("/public/", include_in_schema=False)
    def front() -> Response:
        return RedirectResponse(BOARD)

    @server.get(NEW, include_in_schema=False)
    async def new(category: Asking = None, lang: Asking = None) -> Response:
        t = Text(language(lang))

        def make() -> Response:
            kinds = board.offered()
            kind = next((one for one in kinds if one.key == category), None)
            if kind is None:
                return public_form.choose(site, t, kinds)
            return public_form.form(site, t, kind, secrets.token_urlsafe(12), board.photos_most())

        return await drawn(t, NEW, make)

    @server.post(NEW, include_in_schema=False)
    async def send(request: Request, lang: Asking = None) -> Response:
        t = Text(language(lang))
        # Before anything of the body is read: whoever floods this door costs nobody else anything.
        if wait := board.pace.wait_s(_from(request)):
            doors.refuse("pace")
            words = t("Từ địa chỉ mạng này đã có nhiều phản ánh trong một phút. Hãy thử lại sau {n} giây.", n=wait)
            return note(site, t, NEW, t("Xin chờ một chút"), words, 429, wait)
        try:
            form = read(request.headers.get("content-type", ""), await doors.forms.body(request, BODY_BYTES_MAX))
        except (NotAForm, ClientDisconnect) as fault:
            await run_in_threadpool(board.refuse, "form", {"description": str(fault)})
            words = t("Không đọc được biểu mẫu: có thể ảnh quá lớn hoặc mạng bị ngắt. Hãy mở lại trang và gửi lại.")
            return note(site, t, NEW, t("Chưa gửi được"), words, 400)
        except _Full:
            return _busy(doors, t)
        try:
            kinds = await run_in_threadpool(board.offered)
            kind = next((one for one in kinds if one.key == form.first("category")), None)
            if kind is None:
                await run_in_threadpool(board.refuse, "value:category", _kept(form))
                return public_form.choose(site, t, kinds)
            return await _sent(doors, t, kind, form)
        except Busy:
            return _busy(doors, t)
        except DATABASE_AWAY:
            return _away(site, t, NEW)

    @server.get(FOLLOW, include_in_schema=False)
    def ask(number: Asking = None, lang: Asking = None) -> Response:
        return public_form.ask(site, Text(language(lang)), (_clean(number) or "")[:20])

    @server.post(FOLLOW, include_in_schema=False)
    async def follow(request: Request, lang: Asking = None) -> Response:
        t = Text(language(lang))
        return await _looked(doors, t, request, lambda key, secret, _: _shown(doors, t, key, secret))

    @server.post(RATE, include_in_schema=False)
    async def rate(request: Request, lang: Asking = None) -> Response:
        t = Text(language(lang))

        def make(key: str, secret: str, given: dict[str, str]) -> Response:
            score = int(given["score"]) if given.get("score", "") in ("1", "2", "3", "4", "5") else 0
            try:
                board.rate(key, secret, score, given.get("said"))
            except Wrong as wrong:
                words = t("Hãy chọn từ 1 đến 5.") if wrong.field == "score" else t.pick(wrong.vi, wrong.en)
                return _shown(doors, t, key, secret, words, 422)
            except Stale:
                return _shown(
                    doors, t, key, secret, t("Phản ánh này đã được đánh giá, hoặc chưa có trả lời công khai."), 409
                )
            return _shown(doors, t, key, secret)

        return await _looked(doors, t, request, make)

    @server.get(f"{BOARD}/map.json", include_in_schema=False)
    async def places(lang: Asking = None) -> Response:
        try:
            told = await run_in_threadpool(board.places)
        except DATABASE_AWAY:
            return _away(site, Text(language(lang)), NEW)
        return Response(told, media_type="application/json", headers={"cache-control": "private, max-age=3600"})

    @server.get(f"{BOARD}/photos/{{name}}", include_in_schema=False)
    async def photo(name: str, small: Asking = None, lang: Asking = None) -> Response:
        t = Text(language(lang))
        try:
            picture = await run_in_threadpool(board.picture, name.replace("\0", "")[:80], bool(small))
        except NoPhoto:
            return note(site, t, BOARD, t("Không tìm thấy"), t("Không có ảnh này."), 404)
        except DATABASE_AWAY:
            return _away(site, t, BOARD)
        # Not for ever: a photograph may be withheld later.
        policy = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": "private, max-age=600"}
        return Response(picture, media_type=TYPE, headers=policy)

    @server.get(f"{BOARD}/{{key}}", include_in_schema=False)
    async def one(key: str, lang: Asking = None) -> Response:
        t = Text(language(lang))
        number = key.upper() if NUMBER.fullmatch(key.upper()) else ""
        return await drawn(t, f"{BOARD}/{number}", lambda: public_board.one_report(site, t, board.one(number)))

    # Last: no other address under /public must fall through to the screens, which answer every one.
    @server.api_route("/public/{path:path}", methods=["GET", "POST"], include_in_schema=False)
    def unknown(path: str, lang: Asking = None) -> Response:
        t = Text(language(lang))
        return note(site, t, BOARD, t("Không tìm thấy"), t("Không có trang này."), 404)


def _away(site: Site, t: Text, here: str) -> Response:
    words = t("Cơ sở dữ liệu đang không trả lời. Hãy thử lại sau một phút.")
    return note(site, t, here, t("Xin chờ một chút"), words, 503, 60)


def _busy(doors: _Doors, t: Text) -> Response:
    doors.refuse("busy")
    words = t("Nhiều người đang gửi cùng lúc. Hãy thử lại sau một phút; chưa có gì bị mất.")
    return note(doors.board.site, t, NEW, t("Xin chờ một chút"), words, 503, 60)


def _from(request: Request) -> str:
    """Whose limit it is: an address of IPv4, or the /64 of IPv6 that one connection is given whole (RFC 6177)."""
    host = request.client.host if request.client else "?"
    try:
        address = IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))


def _clean(text: str | None) -> str | None:
    return (text or "").replace("\0", "").strip() or None


def _before(text: str | None) -> tuple[datetime, str] | None:
    """A place in the list as a page's own link has it; what is none is the beginning."""
    at, _, key = (text or "").replace(" ", "+").partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, key) if moment.tzinfo and NUMBER.fullmatch(key) else None


def _kept(form: Form) -> dict[str, str]:
    """Of a form what may be kept when it is not taken, by the names of Open311."""
    names = {
        "service_code": "category",
        "lat": "lat",
        "long": "lon",
        "address_string": "address",
        "description": "words",
    }
    return {theirs: form.first(ours) for theirs, ours in names.items() if form.first(ours)}


def _told(form: Form) -> Told:
    """What a form says. Raises Wrong."""
    place: dict[str, float | None] = {}
    for name in ("lat", "lon"):
        text = form.first(name).replace(",", ".")
        try:
            place[name] = float(text) if text else None
        except ValueError:
            raise Wrong("place", "Tọa độ phải là số độ, ví dụ 16,4637", "degrees, like 16.4637") from None
    seen = None
    if text := form.first("seen_at"):
        try:
            moment = datetime.fromisoformat(text)
            seen = (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Wrong("sent_at", "Giờ không đúng dạng", "it is no time") from None
    who = Reporter(*(form.first(name) or None for name in ("name", "phone", "email")))
    given = {name[10:-1]: values for name, values in form.fields.items() if name.startswith("attribute[")}
    return Told(
        form.first("category"), form.first("words"), form.first("address") or None, place["lon"], place["lat"], seen,
        who, given,
    )  # fmt: skip


async def _sent(doors: _Doors, t: Text, kind: Category, form: Form) -> Response:
    site = doors.board.site
    photos = [data for name, data in form.files if name == "photo"]
    try:
        if len(photos) > PHOTOS_MOST:
            raise Wrong("photo", f"Nhiều nhất {PHOTOS_MOST} ảnh", f"at most {PHOTOS_MOST} photographs")
        key, secret = await doors.send(form.first("once")[:40], _told(form), photos)
    except Wrong as wrong:
        await run_in_threadpool(doors.board.refuse, f"value:{wrong.field}"[:60], _kept(form))
        once = secrets.token_urlsafe(12)
        return public_form.form(site, t, kind, once, doors.board.photos_most(), form, wrong, 422)
    return public_form.sent(site, t, key, secret)


def _shown(doors: _Doors, t: Text, key: str, secret: str, fault: str | None = None, status: int = 200) -> Response:
    row = doors.board.followed(key, secret)
    return public_form.followed(doors.board.site, t, row, secret, fault, status)


async def _looked(
    doors: _Doors, t: Text, request: Request, make: Callable[[str, str, dict[str, str]], Response]
) -> Response:
    """What somebody with a number and a secret asks for."""
    site = doors.board.site
    if wait := doors.board.looks.wait_s(_from(request)):
        words = t("Từ địa chỉ mạng này đã hỏi nhiều lần trong một phút. Hãy thử lại sau {n} giây.", n=wait)
        return note(site, t, FOLLOW, t("Xin chờ một chút"), words, 429, wait)
    try:
        body = await doors.small.body(request, SMALL_BODY_BYTES_MAX)
        given = {
            name: values[0].replace("\0", "")
            for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=20).items()
        }
        key, secret = given.get("number", "").strip().upper()[:20], given.get("secret", "").strip()[:60]
        return await run_in_threadpool(make, key, secret, given)
    except NoReport:
        words = t("Mã phản ánh hoặc mã bí mật không đúng.")
        return public_form.ask(site, t, given.get("number", "")[:20], words, 404)
    except _Full:
        words = t("Nhiều người đang hỏi cùng lúc hoặc mạng quá chậm. Hãy thử lại sau một phút.")
        return note(site, t, FOLLOW, t("Xin chờ một chút"), words, 503, 60)
    except (NotAForm, ValueError, ClientDisconnect):
        return public_form.ask(site, t, "", t("Không đọc được biểu mẫu. Hãy thử lại."), 400)
    except DATABASE_AWAY:
        return _away(site, t, FOLLOW)
