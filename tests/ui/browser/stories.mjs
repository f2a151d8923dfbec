// What people do with the pages, in a real browser, under the content policy that everybody gets.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { held, PAGES, rotation, Site, TABS, violations } from "./site.mjs";

const { SHOTS } = process.env;
let site;

before(async () => {
  site = new Site();
  await site.start();
});
after(() => site.stop());

// The row of a table whose heading has this name.
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });

test("a link signs in once, and leaves nothing in the address", async () => {
  const link = await site.link();
  const page = await site.window();
  await page.goto(link);
  await page.waitForURL(`${site.origin}/`);
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, "Strict");
  assert.deepEqual(page.wrongs, []);
  const other = await site.window();
  await other.goto(link);
  await other.getByRole("alert").waitFor();
  assert.match(await other.getByRole("alert").textContent(), /used already/);
  assert.ok(!other.url().includes("#"), other.url());
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${site.origin}/sign-in`);
  await page.goto(`${site.origin}/secrets`);
  await page.waitForURL(`${site.origin}/sign-in?to=**`);
});

test("a secret is added, rotated, revealed and tagged", async () => {
  const page = await site.signedIn();
  await page.getByRole("link", { name: "Secrets" }).click();
  await page.getByRole("link", { name: /Add (a )?secret/ }).click();
  await page.getByLabel("Name", { exact: true }).fill("api_key");
  await page.getByLabel("Value").fill("the-key-of-the-api");
  await page.getByRole("button", { name: "Add secret" }).click();
  await page.getByText("The value is stored.").waitFor();
  await page.goto(`${site.origin}/`);
  assert.match(await row(page, "github_token").textContent(), /due.*never rotated/s);

  await site.keytide("run", "rotate_github");
  await page.reload();
  assert.match(await row(page, "github_token").textContent(), /fresh.*completed.*rotate_github/s);

  await page.getByRole("link", { name: "Secrets" }).click();
  assert.ok(!(await page.content()).includes("issued-token-"));
  await page.getByRole("button", { name: "Reveal github_token" }).click();
  const value = row(page, "github_token").getByRole("status");
  await value.waitFor();
  const first = await value.textContent();
  assert.match(first, /^issued-token-\d+$/);
  await page.screenshot({ path: join(SHOTS, "revealed.png"), fullPage: true });
  await page.getByRole("button", { name: "Hide github_token" }).click();
  assert.ok(!(await page.content()).includes(first));

  await site.keytide("run", "rotate_github");
  await page.reload();
  await page.getByRole("button", { name: "Copy github_token" }).click();
  await page.getByText("Copied.").waitFor();
  const second = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(second, /^issued-token-\d+$/);
  assert.notEqual(second, first);

  await page.getByRole("link", { name: "Tags of github_token" }).click();
  await page.getByLabel("New tag").fill("team:build");
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByText("The tag is set.").waitFor();
  await page.getByRole("link", { name: "Secrets" }).first().click();
  assert.match(await row(page, "github_token").textContent(), /team:build/);
  assert.deepEqual(page.wrongs, []);
});

test("a revealed value leaves by itself after 30 seconds", async () => {
  const page = await site.signedIn();
  await page.clock.install();
  await page.goto(`${site.origin}/secrets/api_key`);
  await page.getByRole("button", { name: "Reveal api_key", exact: true }).click();
  await page.getByText("the-key-of-the-api").waitFor();
  await page.clock.runFor(29_000);
  assert.ok((await page.content()).includes("the-key-of-the-api"));
  await page.clock.runFor(2_000);
  assert.ok(!(await page.content()).includes("the-key-of-the-api"));
});

test("a value that was revealed and hidden is nowhere in the window", async () => {
  const page = await site.signedIn();
  await site.secret("seen_key", "a-value-that-was-seen-once");
  await page.goto(`${site.origin}/secrets/seen_key`);
  const reveal = page.getByRole("button", { name: "Reveal seen_key", exact: true });
  await reveal.click();
  await page.locator("output.shown").waitFor();
  // What is looked for is found where it is: on the page, and in what a script keeps.
  assert.ok((await held(page, "that-was-seen")).includes("document"));
  await page.evaluate(() => { globalThis.kept = [["a", "careless", "script"].join("-")]; });
  assert.deepEqual(await held(page, "careless-script"), ["heap"]);
  await page.getByRole("button", { name: "Hide seen_key" }).click();
  assert.deepEqual(await held(page, "that-was-seen"), []);
});

test("everything can be done without a script", async () => {
  const page = await site.window({ javaScriptEnabled: false });
  await page.goto(`${site.origin}/sign-in`);
  await page.getByLabel("Sign-in link").fill(await site.link());
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.goto(`${site.origin}/secrets/api_key`);
  await page.getByLabel("New value").fill("another-key-of-the-api");
  await page.getByRole("button", { name: "Store the new value" }).click();
  await page.getByText("The value is stored.").waitFor();
  await page.getByRole("button", { name: "Reveal api_key", exact: true }).click();
  await page.getByText("another-key-of-the-api").waitFor();
  await page.getByRole("link", { name: "Hide it now" }).click();
  await page.getByRole("button", { name: "Roll back to v1" }).click();
  await page.getByText("The old value is the current one again.").waitFor();
});

test("a rotation that fails is the first thing that one sees", async () => {
  await assert.rejects(site.keytide("run", "rotate_registry"));
  const page = await site.signedIn();
  assert.match(await page.getByRole("row").nth(1).textContent(), /registry_token.*failing.*Its last rotation failed\./s);
});

test("a page that is open shows what changes", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/secrets`);
  await page.evaluate(() => { globalThis.same = true; });
  const before = await row(page, "github_token").textContent();
  await site.keytide("run", "rotate_github");
  await row(page, "github_token").filter({ hasNotText: before }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.same), true, "it was not loaded again");
  assert.deepEqual(page.wrongs, []);
});

