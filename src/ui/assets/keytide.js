// Makes the pages quicker; each of them is complete without it. Texts go into pages by `textContent` alone; HTML is made of
// nothing but pages of ours that are read again.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// The one place where text becomes HTML; it is a page of ours.
const policy = globalThis.trustedTypes?.createPolicy("keytide", { createHTML: (page) => page });

function parsed(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
}

// Makes an element with a text.
function made(kind, text) {
  const element = document.createElement(kind);
  if (text !== undefined) element.textContent = text;
  return element;
}

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
function tellOwnTimes(root) {
  const own = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const time of all("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title += "\n" + own.format(at);
    if (!("own" in time.dataset)) continue;
    const here = document.createElement("span");
    here.className = "none";
    here.textContent = " · here " + own.format(at);
    time.after(here);
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

function reveals(root) {
  for (const form of all("form[data-reveal]", root)) {
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

// The filter of a page is answered while somebody types; Enter asks for rows that are not on the page.
function filters(root) {
  const input = document.querySelector("form[role=search] input[name=q]");
  if (!input) return;
  for (const table of all("table[data-filter]", root)) {
    const rows = all("tbody tr", table);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const sift = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, index) => { row.hidden = !wanted.every((word) => texts[index].includes(word)); });
    };
    input.oninput = sift;
    sift();
  }
}

// How long after the first news a page reads itself again: several come at once.
const GATHER_MS = 400;
// How many times as long as the last reading took a page rests before the next, so that a busy server has the least of it.
const RESTS = 5;
// How often it does without any, so that what is said of times stays true.
const AGE_MS = 60_000;

// Keeps what is on the page true while somebody looks at it.
function live() {
  const area = document.querySelector("[data-live]");
  if (!area) return;
  const kinds = area.dataset.live;
  let source, timer, due = false, busy = false, rest = 0;
  const update = async () => {
    timer = undefined;
    if (!due || busy || document.hidden) return;
    if (isInUse(area)) return soon();
    busy = true;
    due = false;
    const began = performance.now();
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { "x-keytide-live": "1" }, redirect: "error" });
      const fresh = answer.ok && parsed(await answer.text()).querySelector("[data-live]");
      // Somebody may have taken hold of something meanwhile.
      if (fresh && isInUse(area)) due = true;
      else if (fresh) replace(area, fresh);
      rest = (performance.now() - began) * RESTS;
      if (due) soon();
    } catch {
      due = true;
    } finally {
      busy = false;
    }
  };
  const soon = () => {
    due = true;
    timer ??= setTimeout(update, Math.max(GATHER_MS, rest));
  };
  const listen = () => {
    const about = ["execution", "workflow"].filter((key) => area.dataset[key]);
    const of = about.map((key) => `&${key}=` + encodeURIComponent(area.dataset[key])).join("");
    source = new EventSource("/live?kinds=" + kinds + of);
    for (const kind of [...kinds.split(","), "reset"]) source.addEventListener(kind, soon);
    source.addEventListener("open", () => {
      // What happened between the page and the first news is on no page yet.
      soon();
      tellLost(false);
    });
    source.addEventListener("error", () => tellLost(true));
  };
  // A browser has few connections to one server: a page that nobody sees has none.
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (document.hidden) return;
    listen();
    soon();
  });
  addEventListener("pagehide", () => source?.close());
  if (!document.hidden) listen();
  setInterval(soon, AGE_MS);
}

// Nobody is interrupted: what is shown on purpose, typed or marked stays until it is let go of.
function isInUse(area) {
  const selection = getSelection();
  const marks = selection.type === "Range" && area.contains(selection.anchorNode);
  const types = area.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  return marks || types || Boolean(area.querySelector("output.shown, details.menu[open]") || document.querySelector("dialog[open]"));
}

// What can have the focus.
const STOPS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";

// What a stop is known by when everything is made anew: its kind, what it is called, its row, and the how manyth of these it is.
function stopsOf(area) {
  const counts = new Map();
  return all(STOPS, area).map((stop) => {
    const name = stop.id || stop.getAttribute("aria-label") || stop.getAttribute("href") || stop.name || stop.textContent.trim();
    const action = stop.form?.getAttribute("action");
    const row = stop.closest("tr")?.querySelector("th");
    const known = [stop.localName, name, action, row?.querySelector("a")?.getAttribute("href") ?? row?.textContent].join("\n");
    const count = counts.get(known) ?? 0;
    counts.set(known, count + 1);
    return { stop, place: `${known}\n${count}` };
  });
}

