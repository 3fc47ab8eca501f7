"""Acts on many things at once: each in a transaction of its own, with a result per thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, request

from shop.admin.audit_trail import audited, name_of
from shop.admin.texts import refusal_text
from shop.errors import Refusal
from shop.translations import t

AT_MOST = 200
MAX_REASON = 500


@dataclass(frozen=True)
class Bulk:
    """`act(thing, reason)` calls one story; `action` is what the audit calls it. A grave one asks again first."""

    name: str
    label: str
    act: Callable[[Any, str], None]
    action: str
    needs_reason: bool = False
    is_grave: bool = False

    def run(self, ids: Sequence[int], find: Callable[[int], Any]) -> None:
        """Flashes a line per thing. One refusal does not stop the others."""
        reason = stated_reason()
        if self.needs_reason and not reason:
            flash(t("Say why: the people concerned read it."), "error")
            return
        if len(ids) > AT_MOST:
            flash(t("At most {most} at a time.", most=AT_MOST), "error")
            return
        done, refused = [], []
        for id_ in ids:
            name = str(id_)
            try:
                thing = find(id_)
                name = name_of(thing)
                with audited(self.action, thing, reason=reason):
                    self.act(thing, reason)
            except Refusal as refusal:
                refused.append(f"{name}: {refusal_text(refusal)}")
            else:
                done.append(name)
        if done:
            flash(t("{label}, done: {names}", label=t(self.label), names=", ".join(done)), "success")
        for line in refused:
            flash(line, "error")


def stated_reason() -> str:
    """The reason that the person has typed, on one line."""
    return "".join(filter(str.isprintable, " ".join(request.form.get("reason", "").split())))[:MAX_REASON]
