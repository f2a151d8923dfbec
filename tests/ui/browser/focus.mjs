// Where the keyboard leads: every page walked with Tab in a wide and in a narrow window, and what comes in between.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PAGES, Site, TABS } from "./site.mjs";

let site, run;

before(async () => {
  site = new Site();
  await site.start();
  await site.secret("api_key", "the-key-of-the-api");
  await site.secret("github_token", "an-old-token");
  for (const name of ["rotate_github", "rotate_registry"]) await site.keytide("run", name).catch(() => {});
  const page = await site.signedIn();
  await page.goto(`${site.origin}/executions?workflow=rotate_registry`);
  run = await page.getByRole("rowheader").getByRole("link").first().getAttribute("href");
  await page.context().close();
});
after(() => site.stop());

// More than any page has: what goes on for longer is a trap.
const STOPS_MAX = 500;

// Says of the element that has the focus what is wrong with it, seen from the one before; nothing where the focus is on none.
async function stop() {
  // What the focus moves into sight has moved once it is drawn.
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const name = `<${element.localName}> ${element.getAttribute("aria-label") ?? element.getAttribute("href") ?? element.id ?? ""} ${element.textContent.trim().slice(0, 30)}`;
  globalThis.walked ??= [];
  const last = globalThis.walked.at(-1);
  // A field for a time has several parts.
  if (element === last) return { name, wrongs: [] };
  if (globalThis.walked.includes(element)) return { name, again: true };
  globalThis.walked.push(element);
  const wrongs = [];
  const at = element.getBoundingClientRect();
  // Reading goes down, and along a line from left to right; what is beside all that was read is a column of its own.
  if (last && last.isConnected && !last.contains(element)) {
    const from = last.getBoundingClientRect();
    const isBelow = at.top + at.height / 2 >= from.bottom - 2;
    const isOnLine = at.bottom > from.top + 2 && at.left >= from.left - 2;
    const isBeside = at.left >= from.right - 2;
    if (!isBelow && !isOnLine && !isBeside && !last.classList.contains("skip")) wrongs.push("comes after what is seen behind it");
  }
  const style = getComputedStyle(element);
  const width = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  if (width < 2) wrongs.push(`has an outline of ${width} px`);
  const reach = width + parseFloat(style.outlineOffset);
  for (let around = element.parentElement; around; around = around.parentElement) {
    if (around === document.body || around === document.documentElement) break;
    const { overflowX, overflowY } = getComputedStyle(around);
    const box = around.getBoundingClientRect();
    const isCutX = overflowX !== "visible" && (at.left - reach < box.left - 1 || at.right + reach > box.right + 1) && at.width + 2 * reach < box.width;
    const isCutY = overflowY !== "visible" && (at.top - reach < box.top - 1 || at.bottom + reach > box.bottom + 1) && at.height + 2 * reach < box.height;
    if (isCutX || isCutY) wrongs.push(`has an outline that <${around.localName} class="${around.className}"> cuts off`);
  }
  const middle = [Math.min(Math.max(at.left + at.width / 2, 0), innerWidth - 1), Math.min(Math.max(at.top + Math.min(at.height, innerHeight) / 2, 0), innerHeight - 1)];
  const seen = document.elementFromPoint(...middle);
  if (!seen || !(element.contains(seen) || seen.contains(element))) wrongs.push(`is behind <${seen?.localName} class="${seen?.className}">`);
  if (!last && document.querySelector(".skip") && !element.classList.contains("skip")) wrongs.push("is the first stop");
  return { name, wrongs };
}

// Returns what can be used and was not reached.
function missed() {
  const usable = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const left = usable.filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled && !globalThis.walked?.includes(element));
  return left.map((element) => element.outerHTML.slice(0, 120));
}

// Walks a page, and returns all that is wrong on the way.
async function walk(page, path) {
  await page.goto(site.origin + path);
  const wrongs = [];
  for (let count = 0; ; count += 1) {
    assert.ok(count < STOPS_MAX, `${path}: this does not end`);
    await page.keyboard.press("Tab");
    const at = await page.evaluate(stop);
    if (!at || at.again) break;
    wrongs.push(...at.wrongs.map((wrong) => `${at.name} ${wrong}`));
  }
  for (const left of await page.evaluate(missed)) wrongs.push(`${left} is not reached`);
  return wrongs.map((wrong) => `${path}: ${wrong}`);
}

