"""What the mail sink shows: lists and messages as HTML in which nothing of a message is trusted."""

import re
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from html import escape
from pathlib import Path
from urllib.parse import quote

SHOWN = 100
# A message's HTML has no scripts, no forms and no way to load or leave anything, even when opened on its own.
HTML_PART_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .6rem; vertical-align: top; border-bottom: 1px solid #ddd }
td { overflow-wrap: anywhere } pre { white-space: pre-wrap; background: #f6f6f6; padding: 1rem }
iframe { width: 100%; height: 32rem; border: 1px solid #ddd } time { white-space: nowrap }
"""


def read(file: Path) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    assert isinstance(message, EmailMessage)
    return message


def listing(folder: Path) -> str:
    files = sorted(folder.glob("*.eml"), reverse=True)
    rows = "".join(_row(file.stem, read(file)) for file in files[:SHOWN])
    head = "<tr><th>Time (UTC)</th><th>Subject</th><th>To</th><th>Attachments</th></tr>"
    older = f"<p>The newest {SHOWN} of {len(files)} messages.</p>" if len(files) > SHOWN else ""
    body = f"<table>{head}{rows}</table>{older}" if files else "<p>No mail yet.</p>"
    return _page("Mail", f"{body}<p>Every message is a file in {escape(str(folder))}</p>")


def _row(name: str, message: EmailMessage) -> str:
    names = ", ".join(name for name, _content in attachments(message))
    subject = header(message, "Subject") or "(no subject)"
    return (
        f"<tr><td><time>{escape(_time(name))}</time></td>"
        f"<td><a href='/messages/{quote(name)}'>{escape(subject)}</a></td>"
        f"<td>{escape(header(message, 'To'))}</td><td>{escape(names)}</td></tr>"
    )


def _time(name: str) -> str:
    day, clock = name[:8], name[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]}"


def header(message: EmailMessage, name: str) -> str:
    """A header as text. The parser gives up on some broken headers with errors of all kinds."""
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "(unreadable)"


def message_page(name: str, message: EmailMessage) -> str:
    headers = "".join(
        f"<tr><th>{escape(key)}</th><td>{escape(header(message, key))}</td></tr>" for key in _names(message)
    )
    base = f"/messages/{quote(name)}"
    files = "".join(
        f"<li><a href='{base}/attachments/{number}'>{escape(file_name)}</a> ({len(content)} bytes)</li>"
        for number, (file_name, content) in enumerate(attachments(message))
    )
    parts = [f"<table>{headers}</table>", f"<ul>{files}</ul>"]
    if text := _body(message, "plain"):
        parts.append(f"<pre>{escape(text)}</pre>")
    if html_part(message):
        parts.append(f"<iframe sandbox title='The message as HTML' src='{base}/html'></iframe>")
    parts.append(f"<p><a href='{base}/source'>The whole message</a> · <a href='/'>All messages</a></p>")
    return _page(header(message, "Subject") or "(no subject)", "".join(parts))


def _names(message: EmailMessage) -> list[str]:
    """Every header's name once, in the order of the message."""
    return list(dict.fromkeys(message.keys()))


def html_part(message: EmailMessage) -> str:
    return _body(message, "html")


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return _decoded(part) if part is not None else ""


def _decoded(part: MIMEPart) -> str:
    """Lenient: an unknown character set or broken base64 shows what can be shown."""
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return raw.decode("utf-8", errors="replace")


def attachments(message: EmailMessage) -> list[tuple[str, bytes]]:
    parts = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    return [(part.get_filename() or f"attachment-{number}", _content(part)) for number, part in enumerate(parts, 1)]


def _content(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else part.as_bytes()


def content_disposition(file_name: str) -> str:
    """RFC 6266: a plain name for old programs and the exact one, percent-encoded, for the others."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def _page(title: str, body: str) -> str:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
