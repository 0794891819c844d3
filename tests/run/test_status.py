from run.status import _lines


def test_rejects_and_faults_stand_under_their_feed() -> None:
    feed = {"source": "ais.udp1", "age_s": 1.5, "rate_per_s": 2.0, "lag": 0, "received": 5, "accepted": 3}
    told = {"rejected": {"checksum": 2}, "faults": {"kernel_drop": 7, "receiver_gap": 1}}
    lines = _lines({"processes": [], "feeds": [{**feed, **told}]})
    at = next(number for number, line in enumerate(lines) if line.startswith("ais.udp1"))
    assert [line.split() for line in lines[at + 1 :]] == [
        ["checksum", "2"],
        ["kernel_drop", "7", "(fault)"],
        ["receiver_gap", "1", "(fault)"],
    ]