for (const [kind, viewport] of [["wide", { width: 1280, height: 800 }], ["narrow", { width: 390, height: 844 }]]) {
  test(`Tab reaches everything in the order in which it is seen: ${kind}`, async () => {
    const page = await site.signedIn({ viewport });
    const paths = [...Object.values(PAGES), "/executions?status=FAILED", "/workflows/rotate_github?task=fetch", "/workflows/rotate_github?show=source"];
    for (const tab of TABS) paths.push(`${run}/${tab}?task=fetch`);
    const wrongs = [];
    for (const path of paths) wrongs.push(...await walk(page, path));
    const stranger = await site.window({ viewport });
    wrongs.push(...await walk(stranger, "/sign-in"));
    assert.deepEqual(wrongs, []);
  });
}

// Whether the last link of all that a selector finds has the focus. One look of the page itself: what is live may be made anew
// between two of ours, and the link that the first has found is then none any more.
const isOnLast = (page, selector) => page.evaluate((selector) => [...document.querySelectorAll(selector)].at(-1) === document.activeElement, selector);

const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id || document.activeElement.localName);

test("the skip link leads behind the navigation", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/secrets/github_token`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/#content$/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("main") !== null), true);
  assert.equal(await focused(page), "Secrets");
});

test("what opens over a page holds the focus, and gives it back", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/executions`);
  const links = "tbody th a";
  for (const open of ["Control+k", "?"]) {
    for (const leave of ["Escape", "Close"]) {
      await page.locator(links).last().focus();
      await page.keyboard.press(open);
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      // Two rounds through it lead to nothing behind it.
      for (let count = 0; count < 24; count += 1) {
        await page.keyboard.press("Tab");
        const isOut = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement.closest("dialog"));
        assert.equal(isOut, false, `${open}: the page behind it has the focus`);
      }
      if (leave === "Close") await dialog.getByRole("button", { name: "Close" }).click();
      else await page.keyboard.press(leave);
      await dialog.waitFor({ state: "detached" });
      assert.equal(await isOnLast(page, links), true, `${open}, ${leave}`);
    }
  }
  assert.deepEqual(page.wrongs, []);
});

test("after a form the focus is on what it did, or on what is wrong with it", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/secrets/github_token`);
  await page.getByLabel("New tag").fill("team:build");
  await page.keyboard.press("Enter");
  await page.getByText("The tag is set.").waitFor();
  assert.equal(await focused(page), "The tag is set.");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("main .facts") !== null), true);
  await page.goto(`${site.origin}/add-secret`);
  await page.getByLabel("Name", { exact: true }).fill("github_token");
  await page.getByLabel("Value").fill("a-value");
  await page.getByRole("button", { name: "Add secret" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await focused(page), /There is a secret `github_token` already/);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "name");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "github_token");
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("409")), []);
});

test("news leave the focus in its row, and what was typed", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/executions?workflow=rotate_github`);
  // Every row has two links to the same place.
  const href = await page.getByRole("rowheader").getByRole("link").last().getAttribute("href");
  const other = `td a[href="${href}"]`;
  await page.locator(other).focus();
  const rows = await page.locator("tbody tr").count();
  await site.keytide("run", "rotate_github");
  await page.waitForFunction((rows) => document.querySelectorAll("tbody tr").length > rows, rows);
  assert.equal(await isOnLast(page, other), true);

  await page.goto(`${site.origin}/schedules/rotate_github`);
  await page.getByText("Pause …").click();
  await page.getByLabel("Why").fill("half a reason");
  await page.keyboard.press("Escape");
  await page.evaluate(() => { globalThis.old = document.querySelector("[data-live]").firstChild; });
  await site.keytide("run", "rotate_github");
  await site.keytide("schedule", "pause", "rotate_slow");
  await page.waitForFunction(() => !globalThis.old.isConnected);
  assert.equal(await focused(page), "Pause …");
  await page.keyboard.press("Enter");
  assert.equal(await page.getByLabel("Why").inputValue(), "half a reason");
  await site.keytide("schedule", "resume", "rotate_slow");
  assert.deepEqual(page.wrongs, []);
});

test("a session that is over costs nobody what they have typed", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/edit-workflow`);
  await page.getByLabel("Definition, as JSON or YAML").fill("name: typed_for_an_hour\ntasks:\n  - {name: n, taskReferenceName: n, type: NOOP}\n");
  const other = await page.context().newPage();
  await other.goto(site.origin);
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL(`${site.origin}/sign-in`);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByText("What you typed stays here").waitFor();
  assert.equal(await focused(page), "sign in in another window");
  await other.goto(await site.link());
  await other.waitForURL(`${site.origin}/`);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByText("The definition is registered.").waitFor();
  assert.equal(page.url().split("?")[0], `${site.origin}/workflows/typed_for_an_hour`);
});
