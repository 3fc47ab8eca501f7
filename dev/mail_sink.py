"""A mail server for development: keeps every message as an .eml file and shows them on a small read-only page."""

import argparse
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev import mail_pages


class Sink:
    """aiosmtpd's handler: a message is acknowledged when its file stands in the folder under its final name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- its name for it
        try:
            store(self._folder, envelope.original_content or b"")
        except OSError as error:
            return f"451 The message could not be stored: {error.strerror}"
        return "250 Stored"


def store(folder: Path, message: bytes) -> Path:
    """Writes one file, visible only when it is complete. Names sort by time; colons are not for every file system."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
    hidden = folder / f".{name}.part"
    try:
        hidden.write_bytes(message)
        return hidden.rename(folder / f"{name}.eml")
    except OSError:
        hidden.unlink(missing_ok=True)
        raise


class Answer(NamedTuple):
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    policy: str = mail_pages.PAGE_POLICY
    file_name: str | None = None


class Pages(BaseHTTPRequestHandler):
    """Answers GET only. A name in an address must look exactly like a stored file's, so it cannot leave the folder."""

    folder: Path  # set in a subclass by `serve`

    def do_GET(self) -> None:
        answer = self._answer(unquote(self.path.partition("?")[0]))
        self.send_response(200 if answer else 404)
        for name, value in _headers(answer or Answer(b"")).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body if answer else b"")

    def _answer(self, path: str) -> Answer | None:
        if path == "/":
            return Answer(mail_pages.listing(self.folder).encode())
        wanted = _ADDRESS.fullmatch(path)
        file = self.folder / f"{wanted['name']}.eml" if wanted else None
        if not wanted or not file or not file.is_file():
            return None
        message = mail_pages.read(file)
        match wanted["part"], wanted["number"]:
            case None, None:
                return Answer(mail_pages.message_page(file.stem, message).encode())
            case "source", None:
                return Answer(file.read_bytes(), "message/rfc822", file_name=file.name)
            case "html", None:
                return Answer(mail_pages.html_part(message).encode(), policy=mail_pages.HTML_PART_POLICY)
            case _, number:
                return _attachment(message, int(number))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- http.server's name for it
        pass


_ADDRESS = re.compile(
    r"/messages/(?P<name>\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8})(?:/(?P<part>source|html|attachments/(?P<number>\d{1,3})))?",
    re.ASCII,
)


def _attachment(message: EmailMessage, number: int) -> Answer | None:
    attachments = mail_pages.attachments(message)
    if number >= len(attachments):
        return None
    name, content = attachments[number]
    return Answer(content, "application/octet-stream", file_name=name)


def _headers(answer: Answer) -> dict[str, str]:
    headers = {
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "Content-Security-Policy": answer.policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    if answer.file_name is not None:
        headers["Content-Disposition"] = mail_pages.content_disposition(answer.file_name)
    return headers


class Addresses(NamedTuple):
    smtp_port: int
    web_port: int


@contextmanager
def serve(folder: Path, *, host: str, port: int, web_port: int) -> Iterator[Addresses]:
    """Runs both servers in threads; port 0 takes a free one for the page."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = ThreadingHTTPServer((host, web_port), type("FolderPages", (Pages,), {"folder": folder}))
    smtp = Controller(Sink(folder), hostname=host, port=port, enable_SMTPUTF8=True, ready_timeout=30)
    try:
        smtp.start()
        web = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.1})
        web.start()
        try:
            yield Addresses(port, pages.server_port)
        finally:
            pages.shutdown()
            web.join()
            smtp.stop()
    finally:
        pages.server_close()


class Arguments(argparse.Namespace):
    host: str
    port: int
    web_port: int
    folder: Path

    @classmethod
    def parse(cls) -> Self:
        parser = argparse.ArgumentParser(prog="python -m dev.mail_sink", description=__doc__)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=1025)
        parser.add_argument("--web-port", type=int, default=8025)
        parser.add_argument("--folder", type=Path, default=Path("instance/mail"))
        return parser.parse_args(namespace=cls())


def main() -> int:
    arguments = Arguments.parse()
    ending = (signal.SIGINT, signal.SIGTERM)
    # Blocked before the threads start, so that they inherit it and only sigwait below sees the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        with serve(arguments.folder, host=arguments.host, port=arguments.port, web_port=arguments.web_port):
            print(f"keeping mail in {os.path.relpath(arguments.folder)}", flush=True)
            signal.sigwait(ending)
    except OSError as error:
        print(f"The mail sink cannot start: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
