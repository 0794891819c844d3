"""What a request that cannot be answered is told, by any route: 422 in the usual form, whatever stood in it, or 503.

503 while the database does not answer, where the route itself has no better words for it.
"""

import json
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from access.push import DATABASE_AWAY, RETRY_AFTER_S

log = structlog.get_logger()


class Plain(JSONResponse):
    """JSON in which half of a surrogate pair, which UTF-8 cannot write (RFC 3629, 3), stands as a question mark."""

    def render(self, content: Any) -> bytes:
        """As bytes."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def mount(server: FastAPI) -> None:
    """Answer for all routes of the server."""

    @server.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        # What was given is not repeated: it may be what JSON has no words for (NaN), or as long as its sender likes.
        told = [{name: value for name, value in one.items() if name != "input"} for one in error.errors()]
        return Plain({"detail": jsonable_encoder(told)}, 422)

    @server.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        try:
            return await http_exception_handler(request, error)
        except UnicodeEncodeError:  # its words repeat what was given
            return Plain({"detail": error.detail}, error.status_code, headers=error.headers)

    async def away(request: Request, error: Exception) -> Response:
        log.warning("the database does not answer", path=request.url.path, error=type(error).__name__)
        words = "the database does not answer, or not in time: try again"
        return Plain({"detail": words}, 503, headers={"retry-after": str(RETRY_AFTER_S)})

    for kind in DATABASE_AWAY:
        server.add_exception_handler(kind, away)
