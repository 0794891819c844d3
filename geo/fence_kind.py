"""The kinds of fences: what each is drawn as, what is watched of it unless somebody says otherwise, and its checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from geo.calendar import check_season
from geo.criteria import check
from geo.fence import Fence
from geo.ring import checked
from geo.wrong import Wrong as Wrong

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
TAKEN = ("check", "export", "import", "new", "list")  # words of the addresses under which fences stand
NAME_MAX, NOTE_MAX = 120, 2_000
NM_M = 1852.0
BUFFER_M = (20.0, 200 * NM_M)  # nearer than a ship's length no approach can be told
HYSTERESIS_MAX_M, DWELL_MAX_S = 20_000.0, 31 * 86_400.0
ALLOWED = "allowed"  # where a boat may fish: who leaves it has crossed its boundary
COASTAL_HOME = "coastal_home"  # coastal waters in which small boats of one province alone may fish
BOUNDARY_STEPS_NM = (15.0, 10.0, 6.0, 3.0)  # domain.md fact 11


@dataclass(frozen=True)
class FenceKind:
    """One kind: its name, its words, its shape, and which rules it begins with."""

    name: str
    shape: Literal["area", "line"]
    vi: str
    en: str
    watched: tuple[str, ...] = ()
    severity: str = "high"


KINDS: Mapping[str, FenceKind] = {
    kind.name: kind
    for kind in (
        FenceKind("area", "area", "Khu vực", "Area", ("inside",)),
        FenceKind(ALLOWED, "area", "Vùng được phép khai thác", "Allowed area"),
        FenceKind(COASTAL_HOME, "area", "Vùng ven bờ của một tỉnh", "A province's coastal waters"),
        FenceKind("caution", "area", "Vùng cần chú ý", "Caution area", ("inside",), "medium"),
        FenceKind("bottom_only", "area", "Vùng chỉ khai thác tầng đáy", "Bottom fishing only"),
        FenceKind("port", "area", "Cảng, bến", "Port"),
        FenceKind("gate", "line", "Cổng (đường để tính lượt qua)", "Gate (a line to be crossed)", ("crossing",), "low"),
        FenceKind("boundary", "line", "Ranh giới trên biển", "Sea boundary", ("approach",)),
    )
}
# Of these every installation has one, and the zones are told by them together.
REFERENCE: Mapping[str, tuple[str, str]] = {
    "coast_line": ("Tuyến bờ (tham khảo)", "Coastal line (reference)"),
    "inshore_line": ("Tuyến lộng (tham khảo)", "Inshore line (reference)"),
    "zone_inshore": ("Vùng lộng (tham khảo)", "Inshore zone (reference)"),
    "zone_coastal": ("Vùng ven bờ (tham khảo)", "Coastal zone (reference)"),
    "zone_offshore": ("Vùng khơi (tham khảo)", "Offshore zone (reference)"),
}


def not_edited() -> Wrong:
    """The fault of whoever would change a reference line or zone."""
    return Wrong("kind", "Đường và vùng tham khảo không sửa ở đây", "reference lines and zones are not edited here")


def title(kind: str) -> tuple[str, str]:
    """A kind in Vietnamese and English; the name itself of one that nobody knows."""
    known = KINDS.get(kind)
    return (known.vi, known.en) if known else REFERENCE.get(kind, (kind, kind))


def fence_checked(fence: Fence) -> Fence:
    """The fence, when all of it makes sense, its geometry repaired and oriented. Raises Wrong for the first fault."""
    if not KEY.fullmatch(fence.key) or fence.key in TAKEN:
        raise Wrong(
            "key", "Mã gồm chữ thường không dấu, số, _ và -", "a key is of a-z, 0-9, _ and -, at most 60 of them"
        )
    kind = KINDS.get(fence.kind)
    if kind is None:
        if fence.kind in REFERENCE:
            raise Wrong(
                "kind", "Đường và vùng tham khảo không sửa ở đây", "reference lines and zones are not edited here"
            )
        raise Wrong(
            "kind", "Không có loại vùng này", f"there is no kind {fence.kind[:40]!r}, one of {', '.join(KINDS)}"
        )
    _texts(fence)
    _numbers(fence)
    if fence.valid_from and fence.valid_to and fence.valid_from >= fence.valid_to:
        raise Wrong(
            "valid_to", "Hết hiệu lực phải sau khi có hiệu lực", "the end of validity must come after its beginning"
        )
    _as_wrong("season", lambda: check_season(fence.season), "Ngày viết là ngày/tháng, ví dụ 01/04")
    _as_wrong("applies_to", lambda: check(fence.applies_to, "applies_to"), "Điều kiện áp dụng viết sai")
    geom, faults = checked(fence.geom, kind.shape)
    if geom is None:
        raise Wrong("geom", faults[-1].vi, faults[-1].en)
    return replace(fence, geom=geom)


def _texts(fence: Fence) -> None:
    if not fence.name_vi.strip():
        raise Wrong("name_vi", "Hãy đặt tên", "a name is needed")
    most = {"name_vi": NAME_MAX, "name_en": NAME_MAX, "note": NOTE_MAX, "owner": NAME_MAX}
    for field, length in most.items():
        text = getattr(fence, field) or ""
        if len(text) > length:
            raise Wrong(field, f"Nhiều nhất {length} ký tự", f"at most {length} characters")
        if "\0" in text:
            raise Wrong(field, "Có ký tự không dùng được", "a character that cannot be kept")


def _numbers(fence: Fence) -> None:
    limits = {"hysteresis_m": HYSTERESIS_MAX_M, "dwell_s": DWELL_MAX_S, "buffer_m": BUFFER_M[1]}
    for field, most in limits.items():
        value = getattr(fence, field)
        if not 0 <= value <= most:  # NaN is not either
            raise Wrong(field, f"Từ 0 đến {most:g}", f"0 to {most:g}")
    if 0 < fence.buffer_m < BUFFER_M[0]:
        raise Wrong(
            "buffer_m", f"0 là không có, hoặc từ {BUFFER_M[0]:g} m", f"0 for none, or {BUFFER_M[0]:g} m and more"
        )


def _as_wrong(field: str, ask: Any, vi: str) -> None:
    try:
        ask()
    except ValueError as error:
        raise Wrong(field, vi, str(error)) from None
