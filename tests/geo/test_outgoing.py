"""The way out, over real sockets: allowed places, one resolution, no redirects, bounded time and answers."""

import socket
import threading
import time
import tracemalloc
from functools import partial

import pytest
import trustme

from geo.outgoing import ANSWER_BYTES_MAX, Outgoing, OutgoingError, allow, place, target
from tests.outgoing import trusting, web


def refused(outgoing: Outgoing, url: str) -> str:
    with pytest.raises(OutgoingError) as caught:
        outgoing.request("GET", url, {})
    return str(caught.value)


def test_places_are_compared_as_they_are_meant() -> None:
    assert allow(["SMTP.Hue.gov.vn.:587", "[2001:DB8::1]:25"]) == {"smtp.hue.gov.vn:587", "[2001:db8::1]:25"}
    assert target("https://Hooks.Example/x") == ("hooks.example", 443)
    assert place(*target("http://[::1]:8080/")) == "[::1]:8080"
    for entry in ("smtp.hue.gov.vn", "x:0", "x:99999", "*.x:25", "https://x:443", ":25", "a b:1"):
        with pytest.raises(ValueError, match="host:port"):
            allow([entry])
    for url in ("ftp://x/", "https:///x", "https://me@x/", "https://me:it@x/", "x"):
        with pytest.raises(ValueError, match="address"):
            target(url)


def test_promise_17_only_what_is_on_the_list_is_connected_to() -> None:
    with web() as server:
        outgoing = Outgoing(frozenset({server.place}))
        assert outgoing.request("GET", f"http://{server.place}/a?b=c", {}).status == 200
        assert server.asked[0].path == "/a?b=c"
        looked = list[str]()
        strict = Outgoing(
            frozenset({f"127.0.0.1:{server.port + 1}"}), resolve=lambda host, _: looked.append(host) or []
        )
        words = refused(strict, f"http://{server.place}/")
        assert "HAIDANG_OUTGOING_ALLOWED" in words
        assert server.place in words
        assert "not allowed" in refused(Outgoing(), f"http://{server.place}/")
    assert (len(server.asked), looked) == (1, [])  # not even its name was looked up


def test_promise_17_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with web() as server, web() as other:
        server.status, server.headers = 302, {"Location": f"http://{other.place}/"}
        outgoing = Outgoing(frozenset({server.place, other.place}))
        assert outgoing.request("POST", f"http://{server.place}/", {}, b"x").status == 302
        assert other.asked == []


def test_promise_17_a_name_is_resolved_once_and_its_answer_is_where_we_go() -> None:
    with web() as server, web() as other:
        answers = [["127.0.0.1"], ["127.0.0.2"]]
        asked = []

        def changing(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return answers[len(asked) - 1]

        outgoing = Outgoing(frozenset({f"localhost:{server.port}"}), resolve=changing)
        assert outgoing.request("GET", f"http://localhost:{server.port}/", {}).status == 200
        assert asked == [("localhost", server.port)]
        assert server.asked[0].headers["host"] == f"localhost:{server.port}"
        assert other.asked == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1%eth0"]
)
def test_promise_17_a_name_that_leads_into_this_machine_is_not_followed(address: str) -> None:
    with web() as server:
        outgoing = Outgoing(frozenset({f"hooks.example:{server.port}"}), resolve=lambda host, port: [address])
        assert "this machine itself" in refused(outgoing, f"http://hooks.example:{server.port}/")
        assert server.asked == []


def test_promise_17_the_whole_of_it_is_over_in_time_however_slowly_it_drips() -> None:
    with web() as server:
        server.dripping_s, server.body = 0.05, b"x" * 100_000
        outgoing = Outgoing(frozenset({server.place}), timeout_s=0.6)
        began = time.monotonic()
        assert "within 0.6 s" in refused(outgoing, f"http://{server.place}/")
        assert time.monotonic() - began < 3


def test_promise_17_who_accepts_and_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        outgoing = Outgoing(frozenset({f"127.0.0.1:{port}"}), timeout_s=0.4)
        for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/"):
            assert "within 0.4 s" in refused(outgoing, url)


def test_a_resolver_that_hangs_is_left_in_time() -> None:
    forever = threading.Event()
    outgoing = Outgoing(frozenset({"x.example:80"}), timeout_s=0.3, resolve=lambda *_: forever.wait() and [])
    assert "not resolved within 0.3 s" in refused(outgoing, "http://x.example/")
    forever.set()


def test_promise_17_no_more_of_an_answer_is_read_than_may_be() -> None:
    with web() as server:
        server.body = b"x" * (1 << 20)
        answer = Outgoing(frozenset({server.place})).request("GET", f"http://{server.place}/", {})
        assert len(answer.body) == ANSWER_BYTES_MAX


def test_promise_17_a_chunk_of_less_than_no_bytes_is_not_all_that_ever_comes() -> None:
    with web() as server:
        server.headers, server.body = {"Transfer-Encoding": "chunked"}, b"-1\r\n" + b"x" * (16 << 20)
        tracemalloc.start()
        try:
            assert "no HTTP answer" in refused(Outgoing(frozenset({server.place})), f"http://{server.place}/")
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
        server.body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        assert Outgoing(frozenset({server.place})).request("GET", f"http://{server.place}/", {}).body == b"abcde"


def test_an_answer_that_ends_before_its_length_says_so_and_one_that_is_too_long_does_not() -> None:
    with web() as server:
        ask = partial(Outgoing(frozenset({server.place})).request, "GET", f"http://{server.place}/", {}, None)
        server.body, server.headers = b"x" * 50, {"Content-Length": "100"}
        assert (ask(1_000).body, ask(1_000).cut_off) == (b"x" * 50, True)
        server.headers = {}
        assert [ask(most).cut_off for most in (10, 50, 1_000)] == [False] * 3


def test_tls_is_checked_against_the_name() -> None:
    authority = trustme.CA()
    with web(authority) as server:
        allowed = frozenset({f"localhost:{server.port}", server.place})
        trusted = Outgoing(allowed, tls=trusting(authority))
        assert trusted.request("GET", f"https://localhost:{server.port}/", {}).status == 200
        assert "no secure connection" in refused(trusted, f"https://{server.place}/")  # the name of another
        assert "no secure connection" in refused(Outgoing(allowed), f"https://localhost:{server.port}/")
        assert len(server.asked) == 1


def test_what_does_not_answer_is_said_without_what_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outgoing = Outgoing(frozenset({f"127.0.0.1:{port}"}))
    assert (
        refused(outgoing, f"http://127.0.0.1:{port}/?key=geheim")
        == f"127.0.0.1:{port} cannot be reached: Connection refused"
    )
    with web() as server:
        allowed = Outgoing(frozenset({server.place}))
        for url, headers in (
            (f"http://{server.place}/a b?key=geheim", {}),
            (f"http://{server.place}/", {"X-Key": "geheim\r\nX-Other: 1"}),
            (f"http://{server.place}/?ế=geheim", {}),
        ):
            with pytest.raises(OutgoingError) as caught:
                allowed.request("GET", url, headers)
            assert "geheim" not in str(caught.value)
        assert server.asked == []
