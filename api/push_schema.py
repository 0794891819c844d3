"""What a layer takes over HTTP, in words: the one schema that its documentation shows, and why a record is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, create_model

from access.push import PROVIDER
from geo.api_key import Key
from ingest.camera_event import PLATE_AS_CAMERA, PLATE_ELSEWHERE
from ingest.feed import RECORD_ID, Feed, Member, Push
from ingest.json_lines import seconds
from ingest.push import NOT_OBJECT
from layers import push_feed
from layers.layer import Field as Label
from layers.layer import Layer

Strict = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# A whole number that is exact wherever it is read, as the readers take it for a text.
Exact = Annotated[StrictInt, Field(gt=-(1 << 53), lt=1 << 53)]


def _moment(told: str) -> str:
    seconds(told, "time")
    return told


Stamp = Annotated[StrictStr, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})]
Epoch = Annotated[Strict, Field(gt=0, lt=4e9, description="epoch seconds")]
# Reasons that are of no member's value: (member, English, Vietnamese).
WORDS: dict[str, tuple[str, str, str]] = {
    "not_json": (
        "",
        "is no JSON text in UTF-8; send one object or a list",
        "không phải JSON (UTF-8); gửi một đối tượng hoặc một danh sách",
    ),
    "not_csv": (
        "",
        "is no CSV in UTF-8 with a header of the layer's members and a record in each line",
        "không phải CSV (UTF-8) có dòng tiêu đề gồm các mục của lớp, mỗi dòng một bản ghi",
    ),
    "not_gzip": (
        "",
        "is no whole gzip stream; send it again, or unpacked",
        "không phải dữ liệu gzip nguyên vẹn; gửi lại hoặc gửi không nén",
    ),
    NOT_OBJECT: ("", "is no JSON object; a record is {...}", "không phải đối tượng JSON; mỗi bản ghi là {...}"),
    "member_twice": ("", "names a member twice; leave one", "có một mục ghi hai lần; bỏ bớt một"),
    "too_long": ("", "is too long; shorten its texts", "quá dài; rút ngắn phần chữ"),
    "time": (
        "observed_at",
        "must be RFC 3339 (2026-11-25T07:31:00Z) or epoch seconds",
        "phải theo RFC 3339 (2026-11-25T07:31:00Z) hoặc giây epoch",
    ),
    "time_range": (
        "observed_at",
        "lies more than 36 months back or a day ahead; check the clock",
        "cũ quá 36 tháng hoặc vượt quá một ngày; kiểm tra đồng hồ",
    ),
    "unit": (
        "unit",
        "is no unit of the one parameter that the record tells; see the documentation of its members",
        "không phải đơn vị của thông số duy nhất trong bản ghi; xem tài liệu các mục",
    ),
    "parameter": (
        "parameter",
        "names no parameter that stations here measure, or one that the record tells already",
        "không phải thông số mà trạm ở đây đo, hoặc bản ghi đã có thông số đó",
    ),
    "station_kind": (
        "kind",
        "must be air, water, rain or river",
        "phải là air, water, rain hoặc river",
    ),
    "position": (
        "lon, lat",
        "must both be numbers, -180 to 180 and -90 to 90 degrees",
        "cả hai phải là số, -180 đến 180 và -90 đến 90 độ",
    ),
    PLATE_ELSEWHERE: (
        "record_id, camera, lane, snapshot",
        "holds the number plate, which may stand in `plate` alone; name records and pictures otherwise",
        "có biển số; biển số chỉ được ghi ở mục plate, hãy đặt mã và tên hình khác",
    ),
    PLATE_AS_CAMERA: (
        "camera",
        "looks like a number plate, and no such camera is registered; tell the camera's key in the register",
        "giống biển số, và danh mục không có camera này; hãy ghi khoá của camera trong danh mục",
    ),
    PROVIDER: (
        PROVIDER,
        "is another than this key speaks for, or the device is another's",
        "khác nhà cung cấp của khoá này, hoặc thiết bị của nhà cung cấp khác",
    ),
}


@dataclass(frozen=True)
class Target:
    """What takes records: a layer, or a kind of record of its own. key: the member that the reason `key` speaks of."""

    name: str
    en: str
    push: Push
    example: Mapping[str, Any] | None = None
    labels: tuple[Label, ...] = ()
    key: str = ""


def of_layer(layer: Layer) -> Target:
    """A layer as what takes records; it must have a feed that does."""
    feed = push_feed(layer)
    assert feed is not None
    assert feed.push is not None
    return Target(layer.name, layer.en, feed.push, example(feed), layer.fields, layer.shape.key)


def model(layer: Layer | Target) -> type[BaseModel]:
    """A record as a pydantic model, out of the members that are read and the layer's own labels."""
    target = of_layer(layer) if isinstance(layer, Layer) else layer
    push = target.push
    labels = {field.name: field for field in target.labels}
    fields: dict[str, Any] = {}
    for member in (*push.members, RECORD_ID):
        label = labels.get(member.name)
        words = [member.vi, member.en] if member.vi else [label.vi, label.en] if label else []
        unit = [f"[{label.unit}]"] if label and label.unit else []
        described = Field(description=" · ".join([*words, *unit]) or None)
        kind = _kind(member)
        fields[member.name] = (
            (kind, described) if member.needed else (kind | None, Field(None, description=described.description))
        )
    about = f"One record of {target.name}."
    if push.one_of:
        about += f" At least one of {', '.join(push.one_of)} is needed."
    config = ConfigDict(extra="ignore", title=f"{target.name}_record")
    return create_model(f"{target.name}_record", __config__=config, __doc__=about, **fields)