// Whether somebody has changed a field.
function isChanged(field) {
  return "defaultValue" in field && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
}

// Puts the new content in place of the old; the focus, what was typed and what was scrolled stay.
function replace(area, fresh) {
  const before = stopsOf(area);
  const focused = before.find(({ stop }) => stop === document.activeElement);
  const typed = before.filter(({ stop }) => isChanged(stop));
  const scrolled = () => all(".diagram, .panel, .attempts, pre, .logs, .reason", area);
  const places = scrolled().map((element) => [element.scrollLeft, element.scrollTop]);
  const titles = (selector) => all(selector, area).map((details) => details.querySelector("summary")?.textContent);
  const open = titles("details[open]");
  const read = scrollY > 0 ? firstInSight(area) : undefined;
  area.tabIndex = -1;
  area.replaceChildren(...fresh.childNodes);
  titles("details").forEach((title, index) => { if (open.includes(title)) all("details", area)[index].open = true; });
  wire(area);
  scrolled().forEach((element, index) => { if (places[index]) [element.scrollLeft, element.scrollTop] = places[index]; });
  const after = new Map(stopsOf(area).map(({ stop, place }) => [place, stop]));
  for (const { stop, place } of typed) {
    const again = after.get(place);
    if (again) [again.value, again.checked] = [stop.value, stop.checked];
  }
  // Who was on something that is gone goes on from the beginning of what has changed, not of the page.
  if (focused) (after.get(focused.place) ?? area).focus({ preventScroll: true });
  const again = read && rows(area).find((row) => row.name === read.name);
  if (again) scrollBy({ top: again.top - read.top, behavior: "instant" });
}

// The rows of the tables by what they link to, with where they are in the window.
function rows(area) {
  const told = all("tbody tr", area).map((row) => ({ name: row.querySelector("a")?.getAttribute("href"), top: row.getBoundingClientRect().top }));
  return told.filter((row) => row.name);
}

// The row that somebody reads who has scrolled: what comes in above it must not push it away.
function firstInSight(area) {
  return rows(area).find((row) => row.top >= 0 && row.top < innerHeight);
}

// How long after the last letter a text is checked.
const CHECK_MS = 500;

// Says what is wrong with a definition while it is being written.
function checks() {
  for (const form of all("form[data-check]")) {
    const list = document.createElement("ul");
    list.className = "findings";
    list.setAttribute("aria-live", "polite");
    form.querySelector("textarea").after(list);
    let timer;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
        if (!answer?.ok) return;
        const lines = (await answer.text()).split("\n").filter(Boolean);
        list.replaceChildren(...(lines.length ? lines : ["Nothing is wrong with it."]).map((line) => {
          const item = document.createElement("li");
          item.textContent = line;
          return item;
        }));
      }, CHECK_MS);
    });
  }
}

// Says what a form means while it is filled in, as the page says it that its button leads to.
function previews() {
  const form = document.querySelector("form[data-preview]");
  const shown = document.getElementById("preview");
  if (!form || !shown) return;
  const told = made("p");
  told.className = "hidden";
  told.setAttribute("role", "status");
  form.append(told);
  let timer, asked = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    timer = setTimeout(async () => {
      const turn = asked;
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
      const fresh = answer?.ok && parsed(await answer.text()).getElementById("preview");
      // An answer to what was filled in before is none.
      if (!fresh || turn !== asked) return;
      replace(shown, fresh);
      told.textContent = shown.querySelector(".words")?.textContent ?? "";
    }, CHECK_MS);
  });
}

// Suggests the zones that the browser knows, which are asked for once somebody wants one; and its own for what is new.
function zones() {
  const field = document.getElementById("zone");
  if (!field) return;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  field.addEventListener("focus", () => {
    const names = new Set([own, "UTC", ...Intl.supportedValuesOf?.("timeZone") ?? []]);
    document.getElementById("zones").append(...[...names].map((name) => Object.assign(made("option"), { value: name })));
  }, { once: true });
  if (!("ownZone" in field.dataset) || !own || own === field.value) return;
  const use = made("button", `Use ${own}, as this browser has it`);
  use.type = "button";
  use.className = "quiet";
  use.addEventListener("click", () => {
    field.value = own;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    use.remove();
  });
  field.after(use);
}

