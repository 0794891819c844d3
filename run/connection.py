"""How a second command reaches the running program: the addresses given, else those of the home's own servers."""

from typing import TYPE_CHECKING

from run import state
from run.fault import Fault
from run.home import Home
from run.role import urls_at

if TYPE_CHECKING:
    from settings import Settings


def addresses(settings: "Settings") -> dict[str, str]:
    """DATABASE_URL for each role and REDIS_URL, by the names that settings.py reads.

    Raises:
        Fault: nothing is given and no program runs in the home.
    """
    given = {
        f"DATABASE_URL{tail}": settings.secret(f"database_url{tail.lower()}")
        for tail in ("", "_INGEST", "_WEB", "_BACKUP")
    }
    given["REDIS_URL"] = settings.secret("redis_url")
    if given["DATABASE_URL"] and given["REDIS_URL"]:
        return {name: value or given["DATABASE_URL"] for name, value in given.items()}
    running = state.read(settings.home)
    if running is None or "postgres" not in running.ports or "redis" not in running.ports:
        raise Fault(f"Nothing runs in {settings.home}; start './haidang demo' or './haidang up' first.")
    home = Home(settings.home, None)
    own = urls_at(home, running.ports["postgres"]).environment()
    return {**own, "REDIS_URL": f"redis://:{home.secret('redis')}@127.0.0.1:{running.ports['redis']}/0"}