test("the list of runs goes on while somebody types a search and reads an old run", async () => {
  const page = await site.signedIn({ viewport: { width: 1280, height: 420 } });
  for (let round = 0; round < 6; round += 1) await site.keytide("run", "rotate_github");
  await page.goto(`${site.origin}/executions?workflow=rotate_github`);
  const count = () => page.locator("tbody tr").count();
  const before = await count();
  await page.getByLabel("Text", { exact: true }).fill("half a wo");
  const last = page.locator("tbody tr").last().getByRole("link").first();
  await last.scrollIntoViewIfNeeded();
  const href = await last.getAttribute("href");
  const place = () => page.evaluate((href) => document.querySelector(`th a[href="${href}"]`).getBoundingClientRect().top, href);
  const at = await place();
  assert.ok(await page.evaluate(() => scrollY > 0));
  await site.keytide("run", "rotate_github");
  await page.waitForFunction((before) => document.querySelectorAll("tbody tr").length > before, before);
  assert.ok(Math.abs(await place() - at) < 2, "what is read stays where it is");
  assert.equal(await page.getByLabel("Text", { exact: true }).inputValue(), "half a wo");
  assert.equal(await page.evaluate(() => document.activeElement.id), "text");
  assert.deepEqual(page.wrongs, []);
});

test("the page of a workflow shows its runs as they come, and its schedule as it is held", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/workflows/rotate_github`);
  const newest = page.getByRole("table").last().getByRole("rowheader").getByRole("link").first();
  const before = await newest.getAttribute("href");
  await site.keytide("run", "rotate_github");
  await page.waitForFunction((href) => [...document.querySelectorAll("table")].at(-1).querySelector("th a").getAttribute("href") !== href, before);
  await site.keytide("schedule", "pause", "rotate_github");
  await row(page, "rotate_github").getByText("paused").waitFor();
  await site.keytide("schedule", "resume", "rotate_github");
  await row(page, "rotate_github").getByText("active").waitFor();
  assert.deepEqual(page.wrongs, []);
});

test("a menu closes by its key, and a phone sees results and its place first", async () => {
  const page = await site.signedIn({ viewport: { width: 390, height: 844 } });
  await page.goto(`${site.origin}/schedules/rotate_github`);
  await page.getByText("Pause …").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Why").focus();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("details.menu").evaluate((menu) => menu.open), false);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Pause …");
  for (const path of ["/executions", "/audit"]) {
    await page.goto(site.origin + path);
    assert.ok(await page.locator("tbody tr").first().evaluate((row) => row.getBoundingClientRect().top < innerHeight / 2), path);
    assert.equal(await page.getByLabel("Until, in UTC").or(page.getByLabel("Since, in UTC")).isVisible(), false, path);
    const seen = (link) => { const at = link.getBoundingClientRect(); return at.left >= 0 && at.right <= innerWidth; };
    assert.ok(await page.locator(".top nav a[aria-current]").evaluate(seen), path);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.ok(await page.getByLabel("Since, in UTC").isVisible(), "a wide window shows all fields");
  assert.deepEqual(page.wrongs, []);
});

test("a new key is copied from where it is shown once", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/access`);
  await page.getByLabel("New application").fill("pipeline");
  await page.getByRole("button", { name: "Make application" }).click();
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("button", { name: "Copy the secret" }).click();
  await page.getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#key-secret").textContent());
  await page.screenshot({ path: join(SHOTS, "new-key.png"), fullPage: true });
  assert.deepEqual(page.wrongs, []);
});

