"""Cameras for the screens and for others: a picture, a stream's pieces through us, and which look at a place."""

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Response

from access.cameras import Busy, NoCamera, NoView, Seen, Viewer, near
from access.site import Site
from geo.outgoing import Outgoing

Id = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
Part = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]
Lon = Annotated[float, Query(ge=-180, le=180)]
Lat = Annotated[float, Query(ge=-90, le=90)]
# A stranger's bytes are shown as what they are by their first bytes, and run nothing whatever they are.
HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/cameras/looking and /api/v1/cameras/{id}/{snapshot,hls/...}."""
    viewer = Viewer(site, Outgoing(site.outgoing_allowed))

    @server.get("/api/v1/cameras/looking", tags=["cameras"])
    def looking(lon: Lon, lat: Lat, limit: Annotated[int, Query(ge=1, le=50)] = 3) -> dict[str, Any]:
        """The nearest cameras that look at a place, within 2 km, those first that show something."""
        with site.engine.connect() as connection:
            return {"cameras": [one.told() for one in near(connection, site, lon, lat, limit)]}

    @server.get("/api/v1/cameras/{id}/snapshot", tags=["cameras"], response_class=Response)
    def snapshot(id: Id) -> Response:
        """A camera's picture of the last second: JPEG, PNG or WebP. 404 for none, 502 when it shows nothing now."""
        return _shown(lambda: viewer.picture(id))

    @server.get("/api/v1/cameras/{id}/hls/playlist.m3u8", tags=["cameras"], response_class=Response)
    def playlist(id: Id) -> Response:
        """A camera's stream as an HLS playlist (RFC 8216) whose pieces come through here too."""
        return _shown(lambda: viewer.playlist(id))

    @server.get("/api/v1/cameras/{id}/hls/part/{name}", tags=["cameras"], response_class=Response)
    def part(id: Id, name: Part) -> Response:
        """A piece of a camera's stream, by the name that its playlist has for it."""
        return _shown(lambda: viewer.part(id, name))


def _shown(ask: Any) -> Response:
    try:
        seen: Seen = ask()
    except NoCamera as error:
        raise HTTPException(404, str(error)) from None
    except NoView as error:
        raise HTTPException(
            502, f"the camera shows nothing now: {error}", headers={"Cache-Control": "no-store"}
        ) from None
    except Busy as error:
        raise HTTPException(503, f"{error}: try again", {"retry-after": "1", "cache-control": "no-store"}) from None
    return Response(seen.body, media_type=seen.media_type, headers=HEADERS)
