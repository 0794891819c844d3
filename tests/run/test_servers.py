import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from run.fault import Fault
from run.home import make_home
from run.postgres import find_installation, make_postgres
from run.process import wait_for
from run.redis import make_redis
from run.role import urls
from run.servers import servers, start_postgres, start_redis

pytestmark = pytest.mark.alone


def _owner(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_the_newest_postgresql_with_postgis_is_found() -> None:
    installation = find_installation()
    assert (installation.binaries / "initdb").exists()
    assert installation.version >= 13
    assert installation.postgis.startswith("3")


def test_servers_start_keep_their_data_and_port_and_leave_nothing_running(home_directory: Path) -> None:
    said: list[str] = []
    with servers(home_directory, "test", say=said.append) as first:
        with _owner(urls(first.postgres).owner) as connection:
            connection.execute("CREATE TABLE seen AS SELECT 1 AS one")
        with Redis.from_url(first.redis.url) as connection_:
            connection_.set("seen", "1")
            pid = connection_.info("server")["process_id"]
        data = first.postgres.data
        owner = (data / "postmaster.pid").stat().st_uid
    assert owner != 0, "PostgreSQL never runs as root"
    assert not (data / "postmaster.pid").exists()
    assert not Path(f"/proc/{pid}").exists()
    assert any(f"PostgreSQL {first.postgres.installation.version} with PostGIS" in line for line in said)

    with servers(home_directory, "test") as second:
        assert (second.postgres.port, second.redis.port) == (first.postgres.port, first.redis.port)
        with _owner(urls(second.postgres).owner) as connection:
            assert connection.execute("SELECT one FROM seen").fetchone() == (1,)
        with Redis.from_url(second.redis.url) as connection_:
            assert connection_.get("seen") == b"1"


def test_durable_servers_have_the_settings_that_keep_data(home_directory: Path) -> None:
    with servers(home_directory, "test", durable=True) as running:
        with running.postgres.connect() as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
                row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
                assert row == ("on",), name
        with Redis.from_url(running.redis.url, decode_responses=True) as connection_:
            settings = connection_.config_get("appendonly", "appendfsync", "maxmemory-policy")
            assert settings == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
            assert int(connection_.config_get("maxmemory")["maxmemory"]) > 0
            assert connection_.config_get("bind") == {"bind": "127.0.0.1"}


def test_after_kill_9_what_was_committed_is_there(home_directory: Path) -> None:
    home = make_home(home_directory)
    postgres, postgres_process = start_postgres(home, lambda line: None)
    redis, redis_process = start_redis(home, lambda line: None)
    with _owner(urls(postgres).owner) as connection, Redis.from_url(redis.url) as connection_:
        connection.execute("CREATE TABLE seen AS SELECT 1 AS one")
        connection_.xadd("stream", {"batch": "1"})
        os.kill(postgres_process.pid, signal.SIGKILL)
        os.kill(redis_process.pid, signal.SIGKILL)
        assert postgres_process.wait(10)
        assert redis_process.wait(10)
        # A backend is still connected here: it holds the shared memory of the one that was killed.
        with servers(home_directory, "test") as again:
            assert again.postgres.port == postgres.port
            with _owner(urls(again.postgres).owner) as fresh:
                assert fresh.execute("SELECT one FROM seen").fetchone() == (1,)
            with Redis.from_url(again.redis.url) as fresh_:
                assert fresh_.xlen("stream") == 1


def test_a_stale_process_id_that_belongs_to_another_now_is_no_obstacle(home_directory: Path) -> None:
    home = make_home(home_directory)
    server, process = start_postgres(home, lambda line: None)
    stale = (server.data / "postmaster.pid").read_text().splitlines()
    process.stop()
    stale[0] = "1"
    (server.data / "postmaster.pid").write_text("\n".join(stale) + "\n")
    _, process = start_postgres(home, lambda line: None)
    process.stop()


def test_running_servers_of_the_home_are_adopted(home_directory: Path) -> None:
    home = make_home(home_directory)
    postgres, postgres_process = start_postgres(home, lambda line: None)
    redis, redis_process = start_redis(home, lambda line: None)
    said: list[str] = []
    postgres_again, adopted_postgres = start_postgres(home, said.append)
    redis_again, adopted_redis = start_redis(home, said.append)
    assert adopted_postgres.adopted
    assert adopted_redis.adopted
    assert (adopted_postgres.pid, adopted_redis.pid) == (postgres_process.pid, redis_process.pid)
    assert (postgres_again.port, redis_again.port) == (postgres.port, redis.port)
    assert sum("was running already" in line for line in said) == 2
    # Reaped by their real parent, which is us here, while the adopted handles wait for them to go.
    adopted_postgres.send(signal.SIGINT)
    adopted_redis.send(signal.SIGTERM)
    assert adopted_postgres.wait(20)
    assert adopted_redis.wait(20)
    assert postgres_process.wait(5)
    assert redis_process.wait(5)


def test_a_taken_port_is_replaced(home_directory: Path) -> None:
    home = make_home(home_directory)
    first = make_redis(home)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        server, process = start_redis(home, lambda line: None)
        assert server.port != first.port
        process.stop()


def test_an_append_only_file_cut_short_is_loaded_and_said(home_directory: Path) -> None:
    home = make_home(home_directory)
    redis, process = start_redis(home, lambda line: None)
    with Redis.from_url(redis.url) as connection:
        connection.xadd("stream", {"batch": "1"})
        connection.xadd("stream", {"batch": "2" * 100})
    process.stop()
    (increment,) = (home_directory / "redis" / "appendonlydir").glob("*.incr.aof")
    with increment.open("r+b") as file:
        file.truncate(increment.stat().st_size - 7)
    said: list[str] = []
    redis, process = start_redis(home, said.append)
    with Redis.from_url(redis.url) as connection:
        assert connection.xlen("stream") == 1
    process.stop()
    assert any("unfinished end" in line for line in said)


def test_servers_end_with_the_program_that_started_them(home_directory: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from run.servers import servers\n"
        "with servers(Path(sys.argv[1]), 'test'): print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home_directory)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "up\n"
        program.kill()
    home = make_home(home_directory)
    places = {str(make_postgres(home).data), str(home_directory / "redis")}

    def gone() -> bool:
        return not {_link(place) for place in Path("/proc").glob("[0-9]*/cwd")} & places

    assert wait_for(gone, 30)


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


@pytest.mark.parametrize("which", ["postgres", "redis"])
def test_a_server_that_cannot_start_is_one_clear_line(home_directory: Path, which: str) -> None:
    home = make_home(home_directory)
    if which == "postgres":
        _, process = start_postgres(home, lambda line: None)
        process.stop()
        (home_directory / "postgres" / "local.conf").write_text("shared_buffers = 'nonsense'\n")
        with pytest.raises(Fault, match=r"PostgreSQL .* did not start \(FATAL: .*local.conf"):
            start_postgres(home, lambda line: None)
    else:
        _, process = start_redis(home, lambda line: None)
        process.stop()
        (home_directory / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
        with pytest.raises(Fault, match=r"Redis .* did not start \(.*; see .*redis.log"):
            start_redis(home, lambda line: None)
