"""Papers: HTML built from values whose text stays text, and the PDF that a process of its own makes of it.

WeasyPrint lays the pages out in a child that this same file starts: what it needs goes away with it, it can be stopped,
and it reads nothing but our own fonts and icons.
"""

import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from threading import BoundedSemaphore
from xml.etree import ElementTree

ASSETS = Path(__file__).resolve().parent.parent / "assets"
STYLE = Path(__file__).with_suffix(".css")
LIMIT_S = 30
MEMORY_BYTES = 1 << 30
AT_ONCE = 2
_free = BoundedSemaphore(AT_ONCE)

Element = ElementTree.Element
Child = Element | str | None | Iterable["Child"]


class PrintError(RuntimeError):
    """The paper could not be made; the message says why."""


def element(name: str, /, *children: Child, **attributes: str) -> Element:
    """An element of the paper; `_class` is its class. Text is escaped when it is written, and loses what is no text."""
    made = Element(name, {key.strip("_"): printable(value) for key, value in attributes.items()})
    _add(made, children)
    return made


def _add(parent: Element, children: Iterable[Child]) -> None:
    for child in children:
        if isinstance(child, str):
            last = parent[-1] if len(parent) else None
            if last is None:
                parent.text = (parent.text or "") + printable(child)
            else:
                last.tail = (last.tail or "") + printable(child)
        elif isinstance(child, Element):
            parent.append(child)
        elif child is not None:
            _add(parent, child)


def printable(text: str) -> str:
    """The text in composed letters, without control, direction and private characters; line ends stay."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def document(title: str, lang: str, *body: Child) -> str:
    """The whole page as HTML."""
    return document_of(title, lang, (), *body)


def document_of(title: str, lang: str, more: Iterable[Element], *body: Child) -> str:
    """The same with more in its head."""
    head = element("head", element("meta", charset="utf-8"), element("title", title), more)
    page = element("html", head, element("body", *body), lang=lang)
    return "<!DOCTYPE html>" + ElementTree.tostring(page, encoding="unicode", method="html")


def pdf(html: str, limit_s: float = LIMIT_S) -> bytes:
    """The paper of an HTML page, A4, with our fonts; blocks for a second or two, so never on the event loop.

    Raises:
        PrintError: it takes longer than `limit_s`, too many are being made, or a library is missing.
    """
    if not _free.acquire(timeout=limit_s):
        raise PrintError("too many papers are being made at once; try again in a moment")
    try:
        with tempfile.TemporaryDirectory(prefix="haidang-paper-") as folder:
            surroundings = {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
            command = [sys.executable, "-I", __file__, str(ASSETS), str(STYLE)]
            done = subprocess.run(
                command, input=html.encode(), capture_output=True, timeout=limit_s, cwd=folder, env=surroundings
            )
    except subprocess.TimeoutExpired:
        raise PrintError(f"the paper was not ready within {limit_s:g} s") from None
    finally:
        _free.release()
    if done.returncode or not done.stdout.startswith(b"%PDF"):
        raise PrintError(_reason(done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _reason(said: str) -> str:
    if "cannot load library" in said:
        return (
            "a library that lays out text is missing; an administrator must run:"
            " apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"the paper could not be laid out: {lines[-1] if lines else 'its process ended'}"


def _lay_out(html: str, assets: Path, style: Path) -> bytes:
    """In the child: the PDF, with nothing read but what lies under `assets`."""
    from urllib.parse import unquote, urlsplit

    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OurFiles(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            if parts.scheme != "file" or not path.is_relative_to(assets):
                raise ValueError("papers show nothing from elsewhere")
            return super().fetch(path.as_uri(), headers)

    fonts, fetcher = FontConfiguration(), OurFiles(allowed_protocols=("file",))
    sheet = CSS(string=style.read_text("utf-8"), base_url=f"{assets}/", url_fetcher=fetcher, font_config=fonts)
    page = HTML(string=html, base_url=f"{assets}/", url_fetcher=fetcher)
    made: bytes = page.write_pdf(stylesheets=[sheet], font_config=fonts, pdf_tags=True)
    return made


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S))
    sys.stdout.buffer.write(
        _lay_out(sys.stdin.buffer.read().decode("utf-8"), Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
    )
