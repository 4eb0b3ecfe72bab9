"""Debian's Firefox, driven by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/) over a WebSocket, without a network."""

import base64
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

FIREFOX = shutil.which("firefox-esr")
needs_firefox = pytest.mark.skipif(FIREFOX is None, reason="needs Debian's Firefox: apt-get install firefox-esr")

#: How long anything may take until a test fails, in seconds; no test says how fast the page is.
PATIENCE = 120.0
ENTER, ESCAPE, CONTROL = "\ue007", "\ue00c", "\ue009"
#: Nothing is fetched at the start, and nothing asked.
PREFERENCES = {
    "app.update.auto": False, "browser.shell.checkDefaultBrowser": False, "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,", "toolkit.telemetry.server": "", "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
}  # fmt: skip


class WebSocket:
    """As much of RFC 6455 as BiDi needs: whole texts to and from a server on this machine."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self.connection = socket.create_connection((host, port), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall(
            (
                f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        self.stream = self.connection.makefile("rb")
        status = self.stream.readline()
        assert b" 101 " in status, status
        while self.stream.readline().strip():
            pass

    def send(self, text: str) -> None:
        data = text.encode()
        size = (
            bytes([0x80 | len(data)]) if len(data) < 126
            else bytes([0x80 | 126]) + struct.pack(">H", len(data)) if len(data) < 2**16
            else bytes([0x80 | 127]) + struct.pack(">Q", len(data))
        )  # fmt: skip
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.connection.sendall(b"\x81" + size + mask + masked)

    def close(self) -> None:
        self.stream.close()
        self.connection.close()

    def receive(self) -> str:
        parts = []
        while True:
            first, second = self.stream.read(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self.stream.read(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self.stream.read(8))
            data = self.stream.read(size)
            if first & 0x0F in (0, 1):  # a text, or more of it
                parts.append(data)
                if first & 0x80:
                    return b"".join(parts).decode()


class FirefoxPage:
    """A tab, and what stands in its console."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.sent = 0
        self.complaints: list[str] = []
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self.context = self.command("browsingContext.create", type="tab")["context"]

    def command(self, method: str, **parameters: Any) -> Any:
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message["type"] == "event":
                self.complaints.append(f"{message['params']['level']}: {message['params']['text']}")
            elif message.get("id") == self.sent:
                assert message["type"] == "success", message
                return message["result"]

    def open(self, path: Path, fragment: str = "") -> None:
        self.command("browsingContext.navigate", context=self.context, url=path.as_uri() + fragment, wait="complete")

    def reload(self) -> None:
        self.command("browsingContext.reload", context=self.context, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, which may be a promise; what JSON can write."""
        result = self.command(
            "script.evaluate", target={"context": self.context}, awaitPromise=True,
            expression=f"Promise.resolve({expression}).then((found) => JSON.stringify(found ?? null))",
        )  # fmt: skip
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true, and give its value."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, (expression, self.complaints)
            time.sleep(0.05)
        return value

    def press(self, *keys: str, held: str = "") -> None:
        """Press keys one after the other, while another is held."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        if held:
            actions = [{"type": "keyDown", "value": held}, *actions, {"type": "keyUp", "value": held}]
        self.command(
            "input.performActions", context=self.context, actions=[{"type": "key", "id": "keys", "actions": actions}]
        )

    def click(self, place: str) -> None:
        """Click where an expression says that a point of the window is: `[x, y]`."""
        x, y = self.wait(place)
        actions = [
            {"type": "pointerMove", "x": round(x), "y": round(y)}, {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]  # fmt: skip
        self.command(
            "input.performActions", context=self.context,
            actions=[{"type": "pointer", "id": "mouse", "actions": actions}],
        )  # fmt: skip

    def click_on(self, selector: str) -> None:
        """Click on the middle of an element, which is scrolled to."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.click(
            f"(() => {{ const one = {found}; if (!one) return null; one.scrollIntoView({{ block: 'center', behavior: 'instant' }});"
            " const { left, top, width, height } = one.getBoundingClientRect();"
            " return width ? [left + width / 2, top + height / 2] : null; })()"
        )

    def check(self) -> None:
        """Fail where anything stands in the console."""
        self.evaluate("1")  # what was said before it has come by then
        assert not self.complaints, self.complaints


@contextmanager
def open_firefox(profile: Path) -> Iterator[FirefoxPage]:
    """A headless Firefox with an empty profile and one tab."""
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    log = profile / "firefox.log"
    command = [str(FIREFOX), "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
    window = {"HOME": str(profile), "MOZ_HEADLESS_WIDTH": "1440", "MOZ_HEADLESS_HEIGHT": "1000"}
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | window)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"WebDriver BiDi listening on ws://([\d.]+):(\d+)", log.read_text())):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        with closing(WebSocket(found[1], int(found[2]), "/session")) as server:
            yield FirefoxPage(server)
    finally:
        process.terminate()
        process.wait(30)
