"""The browser that benchmarks drive: headless Chromium, without a graphics card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright


class NoBrowserError(Exception):
    """No Chromium was found; the message says how to get one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; raises NoBrowserError when none is installed."""
    executable = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if executable is None:
        raise NoBrowserError("no Chromium on this machine; `./haidang test` installs one, or: apt-get install chromium")
    # As root, and in most containers, Chromium's own sandbox cannot start.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*sandbox, "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


class MainThread:
    """How much processor time a page's main thread took, from Chromium's own counters."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        # Processor time, not wall time: what else the machine does in the meantime is nobody's cost here.
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._from = self._busy_ms()

    def _busy_ms(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    def lap(self) -> float:
        """Busy milliseconds since the last lap."""
        before, self._from = self._from, self._busy_ms()
        return self._from - before
