"""A citizen's form to send a field report, what they are told after it, and the page to follow and rate it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from access.site import Site
from geo.photo import BYTES_MOST
from geo.report import ADDRESS_MOST, NAME_MOST, NOTE_MOST, REJECTIONS, STATUSES, TEXT_MOST
from geo.report_category import VALUE_MOST, Category
from geo.report_public import Row
from geo.wrong import Wrong
from pages.multipart import Form
from pages.print import Child, Element, element
from pages.public import BOARD, FOLLOW, NEW, RATE, address, answer
from pages.report import ends
from pages.text import Text

PHOTOS_MOST = 5
PHOTO_TYPES = "image/jpeg,image/png,image/webp"
# The field of the form that a fault is about, where it is called otherwise.
FIELDS = {"sent_at": "seen_at", "place": "address"}
STEPS = ("new", "verified", "assigned", "in_progress", "published")
REACHED = {"new": 0, "reopened": 0, "verified": 1, "returned": 1, "assigned": 2, "in_progress": 3, "replied": 3,
           "published": 4, "closed": 4}  # fmt: skip


def choose(site: Site, t: Text, kinds: Sequence[Category]) -> Response:
    """What it is about: the first step, one press."""
    groups: dict[str, list[Category]] = {}
    for one in kinds:
        groups.setdefault(one.grouped, []).append(one)
    listed = [
        element("li", element("a", element("b", t.pick(one.name_vi, one.name_en)), element("span", one.about_vi),
                              href=address(NEW, t, category=one.key)))
        for group in groups.values() for one in group
    ]  # fmt: skip
    return answer(
        site, t, t("Gửi phản ánh"), NEW,
        element("h1", t("Gửi phản ánh")), element("p", t("Bước 1 trên 2: chuyện gì?"), _class="step"),
        element("ul", listed, _class="kinds"),
    )  # fmt: skip


def form(
    site: Site, t: Text, kind: Category, once: str, photos_most: int, given: Form | None = None,
    wrong: Wrong | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """The form of one kind, with what was given before and what of it cannot be."""
    told = given or Form()
    fault = None if wrong is None else (FIELDS.get(wrong.field, wrong.field), t.pick(wrong.vi, wrong.en))

    def row(name: str, words: str, control: Element, hint: str | None = None) -> Element:
        return _row(name, words, control, hint, fault[1] if fault and fault[0] == name else None)

    name = t.pick(kind.name_vi, kind.name_en)
    rows: list[Child] = [
        row("words", t("Nội dung"),
            _area("words", told, TEXT_MOST, True),
            t("Chuyện gì, ở đâu, từ bao giờ. Đừng ghi tên hay số điện thoại ở đây.")),
        *(row(f"attribute[{one['code']}]", _question(t, one), _asked(t, one, told), one["datatype_description"] or None)
          for one in kind.attributes),
        _place(t, told, row),
        row("photo", t("Ảnh (không bắt buộc)"),
            element("input", type="file", id="photo", name="photo", accept=PHOTO_TYPES, multiple="multiple",
                    **{"data-most": str(photos_most), "data-bytes": str(BYTES_MOST)}),
            t("Nhiều nhất {n} ảnh JPEG, PNG hoặc WebP, mỗi ảnh 8 MB. Ảnh được vẽ lại: thông tin ẩn trong tệp bị bỏ.",
              n=photos_most)),
        row("seen_at", t("Thấy lúc nào (không bắt buộc)"), _input("seen_at", told, type="datetime-local"),
            t("Để trống là bây giờ.")),
        element(
            "fieldset", element("legend", t("Liên hệ (không bắt buộc)")),
            element("p", t(
                "Tên, số điện thoại và thư điện tử không hiện trên trang công khai; đơn vị xử lý cũng không thấy. "
                "Chúng được cất riêng: chỉ quản trị hệ thống mở được, từng lần một, và mỗi lần đều ghi lại ai mở, vì "
                "sao."),
                _class="honest"),
            row("name", t("Tên"), _input("name", told, maxlength=str(NAME_MOST), autocomplete="name")),
            row("phone", t("Điện thoại"),
                _input("phone", told, type="tel", maxlength=str(NAME_MOST), autocomplete="tel")),
            row("email", t("Thư điện tử"),
                _input("email", told, type="email", maxlength=str(NAME_MOST), autocomplete="email")),
        ),
    ]  # fmt: skip
    summary = None
    if fault:
        words: list[Child] = [element("b", t("Chưa gửi được.")), " ", element("a", fault[1], href=f"#{fault[0]}")]
        if given is not None and given.files:
            words.append(" " + t("Hãy chọn lại ảnh: trình duyệt không giữ tệp."))
        summary = element("p", words, role="alert", _class="fault")
    return answer(
        site, t, t("Gửi phản ánh"), NEW,
        element("h1", t("Gửi phản ánh")),
        element("p", t("Bước 2 trên 2: {kind}.", kind=name), " ",
                element("a", t("Chọn lại"), href=address(NEW, t)), _class="step"),
        summary,
        element(
            "form", element("input", type="hidden", name="category", value=kind.key),
            element("input", type="hidden", name="once", value=once), rows,
            element("p", t("Phản ánh được công khai sau khi trả lời và xem lại; số điện thoại, biển số trong nội dung "
                           "bị che."), _class="honest"),
            element("button", t("Gửi phản ánh"), type="submit", _class="action", **{"data-busy": t("Đang gửi…")}),
            method="post", action=address(NEW, t), enctype="multipart/form-data", id="send", _class="form",
        ),
        status=status, private=True,
    )  # fmt: skip


def _row(name: str, words: str, control: Element, hint: str | None, fault: str | None) -> Element:
    said = [
        element("p", text, id=f"{name}-{kind}", _class=kind)
        for kind, text in (("hint", hint), ("fault", fault))
        if text
    ]
    if said:
        control.set("aria-describedby", " ".join(one.get("id", "") for one in said))
    if fault:
        control.set("aria-invalid", "true")
    if control.tag == "fieldset":
        control.insert(0, element("legend", words))
        return element("div", control, said, _class="row")
    return element("div", element("label", words, for_=name), said, control, _class="row")


def _input(name: str, told: Form, **more: str) -> Element:
    return element("input", **{"type": "text", "id": name, "name": name, "value": told.first(name), **more})


def _area(name: str, told: Form, most: int, required: bool) -> Element:
    needed = {"required": "required"} if required else {}
    return element("textarea", told.first(name), id=name, name=name, rows="5", maxlength=str(most), **needed)


def _question(t: Text, one: Mapping[str, Any]) -> str:
    words = str(one["description"])
    return words if one["required"] else f"{words} ({t('không bắt buộc')})"


def _asked(t: Text, one: Mapping[str, Any], told: Form) -> Element:
    """What a category asks: its datatype is one of Open311's."""
    name, kind = f"attribute[{one['code']}]", one["datatype"]
    needed = {"required": "required"} if one["required"] else {}
    given = told.fields.get(name, [])
    if kind == "singlevaluelist":
        options = [element("option", t("Chọn…"), value="")]
        for value in one["values"]:
            picked = {"selected": "selected"} if str(value["key"]) in given else {}
            options.append(element("option", value["name"], value=str(value["key"]), **picked))
        return element("select", options, id=name, name=name, **needed)
    if kind == "multivaluelist":
        boxes = []
        for value in one["values"]:
            ticked = {"checked": "checked"} if str(value["key"]) in given else {}
            box = element("input", type="checkbox", name=name, value=str(value["key"]), **ticked)
            boxes.append(element("label", box, value["name"], _class="tick"))
        return element("fieldset", boxes, id=name)
    if kind == "text":
        return _area(name, told, VALUE_MOST, bool(one["required"]))
    types = {"number": {"inputmode": "decimal"}, "datetime": {"type": "datetime-local"}}
    return _input(name, told, maxlength=str(VALUE_MOST), **types.get(kind, {}), **needed)


