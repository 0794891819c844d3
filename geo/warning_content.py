"""What a person writes of a warning, and what of it cannot be."""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry import mapping

from geo.boat_file import cleaned
from geo.calendar import in_years
from geo.cap import Certainty, Severity, Urgency
from geo.risk_level import LEAST, MOST
from geo.warning import CERTAINTIES, HAZARDS, SEVERITIES, URGENCIES
from geo.wrong import Wrong

Row = dict[str, Any]
Status = Literal["Actual", "Exercise"]
HEADLINE_MOST, TEXT_MOST, AREA_WORDS_MOST = 160, 4_000, 500
CORNERS_MOST = 1_500  # of all parts of an area: with two languages the document stays far below its limit
LONGEST = timedelta(days=10)
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


@dataclass(frozen=True)
class Words:
    """What is said in one language."""

    headline: str
    description: str = ""
    instruction: str = ""


@dataclass(frozen=True)
class Content:
    """All that a person writes of a warning. words: by language, Vietnamese always; geom: a shapely MultiPolygon.

    raised: by how many levels it was raised because of the warnings raised_for (geo/warning_raise.py); risk_level is
    what it came to.
    """

    hazard: str
    status: Status
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    words: Mapping[str, Words]
    area_words: str
    geom: Any
    expires_at: datetime
    onset_at: datetime | None = None
    risk_level: int | None = None
    raised: int = 0
    raised_for: tuple[int, ...] = ()

    def as_json(self) -> Row:
        """As the journal keeps it."""
        plain = {name: value for name, value in asdict(self).items() if name not in ("geom", "words")}
        times = {name: at and at.isoformat() for name, at in plain.items() if name in ("expires_at", "onset_at")}
        words = {language: asdict(each) for language, each in self.words.items()}
        return {**plain, **times, "words": words, "geom": mapping(self.geom)}

    def columns(self) -> Row:
        """As the table keeps it."""
        apart = ("geom", "words", "raised", "raised_for")
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in apart}
        words = {language: asdict(each) for language, each in self.words.items()}
        return {**plain, "words": words, "geom": from_shape(self.geom, srid=4326), "ends_at": self.expires_at}


def checked(content: Content, now: datetime) -> Content:
    """The same with its texts tidied. Raises Wrong, which names the field."""
    for name, value, closed in (
        ("hazard", content.hazard, HAZARDS), ("urgency", content.urgency, URGENCIES),
        ("severity", content.severity, SEVERITIES), ("certainty", content.certainty, CERTAINTIES),
        ("status", content.status, get_args(Status)),
    ):  # fmt: skip
        if value not in closed:
            raise Wrong(name, f"Chọn một trong: {', '.join(closed)}", f"{name} is one of {', '.join(closed)}")
    if content.risk_level is not None and not LEAST <= content.risk_level <= MOST:
        raise Wrong("risk_level", f"Cấp rủi ro từ {LEAST} đến {MOST}", f"a level of risk is {LEAST} to {MOST}")
    _times(content, now)
    corners = 0 if content.geom is None else shapely.get_num_coordinates(content.geom)
    if content.geom is None or content.geom.geom_type != "MultiPolygon" or content.geom.is_empty:
        raise Wrong("area", "Hãy vẽ vùng cảnh báo", "draw the area of the warning")
    if corners > CORNERS_MOST:
        vi = f"Vùng có {corners} đỉnh, nhiều nhất {CORNERS_MOST}: hãy vẽ đơn giản hơn"
        raise Wrong("area", vi, f"the area has {corners} vertices, at most {CORNERS_MOST}: draw it more simply")
    if any(part.interiors for part in content.geom.geoms):
        # A polygon of CAP (3.2.4) has no holes, and without them we would warn people who need no warning.
        raise Wrong("area", "Vùng cảnh báo không được có lỗ: hãy chia thành nhiều phần", "no holes: draw it in parts")
    if not set(content.words) <= {"vi", "en"} or "vi" not in content.words:
        raise Wrong("words", "Cần nội dung tiếng Việt (có thể thêm tiếng Anh)", "words in Vietnamese, English besides")
    words = {language: _words(each, language) for language, each in content.words.items()}
    area_words = cleaned(content.area_words)
    if not 0 < len(area_words) <= AREA_WORDS_MOST:
        raise Wrong("area_words", f"Tên vùng: 1 đến {AREA_WORDS_MOST} ký tự", f"1 to {AREA_WORDS_MOST} characters")
    return Content(**{**vars(content), "words": words, "area_words": area_words})


def _times(content: Content, now: datetime) -> None:
    ends = in_years(content.expires_at, "expires_at")
    if ends <= now:
        raise Wrong("expires_at", "Giờ kết thúc đã qua", "it ends before it is issued")
    if ends > now + LONGEST:
        vi = f"Hiệu lực nhiều nhất {LONGEST.days} ngày; sau đó hãy cập nhật"
        raise Wrong("expires_at", vi, f"at most {LONGEST.days} days ahead; update it then")
    if content.onset_at is not None and in_years(content.onset_at, "onset_at") >= ends:
        raise Wrong("onset_at", "Giờ bắt đầu phải trước giờ kết thúc", "it begins before it ends")


def _words(words: Words, language: str) -> Words:
    headline = cleaned(words.headline)
    if not 0 < len(headline) <= HEADLINE_MOST:
        raise Wrong(f"words.{language}.headline", f"Tiêu đề: 1 đến {HEADLINE_MOST} ký tự",
                    f"a headline has 1 to {HEADLINE_MOST} characters")  # fmt: skip
    more = {name: _lines(getattr(words, name)) for name in ("description", "instruction")}
    for name, text in more.items():
        if len(text) > TEXT_MOST:
            raise Wrong(f"words.{language}.{name}", f"Nhiều nhất {TEXT_MOST} ký tự", f"at most {TEXT_MOST} characters")
    return Words(headline, **more)


def _lines(text: str) -> str:
    """A text of several lines, composed, without unseen characters."""
    plain = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    return "".join(one for one in plain if one == "\n" or unicodedata.category(one) not in _UNSEEN).strip()
