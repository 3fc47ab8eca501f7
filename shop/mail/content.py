"""What a mail says: its facts, put into the template of its kind and language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape

from shop.config import Settings
from shop.mail.models import MailMessage

TEMPLATES = Path(__file__).parent / "templates"
TITLE = re.compile(r"\A\{# (.+) #\}\n")  # the first line: what managers call the kind; in English its name says it


@dataclass(frozen=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Facts:
    """What a template needs, the headers that programs sort by, and what is attached."""

    values: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


def compose(mail: MailMessage, facts: Facts, settings: Settings) -> EmailMessage:
    """The message as it leaves: text and HTML from one template, whose first line, below its title, is the subject."""
    subject, body = (part.render(facts.values) for part in _template(f"{mail.locale}/{mail.kind}.txt"))
    message = EmailMessage()
    message["Subject"] = _one_line(subject)
    message["From"] = settings.mail_from
    message["To"] = mail.recipient
    message["Date"] = formatdate(mail.created_at.timestamp())
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    for name, value in facts.headers.items():
        message[name] = _one_line(value)
    message.set_content(body.strip() + "\n")
    message.add_alternative(_html(subject, body, mail.locale, settings.base_url), subtype="html")
    for attachment in facts.attachments:
        maintype, _, subtype = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.name)
    return message


def mail_titles(locale: str) -> dict[str, str]:
    """What managers who read this language call each kind of mail."""
    sources = {path.stem: path.read_text("utf-8") for path in sorted((TEMPLATES / locale).glob("*.txt"))}
    return {kind: title[1] for kind, source in sources.items() if (title := TITLE.match(source))}


@cache
def _template(name: str) -> tuple[Template, Template]:
    """Subject and body. Parted before they are filled: a line break in somebody's name moves nothing into the body."""
    assert _environment.loader is not None
    source, *_ = _environment.loader.get_source(_environment, name)
    subject, _, body = TITLE.sub("", source, count=1).partition("\n")
    return _environment.from_string(subject), _environment.from_string(body)


def _html(subject: str, body: str, locale: str, ours: str) -> str:
    """The same words for those who read HTML: nothing in them is markup; addresses of our own become links."""
    paragraphs = [paragraph.strip() for paragraph in body.strip().split("\n\n")]
    return _environment.get_template("layout.html").render(
        subject=subject, locale=locale, paragraphs=[_lines(paragraph, ours) for paragraph in paragraphs if paragraph]
    )


def _lines(paragraph: str, ours: str) -> Markup:
    return Markup("<br>\n").join(_link(line, ours) for line in paragraph.split("\n"))


def _link(line: str, ours: str) -> Markup:
    """A comment or a company's name may hold an address, too; a click on it must not look like our advice."""
    address = line.strip()
    if address.startswith(ours.rstrip("/") + "/") and " " not in address:
        return Markup('<a href="{0}">{0}</a>').format(address)
    return escape(line)


def _one_line(text: str) -> str:
    """No line break may reach a header: it would begin another one."""
    return " ".join(text.split())


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"], default=False, default_for_string=False),  # plain text says & and <
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