def _place(t: Text, told: Form, row: Any) -> Element:
    """Where: on the map, by the phone's own position, or in words. public.js draws the map into its place."""
    words = {
        "data-here": t("Vị trí của tôi"), "data-tap": t("Chạm vào bản đồ để đặt ghim"), "data-away": t("Bỏ ghim"),
        "data-set": t("Đã đặt ghim"), "data-in": t("Phóng to"), "data-out": t("Thu nhỏ"),
        "data-denied": t("Không đọc được vị trí của máy: hãy chạm vào bản đồ hoặc ghi địa chỉ."),
        "data-keys": t("Phím mũi tên dời ghim, + và − phóng to, thu nhỏ."),
    }  # fmt: skip
    degrees = [
        element("label", words_of, _input(name, told, inputmode="decimal", autocomplete="off"))
        for name, words_of in (("lat", t("Vĩ độ")), ("lon", t("Kinh độ")))
    ]
    return element(
        "fieldset", element("legend", t("Ở đâu")),
        element("div", id="place", _class="place", **words),
        row("address", t("Địa chỉ hoặc mô tả nơi"), _input("address", told, maxlength=str(ADDRESS_MOST)),
            t("Ghi địa chỉ, hoặc đặt ghim, hoặc cả hai.")),
        element("details", element("summary", t("Nhập tọa độ")), element("div", degrees, _class="degrees"),
                **({"open": "open"} if told.first("lat") or told.first("lon") else {})),
    )  # fmt: skip


def sent(site: Site, t: Text, key: str, secret: str) -> Response:
    """The number and the secret, once."""
    return answer(
        site, t, t("Đã gửi phản ánh"), NEW,
        element(
            "section", element("h1", t("Đã gửi phản ánh")),
            element("p", t("Hãy ghi lại hoặc chụp màn hình này. Mã bí mật chỉ hiện một lần, ở đây; ai có nó xem được "
                           "phản ánh đang ở đâu và đánh giá câu trả lời.")),
            element("dl",
                    element("div", element("dt", t("Mã phản ánh")), element("dd", key, id="number")),
                    element("div", element("dt", t("Mã bí mật")), element("dd", secret, id="secret")), _class="keep"),
            element("form", element("input", type="hidden", name="number", value=key),
                    element("input", type="hidden", name="secret", value=secret),
                    element("button", t("Xem phản ánh đang ở đâu"), type="submit", _class="action"),
                    method="post", action=address(FOLLOW, t)),
            _class="whole"),
        status=201, private=True,
    )  # fmt: skip


