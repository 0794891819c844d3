import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from run.fault import Fault
from run.home import holder, locked, make_home

ROOT = Path(__file__).resolve().parents[2]


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(home_directory: Path) -> None:
    home = make_home(home_directory)
    first = home.secret("web")
    assert len(first) >= 24
    assert make_home(home_directory).secret("web") == first
    assert home.secret("ingest") != first
    assert stat.S_IMODE((home_directory / "secrets" / "web").stat().st_mode) == 0o600
    assert stat.S_IMODE((home_directory / "secrets").stat().st_mode) == 0o700


def test_two_programs_cannot_hold_one_home(home_directory: Path) -> None:
    home = make_home(home_directory)
    script = (
        "import sys; from pathlib import Path; from run.home import locked, make_home\n"
        "with locked(make_home(Path(sys.argv[1])), 'demo'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home_directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert holder(home) == (other.pid, "demo")
        with pytest.raises(Fault, match=rf"in use by process {other.pid} \(demo\)"), locked(home, "up"):
            pass
        other.kill()
    with locked(home, "up"):  # the kernel let go of it when the other one was killed
        assert holder(home) == (os.getpid(), "up")
    assert holder(home) is None


def test_a_home_that_cannot_be_made_is_one_clear_line(home_directory: Path) -> None:
    (home_directory / "file").write_text("")
    with pytest.raises(Fault, match=r"cannot be used \(Not a directory\); set HAIDANG_HOME"):
        make_home(home_directory / "file" / "home")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")
def test_a_home_out_of_the_servers_reach_is_one_clear_line(home_directory: Path) -> None:
    (home_directory / "private").mkdir(mode=0o700)
    with pytest.raises(Fault, match="cannot be reached by the user 'postgres'"):
        make_home(home_directory / "private" / "home")
