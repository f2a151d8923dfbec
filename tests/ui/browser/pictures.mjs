// Takes the pictures of the README: a project as people have one, its overview and one of its runs, in light and dark.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Site } from "./site.mjs";

const { PICTURES } = process.env;
// Wide enough for every column, and sharp on the screens that most people have.
const VIEW = { viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1.5 };
const QUALITY = 80;
const BYTES_MAX = 150_000;

const fetch = (uri, retries = 0) => ({
  name: "fetch_token", taskReferenceName: "fetch_token", type: "HTTP", retryCount: retries,
  inputParameters: { uri, method: "POST", headers: { Authorization: "Bearer ${workflow.secrets.admin_key}" } },
});
const keep = (secret) => ({
  name: "keep_token", taskReferenceName: "keep_token", type: "UPDATE_SECRET",
  inputParameters: { _secrets: { secretKey: secret, secretValue: "${fetch_token.output.response.body.token}" } },
});
const rotation = (name, cron, tasks) =>
  ({ name, version: 1, tasks, schedules: [{ name, cronExpression: cron, zoneId: "Europe/Berlin" }] });
const call = (name, uri, secret = "payments_token") =>
  ({ name, taskReferenceName: name, type: "HTTP", inputParameters: { uri, method: "POST", headers: { Authorization: `Bearer \${workflow.secrets.${secret}}` } } });

class Company extends Site {
  furnish(origin) {
    for (const [name, cron, path] of [
      ["github", "0 0 3 * * *", "/token"], ["registry", "0 30 */4 * * *", "/broken"], ["billing", "0 0 2 * * MON", "/lost"],
      ["mail", "0 15 * * * *", "/token"], ["deploy", "0 0 4 1 * *", "/token"],
    ]) {
      this.write(`${name}.json`, rotation(`rotate_${name}`, cron, [fetch(origin + path), keep(`${name}_token`)]));
    }
    for (const [name, ...secrets] of [
      ["publish_release", "github_token", "registry_token"], ["send_invoices", "billing_token", "mail_token"], ["start_editors", "licence_token"],
    ]) {
      this.write(`${name}.json`, { name, version: 1, tasks: secrets.map((secret) => call(`with_${secret}`, `${origin}/reload`, secret)) });
    }
    this.write("payments.json", rotation("rotate_payments", "0 0/30 * * * *", [
      { ...fetch(`${origin}/flaky`, 1), taskDefinition: { name: "fetch_token", retryCount: 1, retryDelaySeconds: 1 } },
      keep("payments_token"),
      { name: "tell", taskReferenceName: "tell", type: "FORK_JOIN", forkTasks: [
        [call("reload_checkout", `${origin}/reload`)], [call("reload_invoices", `${origin}/reload`)]] },
      { name: "told", taskReferenceName: "told", type: "JOIN", joinOn: ["reload_checkout", "reload_invoices"] },
    ]));
  }
}

// Returns a picture as bytes: WebP takes a third of what PNG does.
async function picture(page) {
  const client = await page.context().newCDPSession(page);
  const { data } = await client.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  await client.detach();
  return Buffer.from(data, "base64");
}

async function keepPicture(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const bytes = await picture(page);
  if (bytes.length > BYTES_MAX) throw new Error(`${name} has ${bytes.length} bytes`);
  writeFileSync(join(PICTURES, name), bytes);
  console.log(`${name} ${bytes.length} bytes`);
}

const site = new Company();
try {
  await site.start();
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  await site.secret("admin_key", "the-key-of-an-administrator");
  for (const name of ["registry", "billing"]) await site.secret(`${name}_token`, `the-first-token-of-the-${name}`);
  await site.secret("signing_key", "a-key-that-nobody-rotates");
  await site.secret("licence_token", "a-token-with-an-end", "--expires", "20h");
  for (const name of ["github", "mail", "payments"]) await site.keytide("run", `rotate_${name}`);
  // These two end badly, and the pictures are of that.
  for (const name of ["registry", "billing"]) await site.keytide("run", `rotate_${name}`).catch(() => {});
  for (const colorScheme of ["light", "dark"]) {
    const page = await site.signedIn({ ...VIEW, colorScheme });
    await page.goto(`${site.origin}/`);
    await keepPicture(page, `overview-${colorScheme}.webp`);
    await page.goto(`${site.origin}/executions?workflow=rotate_payments`);
    const run = await page.getByRole("rowheader").getByRole("link").first().getAttribute("href");
    await page.goto(`${site.origin}${run}/diagram?task=fetch_token`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.evaluate(() => scrollTo(0, 0));
    await keepPicture(page, `run-${colorScheme}.webp`);
  }
} finally {
  await site.stop();
}
