"""Papers: what is laid out, from what, in which letters, and what a page cannot make it do."""

import io
import socket
import threading
from html.parser import HTMLParser

import pytest
from pypdf import PdfReader

from pages.print import PrintError, document, element, pdf, printable

LETTERS = "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ"


def text(made: bytes) -> str:
    """All words of a PDF without spaces: where lines break is the page's affair."""
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages).split())


def tags(html: str) -> list[str]:
    """The elements that a reader of the HTML sees."""
    seen: list[str] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: seen.append(tag)  # type: ignore[method-assign]
    reader.feed(html)
    return seen


def fonts(made: bytes) -> set[str]:
    found = set()
    for page in PdfReader(io.BytesIO(made)).pages:
        found |= {
            str(font.get_object()["/BaseFont"]).partition("+")[2] for font in page["/Resources"]["/Font"].values()
        }
    return found


def test_every_vietnamese_letter_is_printed_in_our_font_plain_and_strong() -> None:
    plain = pdf(document("Chữ", "vi", element("p", LETTERS), element("p", LETTERS.upper())))
    assert {name.split("-Semi")[0] for name in fonts(plain)} == {"Plain", "Plain-Vietnamese"}
    assert LETTERS + LETTERS.upper() in text(plain)
    strong = pdf(document("Chữ", "vi", element("h2", LETTERS), element("h2", LETTERS.upper())))
    assert {name for name in fonts(strong) if "Plain" not in name} == {
        "Strong-Semi-Bold",
        "Strong-Vietnamese-Semi-Bold",
    }
    assert LETTERS + LETTERS.upper() in text(strong)


def test_a_paper_is_a4_and_says_its_language_and_title() -> None:
    reader = PdfReader(io.BytesIO(pdf(document("Biên bản", "vi", element("h1", "Biên bản")))))
    box = reader.pages[0].mediabox
    assert (round(float(box.width) / 72 * 25.4), round(float(box.height) / 72 * 25.4)) == (210, 297)
    assert reader.metadata is not None
    assert reader.metadata.title == "Biên bản"
    assert reader.trailer["/Root"]["/Lang"] == "vi"


@pytest.mark.parametrize(
    "hostile", ["<SVG/ONLOAD=A()>", "</td></table><script>x</script>", "&lt;b&gt;", '"><img src=x>']
)
def test_promise_15_hostile_text_is_printed_as_text(hostile: str) -> None:
    html = document(hostile, "vi", element("p", hostile, title=hostile))
    assert tags(html) == ["html", "head", "meta", "title", "body", "p"]  # no other has come in
    assert "".join(hostile.split()) in text(pdf(html))


def test_promise_15_control_and_direction_characters_are_no_text() -> None:
    assert printable("a\x00b\u202ec\u2066d\x07e\u200bf\ud800g\ue000") == "abcdefg"
    assert printable("dòng\nmới") == "dòng\nmới"
    assert printable("e\u0302\u0301") == "ế"


def test_a_name_of_five_hundred_letters_stays_on_the_page() -> None:
    table = element("table", element("tr", element("td", "W" * 500), element("td", "bên cạnh")), _class="rows")
    made = pdf(document("Dài", "vi", table))
    assert text(made).count("W") == 500
    assert "bêncạnh" in text(made)


def test_nothing_is_fetched_from_the_net_or_from_other_files() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def answer() -> None:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            with caller:
                asked.append(caller.recv(100))

        thread = threading.Thread(target=answer)
        thread.start()
        port = listening.getsockname()[1]
        places = [f"http://127.0.0.1:{port}/x.png", "file:///etc/hostname", "../settings.py", "ftp://127.0.0.1/x"]
        links = [element("link", rel="attachment", href=place) for place in places]
        images = [element("img", src=place) for place in places]
        frame = element("div", "chữ", style=f"background: url(http://127.0.0.1:{port}/y.png)")
        made = pdf(document("Kín", "vi", links, images, frame))
        with socket.create_connection(("127.0.0.1", port)) as own:  # so that the thread ends: the only caller
            own.sendall(b"own")
        thread.join(60)
    assert asked == [b"own"]
    assert "chữ" in text(made)
    assert not PdfReader(io.BytesIO(made)).attachments


def test_what_takes_too_long_is_stopped_and_said() -> None:
    with pytest.raises(PrintError, match=r"not ready within 0\.01 s"):
        pdf(document("Lâu", "vi", element("p", "chữ")), limit_s=0.01)
