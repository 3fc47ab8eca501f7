"""The connection to the mail server: made for the first mail, kept for the next ones, given up when nobody writes."""

import contextlib
import smtplib
import ssl
import threading
import time
from email.message import EmailMessage

from shop.config import Settings

MAY_BE_CONNECTION = (421, 451, 452)  # what servers answer to MAIL FROM on a connection that has had enough


class MailServer:
    """Of one process. One thread writes at a time; with `smtp_keep_seconds` of 0 each mail has its own connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._smtp: smtplib.SMTP | None = None
        self._settings: Settings | None = None
        self._used_at = 0.0

    def send(self, message: EmailMessage, settings: Settings) -> None:
        """Returns once the server has taken the message.

        A kept connection that turns out to be dead before the message was handed over is replaced, once. Whatever goes
        wrong later is trouble with this mail: nobody knows what the server has got.
        """
        with self._lock:
            is_new = not self._is_alive(settings)
            smtp = self._connected(settings)
            try:
                try:
                    smtp.send_message(message)
                except smtplib.SMTPSenderRefused as error:  # to MAIL FROM: nothing of the message has left
                    if is_new or error.smtp_code not in MAY_BE_CONNECTION:
                        raise
                    self._drop()
                    self._connected(settings).send_message(message)
            except BaseException:
                self._drop()
                raise
            self._used_at = time.monotonic()
            if not settings.smtp_keep_seconds:
                self._leave()

    def _is_alive(self, settings: Settings) -> bool:
        """Asked each time: a server may hang up whenever it likes."""
        if self._smtp is None:
            return False
        is_alive = False
        if settings is self._settings:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                is_alive = self._smtp.noop()[0] == 250
        if not is_alive:
            self._drop()
        return is_alive

    def _connected(self, settings: Settings) -> smtplib.SMTP:
        if self._smtp is None:
            smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout_seconds)
            self._smtp, self._settings = smtp, settings
            try:
                if settings.smtp_starttls:
                    smtp.starttls(context=ssl.create_default_context())
                if settings.smtp_user:
                    smtp.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            except BaseException:
                self._drop()
                raise
            if settings.smtp_keep_seconds:
                threading.Thread(target=self._leave_when_idle, args=(smtp, settings), daemon=True).start()
        return self._smtp

    def _leave_when_idle(self, smtp: smtplib.SMTP, settings: Settings) -> None:
        idle = 0.0
        while True:
            time.sleep(max(settings.smtp_keep_seconds - idle, 0.01))
            with self._lock:
                if self._smtp is not smtp:
                    return
                idle = time.monotonic() - self._used_at
                if idle >= settings.smtp_keep_seconds:
                    self._leave()
                    return

    def _leave(self) -> None:
        """Politely. An odd answer to QUIT would only make us send a mail twice."""
        if self._smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
        self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


server = MailServer()
