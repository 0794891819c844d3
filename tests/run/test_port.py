import socket
from pathlib import Path

from run import port


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "port"
    first = port.kept(file)
    assert port.kept(file) == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert not port.free(first)
        second = port.kept(file)
    assert second != first
    assert port.kept(file) == second


def test_nonsense_in_the_file_gives_a_new_port(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("99999999")
    assert port.FIRST_PORT <= port.kept(file) <= port.LAST_PORT
