"""The examples of docs/push.md, run as they stand there."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from tests.api.pushing import enrol, key
from tests.connections import connected
from tests.program import CLEAN, ROOT


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_examples_do_what_the_page_says(serve, database) -> None:
    site, text = serve(), (ROOT / "docs" / "push.md").read_text("utf-8")
    with connected(database.owner) as owner:
        enrol(owner, datetime.now(UTC))
    scripts, (said,) = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("sh", "json"))
    answers = []
    for script in scripts:
        here = script.replace("http://127.0.0.1:8050", f"http://127.0.0.1:{site.port}")
        done = subprocess.run(["bash", "-c", here], env={**CLEAN, "TOKEN": key(database)},
                              capture_output=True, check=True, timeout=60)  # fmt: skip
        answers.append(json.loads(done.stdout))
    assert answers[0] == json.loads(said)
    assert (answers[1]["received"], answers[1]["accepted"]) == (1, 1)