test("keys lead from page to page and never while somebody types", async () => {
  const page = await site.signedIn();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForURL(`${site.origin}/secrets`);
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.goto(`${site.origin}/add-secret`);
  await page.getByLabel("Name", { exact: true }).pressSequentially("go?/");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "go?/");
  assert.equal(page.url(), `${site.origin}/add-secret`);
  assert.deepEqual(page.wrongs, []);
});

test("a thing is found by its name from every page", async () => {
  const page = await site.signedIn();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  await page.keyboard.type("rotate_git");
  await page.getByRole("dialog").getByRole("link", { name: /rotate_github workflow/ }).waitFor();
  await page.screenshot({ path: join(SHOTS, "palette.png") });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site.origin}/workflows/rotate_github`);
  await page.getByRole("link", { name: "Search" }).click();
  await page.getByRole("dialog").getByLabel("Name or id").fill("github_token");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site.origin}/secrets/github_token`);
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual(page.wrongs, []);
});

test("who narrows a search asks the server no second time", async () => {
  const page = await site.signedIn();
  const asked = [];
  page.on("request", (request) => { if (new URL(request.url()).pathname === "/search") asked.push(request.url()); });
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Search" });
  await dialog.getByRole("link", { name: /Overview/ }).waitFor();
  await page.keyboard.type("rotate");
  await dialog.getByRole("link", { name: /rotate_github workflow/ }).waitFor();
  const before = asked.length;
  await page.keyboard.type("_slow sched");
  await dialog.getByText("Nothing that you may see").waitFor();
  await page.keyboard.type("ule");
  await dialog.getByRole("link", { name: /rotate_slow schedule/ }).waitFor();
  assert.equal(await dialog.getByRole("link").count(), 1);
  assert.equal(asked.length, before);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${site.origin}/schedules/rotate_slow`);
  assert.deepEqual(page.wrongs, []);
});

test("keys lead through a run, and a retry asks first", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/executions?workflow=rotate_registry`);
  await page.getByRole("rowheader").getByRole("link").first().click();
  await page.waitForURL(/executions\/[0-9a-f-]+$/);
  await page.keyboard.press("j");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("href")), /task=fetch/);
  await page.keyboard.press("2");
  await page.waitForURL(/task-list$/);
  const address = page.url();
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "Retry the failed task?" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(page.url(), address);
  await page.keyboard.press("r");
  await page.keyboard.press("Enter");
  await page.getByText("The failed task is tried again.").waitFor();
  assert.deepEqual(page.wrongs, []);
});

test("a schedule is paused and goes on", async () => {
  const page = await site.signedIn();
  await page.getByRole("link", { name: "Schedules" }).click();
  assert.match(await row(page, "rotate_github").textContent(), /active.*at 03:00, Europe\/Berlin/s);
  await row(page, "rotate_github").getByRole("link", { name: "rotate_github" }).first().click();
  assert.match(await page.locator("time[data-own] + span").first().textContent(), /here/);
  await page.getByText("Pause …").click();
  await page.getByLabel("Why").fill("the issuer moves house");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("It is paused.").waitFor();
  await page.getByText("The issuer moves house.").waitFor();
  assert.match(await site.keytide("schedule", "list"), /paused/);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("It goes on.").waitFor();
  assert.deepEqual(page.wrongs, []);
});

