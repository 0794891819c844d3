"""What may be reported: the kinds of field reports as the authority keeps them, with what is asked about each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.report import report_category
from geo.wrong import Wrong

DATATYPES = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")  # of Open311 GeoReport v2
VALUE_MOST, VALUES_MOST = 500, 50


@dataclass(frozen=True)
class Category:
    """One kind of report. grouped: under which heading; attributes: what else is asked, as `attribute` writes it."""

    key: str
    name_vi: str
    name_en: str
    about_vi: str
    grouped: str
    keywords: str
    track: Literal["instant", "urgent", "timed"]
    attributes: Sequence[Mapping[str, Any]] = ()
    ordinal: int = 100


def attribute(
    code: str, datatype: str, vi: str, required: bool = False, about: str = "", values: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One question about a report. Raises ValueError for a datatype that there is not, or a list without values."""
    if datatype not in DATATYPES or (datatype.endswith("list")) != bool(values):
        raise ValueError(f"attribute {code}: {datatype!r} with {len(values or ())} values")
    listed = [{"key": key, "name": name} for key, name in (values or {}).items()]
    return {"code": code, "datatype": datatype, "description": vi, "required": required,
            "datatype_description": about, "values": listed}  # fmt: skip


# The list that an installation starts with; which kinds there are is the authority's to say.
SEEDS = (
    Category("waste", "Rác thải, vệ sinh môi trường", "Waste", "Rác tồn đọng, đổ rác sai nơi quy định", "Môi trường",
             "rác, thùng rác, phế thải, vệ sinh", "timed"),
    Category("lamp", "Đèn chiếu sáng công cộng", "Street lamps", "Đèn hỏng, chập chờn, sáng ban ngày", "Hạ tầng",
             "đèn đường, chiếu sáng, cột đèn", "timed",
             (attribute("pole", "string", "Số hiệu cột đèn", about="Ghi trên thân cột, ví dụ T12/3"),
              attribute("fault", "singlevaluelist", "Hiện tượng", True,
                        values={"out": "Không sáng", "blink": "Chập chờn", "day": "Sáng ban ngày", "down": "Gãy"}))),
    Category("road", "Đường sá, vỉa hè", "Roads and pavements", "Ổ gà, sụt lún, nắp cống hỏng", "Hạ tầng",
             "ổ gà, sụt lún, nắp cống, vỉa hè", "timed"),
    Category("water", "Cấp nước, thoát nước", "Water and drains", "Vỡ ống, ngập úng, tắc cống", "Hạ tầng",
             "nước, ngập, cống, vỡ ống", "urgent"),
    Category("tree", "Cây xanh", "Trees", "Cây đổ, gãy cành, nguy cơ đổ", "Hạ tầng", "cây, cành, đổ, gãy", "urgent"),
    Category("environment", "Ô nhiễm môi trường", "Pollution", "Khói bụi, tiếng ồn, xả thải", "Môi trường",
             "ô nhiễm, khói, bụi, tiếng ồn, xả thải", "timed"),
    Category("order", "Trật tự đô thị", "Public order", "Lấn chiếm lòng lề đường, quảng cáo sai quy định", "Trật tự",
             "lấn chiếm, vỉa hè, quảng cáo, rao vặt", "timed"),
    Category("traffic", "An toàn giao thông", "Traffic safety", "Biển báo, đèn tín hiệu, điểm nguy hiểm", "Trật tự",
             "giao thông, biển báo, đèn tín hiệu, ùn tắc", "instant"),
    Category("planning", "Xây dựng, quy hoạch", "Building and planning", "Xây dựng không phép, sai phép", "Trật tự",
             "xây dựng, không phép, quy hoạch", "timed"),
    Category("other", "Lĩnh vực khác", "Something else", "Nội dung chưa có trong danh mục", "Khác", "khác", "timed"),
)  # fmt: skip


def categories(connection: sa.Connection) -> list[Category]:
    """What may be reported now, in its order."""
    column = report_category.c
    names = tuple(Category.__dataclass_fields__)
    query = sa.select(*(column[name] for name in names)).where(column.retired_at.is_(None))
    rows = connection.execute(query.order_by(column.ordinal, column.key)).mappings()
    return [Category(**{**row, "attributes": tuple(row["attributes"])}) for row in rows]


def put_categories(connection: sa.Connection, items: Iterable[Category]) -> int:
    """Add kinds whose key is not there yet; what the authority has changed or retired stays; how many."""
    rows = [{**vars(one), "attributes": list(one.attributes), "ordinal": 10 * n} for n, one in enumerate(items, 1)]
    statement = insert(report_category).values(rows).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(report_category.c.key)).all())


def answered(kind: Category, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The answers to what a kind asks, checked; those to what it does not ask are left out. Raises Wrong."""
    found: dict[str, Any] = {}
    for asked in kind.attributes:
        code, several = asked["code"], asked["datatype"] == "multivaluelist"
        told = [text.strip() for text in given.get(code, ()) if text.strip()]
        if not told:
            if asked["required"]:
                raise _wrong(code, "Cần trả lời", "it needs an answer")
            continue
        if len(told) > (VALUES_MOST if several else 1) or any(len(text) > VALUE_MOST or "\0" in text for text in told):
            raise _wrong(code, "Trả lời quá dài hoặc quá nhiều", f"one answer of at most {VALUE_MOST} characters")
        for text in told:
            _typed(asked, text)
        found[code] = told if several else told[0]
    return found


def _typed(asked: Mapping[str, Any], text: str) -> None:
    code, kind = asked["code"], asked["datatype"]
    keys = [str(value["key"]) for value in asked["values"]]
    if kind.endswith("list") and text not in keys:
        raise _wrong(code, f"Một trong: {', '.join(keys)}", f"one of {', '.join(keys)}")
    try:
        if kind == "number":
            float(text)
        elif kind == "datetime":
            datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(code, "Không đúng kiểu", f"it must be a {kind}") from None
    if kind == "string" and "\n" in text:
        raise _wrong(code, "Chỉ một dòng", "one line")


def _wrong(code: str, vi: str, en: str) -> Wrong:
    return Wrong(f"attribute[{code}]", vi, en)
