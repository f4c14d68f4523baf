"""browser.py CHROMIUM PAGE OUT: opens a report in a headless browser, over its debugging pipe, and looks at it.

Nothing but the page itself is asked for, no script runs or fails, no element is hidden markup of a host; the whole page can be reached with the
keyboard, prints on paper, and is readable in the dark. Screenshots and the printed page go to OUT.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

chromium, page, out = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
SECONDS = 120  # for everything


class Browser:
    def __init__(self):
        self.profile = out / "profile"
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()

        def descriptors():  # it reads commands from 3 and answers on 4
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-extensions", f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=descriptors)
        os.close(to_browser)
        os.close(from_browser)
        self.write, self.read = ours_out, ours_in
        self.rest, self.events, self.last, self.session = b"", [], 0, None
        self.until = time.monotonic() + SECONDS

    def message(self):
        while b"\0" not in self.rest:
            assert time.monotonic() < self.until, "the browser does not answer"
            piece = os.read(self.read, 1 << 16)
            assert piece, "the browser is gone"
            self.rest += piece
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.last += 1
        command = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.write, json.dumps(command).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == self.last:
                assert "error" not in m, (method, m["error"])
                return m["result"]
            self.events.append(m)

    def wait(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.message())

    def of(self, method):
        return [e["params"] for e in self.events if e.get("method") == method]

    def ask(self, expression):
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def picture(self, name, **size):
        self.call("Emulation.setDeviceMetricsOverride", mobile=False, deviceScaleFactor=1, **size)
        (out / name).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def luminance(color):
    parts = [int(p) for p in color[color.index("(") + 1:-1].split(",")[:3]]
    return sum(parts) / 3


def look(b):
    target = b.call("Target.createTarget", url="about:blank")["targetId"]
    b.session = b.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Network", "Runtime", "Log", "Page"):
        b.call(domain + ".enable")
    b.call("Page.navigate", url=page.as_uri())
    b.wait("Page.loadEventFired")

    # What a host said is text. (Asked for before the page may wait for what it loads.)
    assert b.ask("document.querySelectorAll('script,img,iframe,object,embed,link,form,input,video,audio').length") == 0, "an element that no report has"
    assert b.ask("[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"), "a handler"
    assert b.ask("[...document.querySelectorAll('a')].every(a => a.getAttribute('href').startsWith('#'))"), "a link that leads out of the page"
    assert b.ask("[...document.querySelectorAll('a')].every(a => document.getElementById(a.getAttribute('href').slice(1)))"), "a link to nothing"
    assert b.ask("document.title").endswith(": done"), "another title"
    ids = b.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), "an id twice"
    assert b.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "wider than the window"

    # Keyboard: every place that can be used is reached, and one sees where one is.
    focusable = b.ask("document.querySelectorAll('a[href],summary,pre[tabindex]').length")
    b.ask("document.querySelectorAll('details').forEach(d => d.open = false)")
    seen = 0
    for _ in range(min(focusable, 12)):
        for kind in ("rawKeyDown", "keyUp"):
            b.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen += b.ask("document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    assert seen >= 8, f"the keyboard reaches {seen} places"
    b.ask("document.querySelector('summary').focus()")
    for kind in ("keyDown", "keyUp"):
        b.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
    assert b.ask("document.querySelector('details').open"), "Enter opens no output"

    b.ask("document.activeElement.blur(); scrollTo(0, 0)")
    b.picture("light.png", width=1280, height=1700)
    light = b.ask("getComputedStyle(document.body).backgroundColor")
    b.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    b.picture("dark.png", width=1280, height=1700)
    dark, ink = (b.ask(f"getComputedStyle(document.body).{p}") for p in ("backgroundColor", "color"))
    assert luminance(light) > 200 and luminance(dark) < 60 < 160 < luminance(ink), (light, dark, ink)
    b.picture("narrow.png", width=420, height=900)
    assert b.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "wider than a small window"
    b.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert luminance(b.ask("getComputedStyle(document.body).backgroundColor")) > 200, "dark on paper"
    b.call("Emulation.setEmulatedMedia", media="", features=[])
    paper = base64.b64decode(b.call("Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF") and len(paper) > 10_000, len(paper)
    (out / "paper.pdf").write_bytes(paper)

    asked = [r["request"]["url"] for r in b.of("Network.requestWillBeSent")]
    assert asked == [page.as_uri()], f"it loads {asked}"
    assert not b.of("Runtime.exceptionThrown") and not b.of("Runtime.consoleAPICalled"), b.of("Runtime.exceptionThrown")
    said = [e["entry"]["text"] for e in b.of("Log.entryAdded")]
    assert not said, said


out.mkdir(parents=True, exist_ok=True)
browser = Browser()
try:
    look(browser)
finally:
    browser.close()
