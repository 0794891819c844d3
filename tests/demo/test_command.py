"""The process speaks over a real socket, keeps its heartbeat, and stops when asked."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from demo.command import speak, udp_address
from geo.account import Account
from geo.heartbeat import Heartbeat
from ingest.ais import messages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(60)
        yield bound


def test_it_speaks_whole_sentences_and_stops(receiver, tmp_path):
    asked, pulse = threading.Event(), tmp_path / "pulse"
    thread = threading.Thread(
        target=speak, args=(receiver.getsockname(), 1, time.time(), 20.0, asked, Heartbeat(pulse)), daemon=True
    )
    thread.start()
    heard = [receiver.recv(65536) for _ in range(300)]
    asked.set()
    thread.join(60)
    assert not thread.is_alive()
    assert pulse.exists()
    assert all(datagram.endswith(b"\r\n") for datagram in heard)
    account = Account()
    decoded = list(messages(b"".join(heard).replace(b"\r\n", b"\n"), account, []))
    assert account.accepted == account.received >= 300
    assert len({fields["mmsi"] for fields, _ in decoded}) > 100


def test_as_a_process_it_writes_the_truth_and_ends_at_sigterm(receiver, tmp_path):
    # Apart from the front door, so that this room's test needs no other room's command.
    code = (
        "import types, sys, pathlib, typer, demo.command as c\n"
        "app = typer.Typer(); app.add_typer(c.app)\n"
        "setup = types.SimpleNamespace(home=pathlib.Path(sys.argv.pop(1)), simulated_sources={})\n"
        "app(obj=setup)\n"
    )
    host, port = receiver.getsockname()
    words = [sys.executable, "-c", code, str(tmp_path), "simulate", "--to", f"udp://{host}:{port}", "--speed", "30"]
    environment = os.environ | {"HAIDANG_HEARTBEAT": str(tmp_path / "pulse")}
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        assert receiver.recv(65536).startswith(b"\\s:SIM,c:")
        process.send_signal(signal.SIGTERM)
        _, problems = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, problems
    assert b"Traceback" not in problems
    assert (tmp_path / "pulse").exists()
    assert (tmp_path / "demo" / "truth.jsonl").read_text("utf-8").count("\n") > 20


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:1", "udp://127.0.0.1", "127.0.0.1:10", "udp://:5", "udp://h:99999"])
def test_a_wrong_address_is_one_clear_line(url):
    with pytest.raises(ValueError, match="is not udp://host:port"):
        udp_address(url)


def test_an_address_is_host_and_port():
    assert udp_address("udp://127.0.0.1:10111") == ("127.0.0.1", 10111)