def ask(site: Site, t: Text, number: str, fault: str | None = None, status: int = 200) -> Response:
    """The form that asks for the number and the secret."""
    told = Form({"number": [number]})
    return answer(
        site, t, t("Theo dõi phản ánh"), FOLLOW,
        element("h1", t("Theo dõi phản ánh")),
        element("p", fault, role="alert", _class="fault") if fault else None,
        element(
            "form",
            _row("number", t("Mã phản ánh"),
                 _input("number", told, required="required", maxlength="20", autocapitalize="characters",
                        autocomplete="off", placeholder="PA26-…"), None, None),
            _row("secret", t("Mã bí mật"),
                 _input("secret", Form(), required="required", maxlength="60", autocapitalize="none",
                        autocomplete="off", spellcheck="false"), t("Đã hiện một lần khi bạn gửi."), None),
            element("button", t("Xem"), type="submit", _class="action"),
            method="post", action=address(FOLLOW, t), _class="form",
        ),
        status=status, private=True,
    )  # fmt: skip


def followed(site: Site, t: Text, row: Row, secret: str, fault: str | None = None, status: int = 200) -> Response:
    """Where a report stands, and the rating of its answer."""
    facts = [
        (t("Mã phản ánh"), row["id"]), (t("Lĩnh vực"), t.pick(row["category_vi"], row["category_en"])),
        (t("Gửi lúc"), t.when(row["opened_at"])), (t("Hạn trả lời"), ends(t, row["due_at"]) if row["due_at"] else None),
        (t("Đơn vị xử lý"), t.pick(row["unit_vi"], row["unit_en"])),
    ]  # fmt: skip
    reply = element(
        "section", element("h2", t("Trả lời")), element("p", row["answer"], _class="words"), _class="answer"
    )
    more = element("p", element("a", t("Xem trang công khai của phản ánh"), href=address(f"{BOARD}/{row['id']}", t)))
    return answer(
        site, t, t("Theo dõi phản ánh"), FOLLOW,
        element(
            "article", element("h1", row["title"]),
            element("p", fault, role="alert", _class="fault") if fault else None,
            _standing(t, row),
            element("dl", [element("div", element("dt", name), element("dd", said)) for name, said in facts if said],
                    _class="about"),
            reply if row["public"] and row["answer"] else None, more if row["public"] else None,
            _rating(t, row, secret), _class="whole"),
        status=status, private=True,
    )  # fmt: skip


def _standing(t: Text, row: Row) -> Element:
    """The steps of the way, with the one that it has reached; in words where it has left the way."""
    status = row["status"]
    if status == "rejected":
        vi, en = REJECTIONS.get(row["choice"] or "other", REJECTIONS["other"])
        return element("p", element("b", t("Không tiếp nhận.")), f" {t.pick(vi, en)}.", _class="left")
    if status == "merged":
        words = t("Đã gộp vào phản ánh {number}, cùng một việc.", number=row["merged_into"] or "–")
        return element("p", element("b", words), _class="left")
    at = REACHED[status]
    steps = []
    for number, name in enumerate(STEPS):
        reached = {"aria-current": "step"} if number == at else {}
        steps.append(element("li", t.pick(*STATUSES[name]), _class="passed" if number <= at else "ahead", **reached))
    waits = {
        "replied": t("Đã có trả lời, đang chờ xem lại để công khai."),
        "returned": t("Đơn vị được giao đã trả lại; đang chọn đơn vị khác."), "reopened": t("Đang được xử lý lại."),
        "closed": t("Đã hoàn tất."),
    }  # fmt: skip
    return element(
        "div",
        element("ol", steps, _class="steps"),
        element("p", waits[status], _class="note") if status in waits else None,
    )


def _rating(t: Text, row: Row, secret: str) -> Element | None:
    if row["rating"]:
        return element("p", t("Bạn đã đánh giá: {n} trên 5. Cảm ơn bạn.", n=row["rating"]), _class="note")
    if row["status"] not in ("published", "closed"):
        return None
    words = (t("Rất không hài lòng"), t("Không hài lòng"), t("Bình thường"), t("Hài lòng"), t("Rất hài lòng"))
    choices = [
        element("label", element("input", type="radio", name="score", value=str(n), required="required"),
                element("b", str(n)), element("span", word))
        for n, word in enumerate(words, 1)
    ]  # fmt: skip
    return element(
        "form", element("input", type="hidden", name="number", value=row["id"]),
        element("input", type="hidden", name="secret", value=secret),
        element("fieldset", element("legend", t("Bạn hài lòng với câu trả lời không?")),
                element("div", choices, _class="scores")),
        _row("said", t("Ý kiến thêm (không bắt buộc)"), _area("said", Form(), NOTE_MOST, False), None, None),
        element("button", t("Gửi đánh giá"), type="submit", _class="action"),
        method="post", action=address(RATE, t), _class="form",
    )  # fmt: skip
