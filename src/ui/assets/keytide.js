// Makes the pages quicker; each of them is complete without it. Nothing here makes HTML of a text: `textContent` only.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A sign-in link has its token after the `#`, which no server and no log sees. The form that takes it is on the page.
function signIn() {
  const form = document.querySelector("form[data-sign-in]");
  const token = location.hash.slice(1);
  if (!form || !token) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.link.value = token;
  form.requestSubmit();
}

// The exact time shows on hover with the zone of the server's clock; people also want their own.
function tellOwnTimes() {
  const own = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const time of all("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title += "\n" + own.format(at);
  }
}

// How long a revealed value stays in sight; the page that shows it without a script has the same number.
const REVEALED_MS = 30_000;

// Asks for a value as the form would, and gets the text alone.
async function ask(form) {
  const body = new URLSearchParams(new FormData(form));
  body.set("as", "text");
  const answer = await fetch(form.action, { method: "POST", body, redirect: "error" });
  if (answer.status === 401) location.assign("/sign-in");
  if (!answer.ok) throw new Error(`the value cannot be shown (${answer.status})`);
  return answer.text();
}

function reveals() {
  for (const form of all("form[data-reveal]")) {
    const dots = form.querySelector(".dots");
    const button = form.querySelector("button:not([data-copy])");
    const label = button.getAttribute("aria-label");
    let shown, timer;
    const hide = () => {
      clearTimeout(timer);
      shown?.remove();
      shown = undefined;
      dots.hidden = false;
      button.setAttribute("aria-label", label);
      button.setAttribute("aria-pressed", "false");
    };
    button.setAttribute("aria-pressed", "false");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (shown) return hide();
      try {
        const value = await ask(form);
        shown = document.createElement("output");
        shown.className = "shown";
        shown.textContent = value;
        dots.hidden = true;
        dots.after(shown);
        button.setAttribute("aria-label", label.replace("Reveal", "Hide"));
        button.setAttribute("aria-pressed", "true");
        timer = setTimeout(hide, REVEALED_MS);
      } catch (error) {
        say(error.message);
      }
    });
    // What is out of sight is out of the page: another tab, or the history of this one.
    addEventListener("pagehide", hide);
    const copy = form.querySelector("button[data-copy]");
    if (!navigator.clipboard || !copy) continue;
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(await ask(form));
        say("Copied. The clipboard keeps it until something else is copied.");
      } catch (error) {
        say(error.message);
      }
    });
  }
}

// Says something to everybody, also to who does not look.
function say(text) {
  let line = document.getElementById("said");
  if (!line) {
    line = document.createElement("p");
    line.id = "said";
    line.className = "said";
    line.setAttribute("role", "status");
    document.body.append(line);
  }
  line.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.remove(), 6_000);
}

// A table with a filter shows the rows that have what was typed.
function filters() {
  for (const table of all("table[data-filter]")) {
    const rows = all("tbody tr", table);
    if (rows.length < 8) continue;
    const input = document.createElement("input");
    input.type = "search";
    input.className = "filter";
    input.placeholder = "Filter  (/)";
    input.setAttribute("aria-label", "Filter the rows");
    const texts = rows.map((row) => row.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, index) => { row.hidden = !wanted.every((word) => texts[index].includes(word)); });
    });
    table.before(input);
  }
}

// Keys, as `?` lists them; never while somebody types.
function keys() {
  let leads = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      return;
    }
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (leads) {
      leads = false;
      const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "g") leads = true;
    if (event.key === "/") {
      const filter = document.querySelector("input.filter");
      if (filter) {
        event.preventDefault();
        filter.focus();
      }
    }
    if (event.key === "?") sheet();
  });
}

function sheet() {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.textContent = "Keys";
  const list = document.createElement("dl");
  const rows = all("nav a[data-key]").map((link) => ["g " + link.dataset.key, link.textContent]);
  rows.push(["/", "Filter"], ["?", "This sheet"], ["Esc", "Leave"]);
  for (const [key, what] of rows) {
    const term = document.createElement("dt");
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    term.append(kbd);
    const meaning = document.createElement("dd");
    meaning.textContent = what;
    list.append(term, meaning);
  }
  dialog.setAttribute("aria-label", "Keys");
  dialog.append(title, list);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

signIn();
tellOwnTimes();
reveals();
filters();
keys();
