"""A process of its own that reads cameras' pictures, one after the other: Pillow meets strangers' bytes only here.

    python -I camera_reader_child.py  <- length (4 bytes, big endian) and picture  -> 0, or 1 and 144 checksums

A tile's checksum is that of its shades of grey, 0 where there is next to nothing in it.
"""

import io
import struct
import sys
import warnings
import zlib

ACROSS, DOWN = 16, 9
PIXELS_MOST, WIDTH_MOST = 25_000_000, 640
FLAT_MOST = 8  # levels of grey between the darkest and the brightest spot of a tile that counts as one shade
FORMATS = ("JPEG", "PNG", "WEBP")
MEMORY_BYTES = 512 << 20


def tiles(data: bytes) -> bytes:
    """The checksums of a picture's tiles. Raises whatever Pillow raises for what is none."""
    import PIL.WebPImagePlugin  # noqa: F401 # of the three formats the one that Pillow does not load by itself
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = PIXELS_MOST
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > PIXELS_MOST or opened.width < ACROSS or opened.height < DOWN:
            raise ValueError("too large or too small")
        opened.draft("L", (WIDTH_MOST, WIDTH_MOST * opened.height // opened.width or 1))  # of a JPEG: by its own blocks
        grey = opened.convert("L")
    xs = [grey.width * n // ACROSS for n in range(ACROSS + 1)]
    ys = [grey.height * n // DOWN for n in range(DOWN + 1)]
    return b"".join(
        _checksum(grey.crop((xs[x], ys[y], xs[x + 1], ys[y + 1]))) for y in range(DOWN) for x in range(ACROSS)
    )


def _checksum(tile: "Image.Image") -> bytes:  # type: ignore[name-defined] # noqa: F821 # Pillow is loaded late
    least, most = tile.getextrema()
    return bytes(4) if most - least <= FLAT_MOST else (zlib.crc32(tile.tobytes()) or 1).to_bytes(4)


def main() -> None:
    """Answer until nobody asks any more."""
    asked, said = sys.stdin.buffer, sys.stdout.buffer
    while len(head := asked.read(4)) == 4:
        data = asked.read(struct.unpack(">I", head)[0])
        try:
            answer = b"\1" + tiles(data)
        except Exception:  # whatever Pillow meets in bytes that somebody made by hand
            answer = b"\0"
        said.write(answer)
        said.flush()


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
