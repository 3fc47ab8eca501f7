"""`make demo`: plays the main job by HTTP against the running shop, from a price list to the invoice in the mail."""

import argparse
import email
import email.policy
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import ryaml
from rich.console import Console
from rich.markup import escape

PRICE_LIST = Path(__file__).parents[1] / "shop" / "cli" / "demo" / "data" / "molochny-put.yaml"
MAIL = Path("instance/mail")
PASSWORD = "demo-password-1234"  # noqa: S105 - the demo's published password
ENDED = ("applied", "held", "failed", "discarded")

console = Console(highlight=False)


class DemoError(Exception):
    """Why the demo cannot go on, in a sentence."""


class NoneLeftError(DemoError):
    """This good cannot be ordered at present; another one may."""


class Client:
    """One person talking to the API; every request and the essence of its answer are printed."""

    def __init__(self, base: str, who: str) -> None:
        self.base, self.who, self.token = base, who, ""
        console.print(f"\n[bold]{who}[/] logs in")
        answer = self.send("POST", "/api/v1/auth/login", {"email": f"{who}@demo.example", "password": PASSWORD})
        self.token = answer["access_token"]

    def send(self, method: str, path: str, body: Any = None, *, show: str = "", **headers: str) -> Any:
        raw = json.dumps(body).encode() if body is not None else None
        return self._send(method, path, raw, {"Content-Type": "application/json"} | headers, show)

    def upload(self, path: str, file: Path, mode: str) -> Any:
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="mode"\r\n\r\n{mode}\r\n'.encode(),
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'.encode(),
            file.read_bytes(),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._send("POST", path, b"".join(parts), headers, "id state")

    def _send(self, method: str, path: str, raw: bytes | None, headers: dict[str, str], show: str) -> Any:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.base + path, data=raw, method=method, headers=headers)  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            problem = error.read().decode(errors="replace")
            if '"OutOfStock"' in problem:
                raise NoneLeftError("There is not enough of it left.") from None
            raise DemoError(f"{method} {path} was refused ({error.code}): {problem}") from None
        except OSError as error:
            raise DemoError(
                f"Nothing answers at {self.base}: start the shop with 'make run' first ({error})."
            ) from None
        answer = json.loads(content) if content else {}
        essence = ", ".join(f"{name} {answer[name]}" for name in show.split())
        console.print(f"  [cyan]{method}[/] {escape(path)}  [green]{status}[/]  [dim]{escape(essence)}[/]")
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=PRICE_LIST, help="a price list in YAML")
    parser.add_argument("--base", default=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}")
    arguments = parser.parse_args()
    try:
        play(arguments.base, arguments.file)
    except DemoError as error:
        sys.exit(str(error))


def play(base: str, file: Path) -> None:
    goods = _goods(file)
    _import_price_list(Client(base, "supplier"), file)
    order = _order_first_in_stock(Client(base, "buyer"), goods)
    manager = Client(base, "manager")
    fulfilled = time.monotonic()
    manager.send("POST", f"/api/v1/orders/{order['id']}/fulfill", {}, show="number state")
    _show_mail(order["number"], fulfilled)


def _goods(file: Path) -> list[dict[str, Any]]:
    try:
        goods = ryaml.loads(file.read_text("utf-8"))["goods"]
        return [good for good in goods if good.get("name") and good.get("price")]
    except (OSError, ryaml.InvalidYamlError, LookupError, TypeError, AttributeError) as error:
        raise DemoError(f"{file} cannot be used as a price list: {error}") from None


def _import_price_list(supplier: Client, file: Path) -> None:
    """In mode update, so that the rest of the demo's catalog stays."""
    price_list = supplier.upload("/api/v1/catalog/price-lists", file, "update")
    for _ in range(120):
        if price_list["state"] in ENDED:
            break
        time.sleep(0.5)
        price_list = supplier.send("GET", f"/api/v1/catalog/price-lists/{price_list['id']}", show="state rows_done")
    if price_list["state"] != "applied":
        raise DemoError(f"The price list is {price_list['state']}: {price_list.get('message')}")
    counts = ("offers_new", "offers_changed", "offers_unchanged", "rows_rejected")
    console.print("  " + ", ".join(f"{name.replace('_', ' ')}: {price_list[name]}" for name in counts))


def _order_first_in_stock(buyer: Client, goods: list[dict[str, Any]]) -> dict[str, Any]:
    for good in goods:
        try:
            return _order(buyer, _find_offer(buyer, good))
        except NoneLeftError as none_left:
            console.print(f"    [yellow]{escape(str(none_left))} Taking the next good.[/]")
    raise DemoError("No good of the list is in stock.")


def _find_offer(buyer: Client, good: dict[str, Any]) -> dict[str, Any]:
    sku = urllib.parse.quote(str(good.get("sku") or good["id"]))
    offers = buyer.send("GET", f"/api/v1/catalog/offers?sku={sku}")["items"]
    found = next((offer for offer in offers if offer["is_orderable"]), None)
    if found is None:
        raise NoneLeftError(f"{good['name']} cannot be ordered.")
    console.print(f"    [bold]{escape(found['name'])}[/] at {found['price']} from {escape(found['supplier']['name'])}")
    offer: dict[str, Any] = found
    return offer


def _order(buyer: Client, offer: dict[str, Any]) -> dict[str, Any]:
    quantity = offer["minimum_quantity"]
    contact = buyer.send("GET", "/api/v1/auth/contacts")["items"][0]
    buyer.send("DELETE", "/api/v1/basket")
    basket = buyer.send("POST", "/api/v1/basket/lines", _lines(offer, quantity), show="total")
    if missing := float(basket["suppliers"][0]["missing_to_minimum"]):
        step = offer["quantity_step"]
        quantity += -(-missing // (float(offer["price"]) * step)) * step
        buyer.send("POST", "/api/v1/basket/lines", _lines(offer, quantity), show="total")
    console.print(f"    {quantity:g} {offer['unit']} to {escape(contact['name'])}, {escape(contact['address'])}")
    body = {"contact_id": contact["id"], "comment": "make demo", "client_reference": "DEMO-1"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    order: dict[str, Any] = buyer.send("POST", "/api/v1/orders", body, show="number state total", **key)
    return order


def _lines(offer: dict[str, Any], quantity: float) -> dict[str, Any]:
    return {"lines": [{"offer_id": offer["id"], "quantity": quantity}]}


def _show_mail(order_number: str, since: float) -> None:
    console.print("\n[bold]the worker[/] mails the invoice")
    while time.monotonic() - since < 60:
        if found := _invoice_mail(order_number):
            file, message = found
            attached = [part.get_filename() for part in message.iter_attachments()]
            console.print(f"  after {time.monotonic() - since:.1f} s: [green]{escape(str(file))}[/]")
            console.print(f"  To: {message['To']}\n  Subject: {message['Subject']}")
            console.print(f"  Attached: {', '.join(filter(None, attached))}\n")
            body = message.get_body(("plain",))
            console.print(escape(body.get_content().strip()) if body else "")
            return
        time.sleep(0.2)
    raise DemoError(f"No invoice mail for order {order_number} within a minute; look into the shop's log.")


def _invoice_mail(order_number: str) -> tuple[Path, EmailMessage] | None:
    for file in sorted(MAIL.glob("*.eml"), reverse=True):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        about_it = message["X-Order-Number"] == order_number and message["To"] == "buyer@demo.example"
        if about_it and any(True for _ in message.iter_attachments()):
            return file, message
    return None


if __name__ == "__main__":
    main()
