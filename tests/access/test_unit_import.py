"""Handling units out of a list: all 226 of them, row by row, with versions, and twice the same changes nothing."""

from access.unit_import import carry_out
from geo.actor import Actor
from geo.handling import put_units
from geo.reference import UNITS
from geo.unit_file import KEY_NAMES, of_sheet
from geo.vector_file import sheet_bytes
from tests.connections import asked, connected

LAN = Actor("Lan")


def drafts(text: str):
    return of_sheet(sheet_bytes("units.csv", text.encode(), KEY_NAMES))


def test_a_whole_citys_units_are_taken_and_the_second_time_nothing_changes(database) -> None:
    rows = "\n".join(f"UBND phường số {n},don_vi_{n},{n}" for n in range(1, 227))
    found, ignored = drafts("Tên đơn vị,Mã đơn vị,Thứ tự\n" + rows)
    assert (len(found), ignored) == (226, [])
    with connected(database.owner) as engine:
        account, done = carry_out(engine, found, None, None)
        assert (account.counts["new"], done) == (226, None)
        assert asked(database.owner, "SELECT count(*) AS n FROM unit")[0]["n"] == 0
        assert carry_out(engine, found, LAN, "thử")[1] == 226
        account, done = carry_out(engine, found, LAN, "thử")
        assert (account.counts["unchanged"], done) == (226, 0)
    assert (
        asked(database.owner, "SELECT count(*) AS n FROM revision WHERE kind = 'unit' AND version = 1")[0]["n"] == 226
    )


def test_a_changed_name_is_a_version_and_units_that_the_list_has_not_stay(database) -> None:
    with connected(database.owner) as engine:
        with engine.begin() as connection:
            put_units(connection, UNITS)
        found, _ = drafts("ma,ten\nioc,Trung tâm IOC Huế\n,Sở Xây dựng\n")
        account, done = carry_out(engine, found, LAN, None)
    assert [(line.id, line.what) for line in account.lines] == [("ioc", "changed"), ("so_xay_dung", "new")]
    assert done == 2
    rows = {row["key"]: row for row in asked(database.owner, "SELECT * FROM unit")}
    assert len(rows) == len(UNITS) + 1
    assert (rows["ioc"]["name_vi"], rows["ioc"]["name_en"]) == ("Trung tâm IOC Huế", "Operations centre (IOC)")
    assert rows["so_xay_dung"]["name_en"] == "Sở Xây dựng"


def test_what_is_wrong_is_told_by_row_and_column_and_the_others_are_good() -> None:
    found, ignored = drafts(f"Đơn vị,Mã,STT,Điện thoại\nA,a,1,x\n,b,2,x\n{'C' * 121},c,3,x\nD,a,4,x\nE,e,nhất,x\n")
    assert ignored == ["Điện thoại"]
    assert [[wrong.field for wrong in one.faults] for one in found] == [[], ["Đơn vị"], ["Đơn vị"], ["key"], ["STT"]]