test("a schedule is made, and what it means is told while it is filled in", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/workflows/rotate_github`);
  await page.getByRole("link", { name: "Schedule it" }).click();
  assert.equal(await page.getByLabel("Workflow", { exact: true }).inputValue(), "rotate_github");
  await page.getByLabel("Name", { exact: true }).fill("rotate_more");
  await page.getByLabel("When", { exact: true }).fill("0 0 3 * *");
  await page.locator("#preview").getByText("perhaps").waitFor();
  await page.getByLabel("When", { exact: true }).fill("0 15 4 * * MON-FRI");
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.locator("#preview").getByText("at 04:15, on Monday to Friday, Asia/Tokyo").waitFor();
  await page.screenshot({ path: join(SHOTS, "schedule-preview.png"), fullPage: true });
  await page.getByLabel("Paused at the start").check();
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await page.getByText("The schedule is saved.").waitFor();
  assert.match(await page.getByRole("main").textContent(), /paused/);
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByLabel("When", { exact: true }).fill("@hourly");
  await page.getByRole("button", { name: "Save the schedule" }).click();
  await page.getByText("The schedule is saved.").waitFor();
  await page.getByText("Remove", { exact: true }).click();
  await page.getByRole("button", { name: "Remove rotate_more" }).click();
  await page.getByText("The schedule is gone.").waitFor();
  assert.deepEqual(page.wrongs, []);
});

test("a zone is suggested as the browser knows it, and none where it is chosen already", async () => {
  const page = await site.signedIn({ timezoneId: "Asia/Tokyo" });
  await page.goto(`${site.origin}/edit-schedule?workflow=rotate_github`);
  const zone = page.getByLabel("Time zone");
  assert.equal(await zone.inputValue(), "UTC");
  assert.equal(await page.locator("#zones option").count(), 0, "nobody has asked for them");
  await page.getByRole("button", { name: "Use Asia/Tokyo" }).click();
  assert.equal(await zone.inputValue(), "Asia/Tokyo");
  assert.equal(await page.evaluate(() => document.activeElement.id), "zone");
  assert.ok(await page.locator("#zones option").count() > 400);
  await page.locator("#preview").getByText("Asia/Tokyo").first().waitFor();
  await page.goto(`${site.origin}/edit-schedule?name=rotate_github`);
  assert.equal(await page.getByRole("button", { name: /^Use / }).count(), 0);
  assert.deepEqual(page.wrongs, []);
});

test("a run that fails is followed live and tried again", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/workflows/rotate_slow`);
  await page.getByText("Run …").click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("It has started.").waitFor();
  const node = page.getByRole("link", { name: /^fetch, HTTP/ });
  await page.getByRole("link", { name: /^fetch, HTTP, IN_PROGRESS/ }).waitFor();
  // Nobody loads the page again: it does so by itself once the issuer has answered.
  site.slow.open();
  await page.getByRole("heading", { name: /rotate_slow/ }).locator("xpath=..").getByText("failed").waitFor();
  await node.click();
  await page.getByRole("complementary").getByText("failed").first().waitFor();
  await page.getByRole("link", { name: "Output" }).last().click();
  await page.waitForURL(/show=output/);
  await page.screenshot({ path: join(SHOTS, "failed-run.png"), fullPage: true });
  site.slow.mend();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByText("The failed task is tried again.").waitFor();
  await page.getByRole("heading", { name: /rotate_slow/ }).locator("xpath=..").getByText("completed").waitFor();
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("/live")), []);
});

test("what is long, wide or wrong stays in its page and in sight", async () => {
  const noop = (name) => ({ name, taskReferenceName: name, type: "NOOP" });
  const [name, reason] = ["w".repeat(200), "averylongword".repeat(60) + " and more".repeat(300)];
  site.write("long.json", {
    name, version: 1, description: "d".repeat(1000), inputParameters: ["p".repeat(200)],
    tasks: [noop("n".repeat(200)), { ...noop("end"), type: "TERMINATE", inputParameters: { terminationStatus: "FAILED", terminationReason: reason } }],
  });
  const branch = (number) => Array.from({ length: 12 }, (_, at) => noop(`branch_${number}_${at}`));
  site.write("wide.json", { name: "wide", version: 1, tasks: [
    ...Array.from({ length: 100 }, (_, at) => noop(`task_${at}`)),
    { ...noop("fork"), type: "FORK_JOIN", forkTasks: Array.from({ length: 8 }, (_, number) => branch(number)) }, { ...noop("join"), type: "JOIN" },
  ] });
  const owner = await site.signedIn();
  await owner.goto(`${site.origin}/workflows`);
  for (const made of [name, "wide"]) await row(owner, made).waitFor();
  await assert.rejects(site.keytide("run", name));
  await owner.goto(`${site.origin}/executions?workflow=${name}`);
  const run = await owner.getByRole("rowheader").getByRole("link").first().getAttribute("href");
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    const page = await site.signedIn({ viewport });
    for (const path of ["/workflows", `/workflows/${name}`, "/executions", run, `${run}/summary?task=end`, `/edit-schedule?workflow=${name}`]) {
      await page.goto(site.origin + path);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, `${path.slice(0, 40)} at ${viewport.width}`);
    }
    await page.goto(site.origin + run);
    const high = await page.locator(".reason").evaluate((text) => text.getBoundingClientRect().height / innerHeight);
    assert.ok(high < 0.45, `the reason takes ${high} of the window`);
    await page.screenshot({ path: join(SHOTS, `long-${viewport.width}.png`), fullPage: true });
    await page.goto(`${site.origin}/workflows/wide`);
    const isSeen = await page.locator("#task-task_0").evaluate((task) => {
      const [at, place] = [task.getBoundingClientRect(), task.closest(".diagram").getBoundingClientRect()];
      return at.left >= place.left && at.right <= place.right;
    });
    assert.ok(isSeen, `the first task of a wide picture, at ${viewport.width}`);
    await page.getByText("Run …").click();
    await page.getByLabel("Input as JSON").fill("{half");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Input as JSON").inputValue(), "{half");
    await page.screenshot({ path: join(SHOTS, `wrong-input-${viewport.width}.png`), fullPage: true });
  }
});

