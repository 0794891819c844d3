"""A process of its own that draws one photograph anew: Pillow meets strangers' bytes only here.

    python -I photo_child.py < file  -> a line of JSON, then the new JPEG on stdout

What comes out has nothing of the file but its picture: no EXIF, no profile, no comment, nothing behind the end.
"""

import io
import json
import sys
import warnings
from typing import Any

PIXELS_MOST, SIDE_MOST, QUALITY = 25_000_000, 1_920, 82
FORMATS = ("JPEG", "PNG", "WEBP")
GPS = 0x8825  # the tag of EXIF under which a place stands
MEMORY_BYTES, CPU_S = 1 << 30, 20


class Refused(Exception):
    """Why a file is not taken, in Vietnamese and English."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


def draw(data: bytes) -> tuple[dict[str, Any], bytes]:
    """What is known of a photograph (width, height, lon, lat) and its picture, drawn anew. Raises Refused."""
    import PIL.WebPImagePlugin  # noqa: F401 # of the three formats the one that Pillow does not load by itself
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = PIXELS_MOST
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    broken = Refused("Tệp ảnh hỏng hoặc bị cắt", "a damaged or cut off picture")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS_MOST:
                raise _too_many()
            place = _place(opened.getexif().get_ifd(GPS))
            opened.seek(0)
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            plain = _flat(upright, Image)
    except Refused:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many() from None
    except MemoryError:
        raise Refused("Ảnh quá lớn để đọc", "the picture is too large to be read") from None
    except Exception:  # whatever Pillow meets in a file that somebody made by hand
        raise broken from None
    plain.thumbnail((SIDE_MOST, SIDE_MOST), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    plain.save(made, "JPEG", quality=QUALITY, exif=b"", icc_profile=None, comment=b"")
    return {"width": plain.width, "height": plain.height, **place}, made.getvalue()


def _too_many() -> Refused:
    most = PIXELS_MOST // 1_000_000
    return Refused(f"Ảnh quá lớn: nhiều nhất {most} triệu điểm ảnh", f"at most {most} megapixels")


def _flat(picture: Any, image: Any) -> Any:
    """As three colours on white, in a picture of its own that knows nothing of the file."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        ground = image.new("RGB", whole.size, "white")
        ground.paste(whole, mask=whole.getchannel("A"))
        return ground
    plain = picture.convert("RGB")
    fresh = image.new("RGB", plain.size)
    fresh.paste(plain)
    return fresh


def _place(gps: dict[int, Any]) -> dict[str, float]:
    """Where it was taken, from EXIF's degrees, minutes and seconds; nothing where that cannot be read."""
    try:
        lat, lon = (_degrees(gps[tag], gps[tag - 1]) for tag in (2, 4))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError, AttributeError):
        return {}
    right = -90 <= lat <= 90 and -180 <= lon <= 180 and (lat, lon) != (0.0, 0.0)
    return {"lon": lon, "lat": lat} if right else {}


def _degrees(parts: Any, side: str) -> float:
    whole = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    return -whole if side.strip("\0 ").upper() in ("S", "W") else whole


def main() -> None:
    """Draw what comes on stdin; a refusal is an answer, too."""
    picture = b""
    try:
        about, picture = draw(sys.stdin.buffer.read())
    except Refused as refused:
        about = {"fault": {"vi": refused.vi, "en": refused.en}}
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n" + picture)


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