// A session that is over costs nobody what they have typed: the form waits until somebody has signed in again, in another window.
function keepTyped() {
  for (const form of all("main form[method=post]")) {
    if (!form.querySelector("textarea")) continue;
    let isGood = false, isAsking = false;
    form.addEventListener("submit", async (event) => {
      if (isGood) return;
      event.preventDefault();
      // Who clicks twice means it once.
      if (isAsking) return;
      isAsking = true;
      // A page with a form that is for everybody and looks at nothing.
      const answer = await fetch("/add-secret", { redirect: "manual" }).catch(() => null);
      isAsking = false;
      if (answer?.type === "opaqueredirect") return waitForSignIn(form);
      // Whatever else is wrong, the page that answers the form says it.
      const token = answer?.ok && parsed(await answer.text()).querySelector("main [name=form-token]");
      if (token) form.elements["form-token"].value = token.value;
      isGood = true;
      form.requestSubmit(event.submitter);
    });
    addEventListener("pageshow", () => { isGood = false; });
  }
}

// Says what to do before a form can be sent.
function waitForSignIn(form) {
  let line = document.getElementById("ended");
  if (!line) {
    line = made("p", "Your session is over. What you typed stays here: ");
    line.id = "ended";
    line.className = "message bad";
    line.setAttribute("role", "alert");
    const link = made("a", "sign in in another window");
    link.href = "/sign-in";
    link.target = "_blank";
    line.append(link, ", and send it then.");
    form.prepend(line);
  }
  line.querySelector("a").focus();
}

// Says that the page may be old, for as long as it may be.
function tellLost(isLost) {
  let line = document.getElementById("lost");
  if (!isLost) return line?.remove();
  if (line) return;
  line = document.createElement("p");
  line.id = "lost";
  line.className = "message";
  line.setAttribute("role", "status");
  line.textContent = "keytide does not answer; this page may be old. Reconnecting…";
  document.querySelector("main").prepend(line);
}

// Keys, as `?` lists them; never while somebody types.
function keys() {
  let leads = false;
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return palette();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        return menu.querySelector("summary").focus();
      }
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
      const filter = document.querySelector("form[role=search] input, main input[type=search]");
      if (filter) {
        event.preventDefault();
        filter.focus();
      }
    }
    if (event.key === "?") sheet();
    inRun(event);
  });
  // Who has the script need not leave the page to look for another one.
  document.querySelector("a.palette")?.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    palette();
  });
}

// Keys on the page of a run: its tasks, its tabs, and trying it again.
function inRun(event) {
  const area = document.querySelector("[data-execution]");
  if (!area) return;
  if (/^[1-7]$/.test(event.key)) return all("a", area.querySelector(".tabs"))[Number(event.key) - 1]?.click();
  if (event.key === "r") return retry(area.querySelector('form[action$="/retry"]'));
  if (event.key !== "j" && event.key !== "k") return;
  const tasks = all('a[href*="task="]', area).filter((link) => !link.closest(".panel"));
  const at = tasks.indexOf(document.activeElement);
  const next = event.key === "j" ? at + 1 : at < 0 ? tasks.length - 1 : at - 1;
  tasks[next]?.focus();
}

// Asks first: a retry calls the issuer.
function retry(form) {
  if (!form) return say("There is nothing to try again.");
  const dialog = opened("Retry the failed task?");
  const buttons = made("p");
  buttons.className = "buttons";
  const yes = made("button", "Retry");
  const no = made("button", "Cancel");
  yes.className = "primary";
  yes.addEventListener("click", () => { dialog.close(); form.requestSubmit(); });
  no.addEventListener("click", () => dialog.close());
  buttons.append(yes, no);
  dialog.append(buttons);
  yes.focus();
}

// How long after the last letter the palette looks.
const LOOK_MS = 150;

// The page that finds things by name, over this one.
function palette() {
  if (document.querySelector("dialog[open]")) return;
  const dialog = opened("Search");
  dialog.className = "finder";
  const input = made("input");
  input.type = "search";
  input.maxLength = 200;
  input.setAttribute("aria-label", "Name or id");
  const list = made("div");
  const count = made("p");
  count.className = "hidden";
  count.setAttribute("role", "status");
  dialog.append(input, list, count);
  let timer, asked = 0, known;
  const links = () => all("a", list);
  const tell = () => { count.textContent = `${links().length} found`; };
  const look = async () => {
    const turn = ++asked;
    const sought = input.value.trim().toLowerCase();
    // Each question is an entry of the audit: what narrows an answer that was whole is none. An id is another question.
    if (known && sought.startsWith(known.sought) && !/^[0-9a-f-]{8,}$/.test(sought)) {
      list.replaceChildren(narrowed(known.hits, sought));
      return tell();
    }
    const answer = await fetch("/search?q=" + encodeURIComponent(input.value), { redirect: "manual" }).catch(() => null);
    // A session that is over is told of by the page itself.
    if (answer?.type === "opaqueredirect") return location.assign("/search");
    // An answer to what was typed before is none.
    if (!answer?.ok || turn !== asked) return;
    const found = parsed(await answer.text()).getElementById("found");
    if (turn !== asked || !found) return;
    known = sought && !found.querySelector(".hint") ? { sought, hits: all("li", found) } : undefined;
    list.replaceChildren(...found.childNodes);
    tell();
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    timer = setTimeout(look, LOOK_MS);
  });
  dialog.addEventListener("keydown", async (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way) {
      event.preventDefault();
      const places = [input, ...links()];
      places[(places.indexOf(document.activeElement) + way + places.length) % places.length].focus();
    } else if (event.key === "Enter" && document.activeElement === input) {
      event.preventDefault();
      clearTimeout(timer);
      await look();
      links()[0]?.click();
    }
  });
  input.focus();
  look();
}

