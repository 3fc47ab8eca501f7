// What the desk does in the browser. Everything works without it but marking all rows and finding things by name.
"use strict";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}

// What needs no answer of the person goes on by itself.
document.querySelector("form[data-send-itself]")?.requestSubmit();

// Ask again before what cannot be taken back.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Less than agreed needs its reason before the form is sent (the server asks for it, too, but forgets what was typed).
for (const row of document.querySelectorAll("[data-agreed]")) {
  const [quantity, why] = row.querySelectorAll("input");
  quantity.addEventListener("input", () => {
    const given = Number(quantity.value.replace(/\s/g, "").replace(",", "."));
    why.required = given < Number(row.dataset.agreed);
  });
}

// Marked rows; also those of a part of the page that was fetched again.
const ROWS = 'input[name="rowid"]';
function countMarked() {
  const boxes = [...document.querySelectorAll(ROWS)];
  const all = document.querySelector("[data-mark-all]");
  const marked = boxes.filter((box) => box.checked).length;
  const output = document.querySelector("[data-marked]");
  if (output) output.value = marked;
  document.getElementById("bulk")?.classList.toggle("on", marked > 0);
  if (all) {
    all.checked = marked > 0 && marked === boxes.length;
    all.indeterminate = marked > 0 && marked < boxes.length;
  }
}
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-mark-all]")) for (const box of document.querySelectorAll(ROWS)) box.checked = target.checked;
  if (target.matches(`[data-mark-all], ${ROWS}`)) countMarked();
});
countMarked();

// Things found by name (shop/admin/forms.py): type, choose, and the hidden field holds the id.
for (const lookUp of document.querySelectorAll("[data-look-up]")) {
  const [hidden, text] = lookUp.querySelectorAll("input");
  const list = lookUp.querySelector("ul");
  const address = lookUp.closest("[data-look-ups]").dataset.lookUps;
  let waiting;
  let chosen = -1;
  const close = () => { list.hidden = true; text.setAttribute("aria-expanded", "false"); chosen = -1; };
  const choose = (item) => { hidden.value = item.dataset.id; text.value = item.textContent; close(); };
  const show = (found) => {
    list.replaceChildren(...found.map(([id, name], index) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `${list.id}-${index}`;
      item.dataset.id = id;
      item.textContent = name;
      item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
      return item;
    }));
    list.hidden = found.length === 0;
    text.setAttribute("aria-expanded", String(found.length > 0));
    chosen = -1;
  };
  text.addEventListener("input", () => {
    hidden.value = "";
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const query = new URLSearchParams({ name: lookUp.dataset.lookUp, query: text.value });
      const answer = await fetch(`${address}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.ok && !answer.redirected) show(await answer.json());
    }, 200);
  });
  text.addEventListener("keydown", (event) => {
    const items = [...list.children];
    if (list.hidden || !items.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : items.length - 1) + (chosen < 0 && event.key === "ArrowUp" ? 1 : 0)) % items.length;
      items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
      text.setAttribute("aria-activedescendant", items[chosen].id);
      event.preventDefault();
    } else if (event.key === "Enter" && chosen >= 0) {
      choose(items[chosen]);
      event.preventDefault();
    } else if (event.key === "Escape") close();
  });
  text.addEventListener("blur", close);
}

// What is under way: <div id="…" data-live="3"> is fetched again every 3 seconds until the new one is not live.
function follow(element) {
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href);
      if (answer.redirected || !answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(element.id);
      if (!fresh) return;
      element.replaceWith(fresh);
      if (fresh.dataset.live) follow(fresh);
    } catch { follow(element); }
  }, Number(element.dataset.live) * 1000);
}
for (const element of document.querySelectorAll("[data-live]")) follow(element);