test("a definition is checked while it is being written", async () => {
  const page = await site.signedIn();
  await page.goto(`${site.origin}/edit-workflow`);
  const source = page.getByLabel("Definition, as JSON or YAML");
  await source.fill("name: typed\ntasks:\n  - name: n\n    taskReferenceName: n\n    type: NOOP\n    nonsense: 1\n");
  await page.getByText(/definition:6:5/).waitFor();
  assert.deepEqual(page.wrongs, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`every page is for everybody, and shown as it should be: ${colorScheme}`, async () => {
    // What axe needs our content policy does not allow: it looks in a window without one.
    const looked = await site.signedIn({ colorScheme, bypassCSP: true });
    const phone = await site.signedIn({ colorScheme, viewport: { width: 390, height: 844 } });
    const wide = await site.signedIn({ colorScheme });
    const stranger = await site.window({ colorScheme, bypassCSP: true });
    const shown = async (name, path, pages) => {
      for (const [kind, page] of Object.entries(pages)) {
        await page.goto(site.origin + path);
        if (kind === "axe") assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
        else await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}${kind === "phone" ? "-390" : ""}.png`), fullPage: true });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(overflow, 0, `${name} is wider than its window (${kind})`);
      }
    };
    for (const [name, path] of Object.entries(PAGES)) await shown(name, path, { axe: looked, phone, wide });
    await wide.goto(`${site.origin}/executions?workflow=rotate_slow`);
    const run = await wide.getByRole("rowheader").getByRole("link").first().getAttribute("href");
    for (const tab of TABS) {
      await shown(`run-${tab}`, `${run}/${tab}?task=fetch`, { axe: looked, phone, wide });
    }
    await shown("sign-in", "/sign-in", { axe: stranger, wide: stranger });
    for (const page of [wide, phone]) assert.deepEqual(page.wrongs.filter((wrong) => !/40[04]/.test(wrong)), []);
  });
}

// Who begins has nothing yet.
class Beginning extends Site {
  furnish() {}
}

test("the first steps are for everybody, each of their states", async () => {
  const fresh = new Beginning();
  try {
    await fresh.start();
    const page = await fresh.signedIn({ bypassCSP: true });
    const looked = async (done) => {
      await page.goto(`${fresh.origin}/`);
      await page.getByText(`${done} of 4 are done.`).waitFor();
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `${done} done, ${colorScheme}`);
        await page.screenshot({ path: join(SHOTS, `first-steps-${done}-${colorScheme}.png`), fullPage: true });
      }
    };
    await looked(1);
    for (const path of ["/secrets", "/workflows", "/schedules", "/executions", "/problems", "/audit"]) {
      await page.goto(fresh.origin + path);
      assert.deepEqual(await violations(page), [], path);
    }
    await fresh.secret("api_key", "the-key-of-the-api");
    await looked(2);
    fresh.write("github.json", { ...rotation("rotate_github", "github_token", "http://127.0.0.1:9/"), schedules: [] });
    await page.goto(`${fresh.origin}/workflows`);
    await row(page, "rotate_github").waitFor();
    await looked(3);
    await page.getByRole("link", { name: "Make a schedule" }).click();
    await page.getByLabel("Name", { exact: true }).fill("nightly");
    await page.getByLabel("Workflow", { exact: true }).fill("rotate_github");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.getByText("The schedule is saved.").waitFor();
    await page.goto(`${fresh.origin}/`);
    await row(page, "github_token").waitFor();
    assert.equal(await page.getByText("First steps").count(), 0);
  } finally {
    await fresh.stop();
  }
});

// The last one: the daemon is gone after it.
test("a page says that it may be old once nothing answers", async () => {
  const page = await site.signedIn();
  await row(page, "github_token").waitFor();
  await site.stopDaemon();
  await page.getByText("Reconnecting…").waitFor();
});