// The hits that have every word in their name or are of that kind, the nearest first, as the server says it.
function narrowed(hits, sought) {
  const words = sought.split(/\s+/).filter(Boolean);
  const [name, kind] = [0, 1].map((at) => (hit) => hit.querySelectorAll("span")[at].textContent.toLowerCase());
  const rank = (hit) => name(hit) === sought ? 0 : name(hit).startsWith(sought) ? 1 : 2;
  const found = hits.filter((hit) => words.every((word) => name(hit).includes(word) || kind(hit) === word));
  const shown = made(found.length ? "ul" : "p", found.length ? undefined : "Nothing that you may see has that in its name.");
  shown.className = found.length ? "hits" : "message";
  shown.append(...found.sort((one, other) => rank(one) - rank(other)));
  return shown;
}

// Opens a dialog that is gone once it is closed.
function opened(name) {
  const dialog = made("dialog");
  dialog.setAttribute("aria-label", name);
  const head = made("div");
  head.className = "head";
  const leave = made("button", "Close");
  leave.className = "quiet end";
  leave.addEventListener("click", () => dialog.close());
  head.append(made("h2", name), leave);
  dialog.append(head);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function sheet() {
  const dialog = opened("Keys");
  const list = made("dl");
  const rows = all("nav a[data-key]").map((link) => ["g " + link.dataset.key, link.textContent]);
  rows.push(["Ctrl K", "Search by name or id"], ["/", "Filter"], ["?", "This sheet"], ["Esc", "Leave"]);
  rows.push(["j k", "In a run: next and previous task"], ["1 to 7", "In a run: its tabs"], ["r", "In a run: retry, after asking"]);
  for (const [key, what] of rows) {
    const term = made("dt");
    term.append(made("kbd", key));
    list.append(term, made("dd", what));
  }
  dialog.append(list);
}

// Copies what stands beside a button, which is there for who has a clipboard.
function copies(root) {
  if (!navigator.clipboard) return;
  for (const button of all("button[data-copies]", root)) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
        say("Copied. The clipboard keeps it until something else is copied.");
      } catch (error) {
        say(error.message);
      }
    });
  }
}

// Where a narrow window does not show all pages or parts, it shows the one that somebody is at.
function bringCurrentIntoSight(root) {
  for (const link of all(".top nav a[aria-current], .tabs a[aria-current]", root)) {
    const row = link.parentElement, at = link.getBoundingClientRect();
    row.scrollLeft += at.left - row.getBoundingClientRect().left - (row.clientWidth - at.width) / 2;
  }
}

// A row or a picture that is wider than the window shows all of what the focus is on; browsers are content with a part of it.
function followFocus() {
  addEventListener("focusin", ({ target }) => {
    if (target.closest(".top nav, .tabs, .diagram a")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

// A picture that is wider than its place begins at its first task, or at the one that is asked for, not at its empty left.
function bringTaskIntoSight(root) {
  for (const picture of all(".diagram", root)) {
    const task = picture.querySelector("a:target") ?? picture.querySelector("a");
    if (!task) continue;
    const at = task.getBoundingClientRect();
    picture.scrollLeft += at.left - picture.getBoundingClientRect().left - (picture.clientWidth - at.width) / 2;
  }
}

function wire(root) {
  tellOwnTimes(root);
  copies(root);
  bringCurrentIntoSight(root);
  bringTaskIntoSight(root);
  reveals(root);
  filters(root);
}

signIn();
addEventListener("hashchange", signIn);
wire(document);
keys();
followFocus();
checks();
previews();
zones();
keepTyped();
live();
