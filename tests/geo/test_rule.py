import pytest

from geo.actor import Actor
from geo.database import engine
from geo.rule import Rule, put_rules, rules


@pytest.mark.parametrize("change", [{"kind": "sideways"}, {"severity": "dreadful"}])
def test_a_rule_that_nobody_knows_is_refused(change: dict[str, str]) -> None:
    given_values = {"kind": "inside", "severity": "high", **change}
    with pytest.raises(ValueError, match=next(iter(change.values()))):
        Rule("r", given_values["kind"], "vessel", "", "", given_values["severity"])


def test_rules_are_read_as_they_were_put_and_unknown_ones_are_left_out(database) -> None:
    owner = engine(database.owner)
    one = Rule(
        "slow", "distress", "vessel", "Chậm", "Slow", "low", None, 5.0, {"mmsi": [1, None]}, {"speed": [None, 4]}
    )
    with owner.begin() as connection:
        import sqlalchemy as sa

        assert put_rules(connection, [one], Actor("Lan")) == 1
        assert put_rules(connection, [one], Actor("Lan")) == 0
        connection.execute(
            sa.text(
                "INSERT INTO rule (key, kind, layer, name_vi, name_en, severity, updated_at, updated_by) "
                "VALUES ('new', 'of_a_later_version', 'vessel', '', '', 'low', now(), 'x')"
            )
        )
        found = rules(connection)
    owner.dispose()
    assert [each.key for each in found] == ["slow"]
    assert (found[0].applies_to, found[0].qualifies, found[0].dwell_s) == ({"mmsi": [1, None]}, {"speed": [None, 4]}, 5)