def example(feed: Feed) -> dict[str, Any] | None:
    """The first JSON object of what the feed gives as its sample."""
    return next((json.loads(line) for line in feed.sample() if line.startswith(b"{")), None)


def _kind(member: Member) -> Any:
    if member.kind == "flag":
        return StrictBool
    if member.kind == "time":
        return Stamp | Epoch
    if member.kind == "text":
        fewest, most = (None if bound is None else int(bound) for bound in (member.least, member.most))
        text: Any = Annotated[StrictStr, Field(min_length=fewest, max_length=most)]
        return text | Exact if member.number_too else text
    number: Any = StrictInt if member.kind == "whole" else Strict
    return Annotated[number, Field(ge=member.least, le=member.most)]


def reason_words(layer: Layer | Target, key: Key, reason: str) -> tuple[str, str, str]:
    """Which member a reason speaks of, and what is wrong and what to do, in English and Vietnamese."""
    target = of_layer(layer) if isinstance(layer, Layer) else layer
    push = target.push
    if reason == "identity":
        names = ", ".join(push.one_of)
        return names, "one of them at least must be told", "cần ít nhất một trong các mục này"
    if reason == "key":
        return _value(push, target.key)
    if reason.startswith("value:"):
        return _value(push, reason.removeprefix("value:"))
    field, en, vi = WORDS.get(reason, ("", "is refused", "bị từ chối"))
    if reason == PROVIDER:
        en, vi = f"{en} ({key.provider})", f"{vi} ({key.provider})"
    return field, en, vi


def _value(push: Push, name: str) -> tuple[str, str, str]:
    member = push.member(name)
    assert member is not None
    bounded = member.kind != "text" and member.least is not None and member.most is not None
    span = f"{member.least:.15g} – {member.most:.15g}" if bounded else ""
    words = {
        "text": ("must be a text", "phải là chữ"),
        "number": ("must be a number", "phải là số"),
        "whole": ("must be a whole number", "phải là số nguyên"),
        "flag": ("must be true or false", "phải là true hoặc false"),
        "time": WORDS["time"][1:],
    }
    en, vi = words[member.kind]
    if member.kind == "text" and member.most is not None:
        en, vi = f"{en} of {member.most:.0f} letters at most", f"{vi}, nhiều nhất {member.most:.0f} ký tự"
    if member.kind == "text" and member.least:
        en, vi = f"{en}, not empty", f"{vi}, không bỏ trống"
    if member.kind == "text":
        en, vi = f"{en}, without NUL", f"{vi}, không có ký tự NUL"
    return name, f"{en}, {span}" if span else en, f"{vi}, {span}" if span else vi
