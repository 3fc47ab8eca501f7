"""The mail sink: keeps what is sent, and its pages trust nothing of it."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from dev import mail_pages, mail_sink
from dev.ports import free_port


class Running(NamedTuple):
    folder: Path
    smtp_port: int
    web_port: int

    def get(self, path: str) -> tuple[str, dict[str, str]]:
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{self.web_port}{path}", timeout=60) as answer:
            return answer.read().decode(), dict(answer.headers)

    def status(self, path: str) -> int:
        try:
            self.get(path)
        except HTTPError as error:
            error.close()
            return error.code
        return 200


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Running]:
    folder = tmp_path / "mail"
    with mail_sink.serve(folder, host="127.0.0.1", port=free_port(), web_port=0) as addresses:
        yield Running(folder, *addresses)


def send(sink: Running, message: EmailMessage) -> Path:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=60) as client:
        client.send_message(message)
    return max(sink.folder.glob("*.eml"))


def make_message(subject: str = "Накладная МП-26-000001", text: str = "Добрый день") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", "buyer@example.org", subject
    message.set_content(text)
    return message


def test_keeps_every_message_as_a_file(sink: Running) -> None:
    message = make_message()
    message["X-Order-Number"] = "17"
    stored = mail_pages.read(send(sink, message))

    assert stored["Subject"] == "Накладная МП-26-000001"
    assert stored["X-Order-Number"] == "17"
    assert mail_pages.header(stored, "To") == "buyer@example.org"
    assert [file.suffix for file in sink.folder.iterdir()] == [".eml"]


def test_names_sort_by_arrival(tmp_path: Path) -> None:
    names = [mail_sink.store(tmp_path, b"x").name for _ in range(20)]

    assert names == sorted(names)


def test_a_script_in_a_message_stays_text(sink: Running) -> None:
    message = make_message(subject="<script>alert(1)</script>", text="<script>alert(2)</script>")
    message.add_alternative("<p>Hi</p><script>alert(3)</script>", subtype="html")
    message.add_attachment(b"data", maintype="text", subtype="html", filename='"><script>.html')
    name = send(sink, message).stem

    listing, headers = sink.get("/")
    page, _headers = sink.get(f"/messages/{name}")
    assert "<script" not in listing + page
    assert "&lt;script&gt;alert(1)" in listing
    assert "&lt;script&gt;alert(2)" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_html_is_shown_without_any_rights(sink: Running) -> None:
    message = make_message()
    message.add_alternative("<p>Hi</p>", subtype="html")
    name = send(sink, message).stem

    page, _headers = sink.get(f"/messages/{name}")
    part, headers = sink.get(f"/messages/{name}/html")
    assert "<iframe sandbox title" in page
    assert "<p>Hi</p>" in part
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_attachments_are_downloaded_and_never_shown(sink: Running) -> None:
    message = make_message()
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="накладная.pdf")
    name = send(sink, message).stem

    content, headers = sink.get(f"/messages/{name}/attachments/0")
    assert content == "%PDF-1.7"
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%D0%BD" in headers["Content-Disposition"]
    assert "накладная.pdf" in sink.get("/")[0]


@pytest.mark.parametrize(
    "path", ["/messages/../secret-key", "/messages/%2e%2e%2fsecret-key", "/messages/x", "/etc/passwd"]
)
def test_nothing_but_messages_can_be_read(sink: Running, path: str) -> None:
    (sink.folder.parent / "secret-key").write_text("secret")

    assert sink.status(path) == 404


def test_an_unknown_attachment_is_not_found(sink: Running) -> None:
    name = send(sink, make_message()).stem

    assert sink.status(f"/messages/{name}/attachments/0") == 404
    assert sink.status(f"/messages/{name}/source") == 200


def test_a_broken_message_does_not_break_the_list(sink: Running) -> None:
    mail_sink.store(sink.folder, b"Content-Type: text/plain; charset=nonsense\r\nTo: =?x?b?!!?=, <\r\n\r\n\xff\xfe")

    assert "(no subject)" in sink.get("/")[0]
    assert sink.status(f"/messages/{next(sink.folder.glob('*.eml')).stem}") == 200
