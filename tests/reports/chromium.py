"""A real browser, where there is one: opens a page, does things in it, and says what it then saw."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 300

# What the page itself did is over by the time this runs: it stands at the very end of the page.
DRIVER = """<script>
(async () => {
  const $ = (id) => document.getElementById("choose-" + id);
  const rest = () => new Promise((done) => setTimeout(done));
  const put = (id, value) => {
    $(id).value = value;
    $(id).dispatchEvent(new Event("input", { bubbles: true }));
  };
  const texts = (all) => [...all].map((one) => one.textContent);
  let answers;
  try { answers = await (async () => { %s })(); } catch (error) { answers = { error: String(error) }; }
  const pre = document.createElement("pre");
  pre.id = "answers";
  pre.textContent = JSON.stringify(answers);
  document.body.append(pre);
})();
</script>"""


def in_chromium(page: Path, script: str, folder: Path, *flags: str) -> Any:
    """What the body of an asynchronous function returns when the page has run it at its end.

    The function knows `$` (an element of the chooser by the end of its id), `put` (type into one), `rest`
    (let what is waiting happen) and `texts`. Skips the test where there is no browser.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium on the path")
    text = page.read_text("utf-8")
    driven = page.with_name("driven.html")
    driven.write_text(text.replace("</body>", DRIVER % script + "</body>"), "utf-8")
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=20000", *flags, "--dump-dom", driven.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
    found = re.search(r'<pre id="answers">(.*?)</pre>', done.stdout.decode("utf-8"), re.DOTALL)
    assert found, done.stderr.decode("utf-8", "replace")[-2000:]
    answers = json.loads(html.unescape(found[1]))
    assert not isinstance(answers, dict) or "error" not in answers, answers
    return answers
