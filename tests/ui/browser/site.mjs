// A project in a temporary folder with an issuer of its own, a daemon that serves it, and a browser.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { chromium } from "playwright-core";

const { KEYTIDE, CHROMIUM } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Every page that has an address of its own.
export const PAGES = {
  overview: "/", secrets: "/secrets", secret: "/secrets/github_token", add: "/add-secret", problems: "/problems", search: "/search?q=rotate", missing: "/secrets/none",
  workflows: "/workflows", workflow: "/workflows/rotate_github", editor: "/edit-workflow", executions: "/executions",
  "make-schedule": "/edit-schedule?workflow=rotate_github", "change-schedule": "/edit-schedule?name=rotate_github",
  schedules: "/schedules", schedule: "/schedules/rotate_github", audit: "/audit", access: "/access", settings: "/settings",
};

// The parts of a run's page.
export const TABS = ["diagram", "task-list", "timeline", "summary", "input-output", "json", "variables"];

// Holds calls until it is opened, and then refuses them until it is mended.
class Gate {
  constructor() {
    this.waiting = [];
    this.status = undefined;
  }

  async pass() {
    if (!this.status) await new Promise((resolve) => this.waiting.push(resolve));
    return this.status;
  }

  open(status = 500) {
    this.status = status;
    this.waiting.splice(0).forEach((resolve) => resolve());
  }

  mend() {
    this.open(200);
  }
}

// Gives a new token to every call; other paths fail, answer nothing, fail once, and wait at the gate.
function issuer(slow) {
  let count = 0, flaky = 0;
  const server = createServer(async (request, response) => {
    if (request.url === "/broken") return response.writeHead(500).end();
    if (request.url === "/lost") return request.resume().on("end", () => request.socket.destroy());
    if (request.url === "/flaky" && flaky++ === 0) return response.writeHead(503).end();
    if (request.url === "/slow") {
      const status = await slow.pass();
      if (status !== 200) return response.writeHead(status).end();
    }
    count += 1;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ token: `issued-token-${count}` }));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

export function rotation(name, secret, uri) {
  return {
    name,
    version: 1,
    description: `Rotates ${secret}`,
    tasks: [
      {
        name: "fetch", taskReferenceName: "fetch", type: "HTTP",
        inputParameters: { uri, method: "POST", headers: { Authorization: "Bearer ${workflow.secrets.api_key}" } },
      },
      {
        name: "store", taskReferenceName: "store", type: "UPDATE_SECRET",
        inputParameters: { _secrets: { secretKey: secret, secretValue: "${fetch.output.response.body.token}" } },
      },
    ],
    schedules: [{ name, cronExpression: "0 0 3 * * *", zoneId: "Europe/Berlin" }],
  };
}

export class Site {
  async start() {
    this.folder = mkdtempSync(join(tmpdir(), "keytide-pages-"));
    this.slow = new Gate();
    this.issuer = await issuer(this.slow);
    const origin = `http://127.0.0.1:${this.issuer.address().port}`;
    mkdirSync(join(this.folder, "home"));
    await this.keytide("init", "project");
    this.project = join(this.folder, "project");
    for (const example of ["rotate.yaml", "rotate.test.yaml"]) rmSync(join(this.project, "workflows", example));
    this.furnish(origin);
    this.daemon = spawn(KEYTIDE, ["serve", "--listen", "127.0.0.1:0"], { ...this.options(), stdio: ["ignore", "ignore", "pipe"] });
    this.origin = await this.told(/listening on (http:\/\/[0-9.:]+)/);
    this.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  }

  // Writes the workflows of the project.
  furnish(origin) {
    this.write("github.json", rotation("rotate_github", "github_token", `${origin}/token`));
    this.write("broken.json", rotation("rotate_registry", "registry_token", `${origin}/broken`));
    this.write("slow.json", rotation("rotate_slow", "slow_token", `${origin}/slow`));
  }

  // Keeps a secret, from standard input as people should.
  secret(name, value, ...options) {
    return new Promise((resolve, reject) => {
      const child = execFile(KEYTIDE, ["secret", "set", name, ...options], this.options(), (error) => error ? reject(error) : resolve());
      child.stdin.end(value);
    });
  }

  options() {
    const home = join(this.folder, "home");
    const env = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: join(home, ".config"), XDG_RUNTIME_DIR: home };
    return { cwd: this.project ?? this.folder, env };
  }

  // Runs a command of keytide beside the daemon, and returns what it printed; the issuer answers meanwhile.
  async keytide(...words) {
    const { stdout } = await promisify(execFile)(KEYTIDE, words, this.options());
    return stdout;
  }

  write(name, content) {
    writeFileSync(join(this.project, "workflows", name), JSON.stringify(content, null, 2));
  }

  told(pattern) {
    const lines = createInterface({ input: this.daemon.stderr });
    return new Promise((resolve, reject) => {
      let said = "";
      lines.on("line", (line) => {
        said += line + "\n";
        const found = pattern.exec(line);
        if (found) resolve(found[1]);
      });
      lines.on("close", () => reject(new Error(`the daemon ended:\n${said}`)));
    });
  }

  async link() {
    return (await this.keytide("ui")).trim();
  }

  // Returns a page in a window of its own, which remembers what went wrong in it.
  async window(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: this.origin });
    const page = await context.newPage();
    page.wrongs = [];
    page.on("console", (message) => { if (message.type() === "error") page.wrongs.push(message.text()); });
    page.on("pageerror", (error) => page.wrongs.push(String(error)));
    // A page that is left hears no more news and ends what it was fetching, which is no failure.
    page.on("requestfailed", (request) => {
      const isLeft = request.failure()?.errorText === "net::ERR_ABORTED";
      if (new URL(request.url()).pathname !== "/live" && !isLeft) page.wrongs.push(`${request.url()}: ${request.failure()?.errorText}`);
    });
    return page;
  }

  async signedIn(options) {
    const page = await this.window(options);
    await page.goto(await this.link());
    await page.waitForURL(`${this.origin}/`);
    return page;
  }

  async stopDaemon() {
    if (!this.daemon || this.daemon.exitCode !== null) return;
    const ended = new Promise((resolve) => this.daemon.once("exit", resolve));
    this.daemon.kill("SIGTERM");
    await ended;
  }

  async stop() {
    await this.browser?.close();
    this.issuer?.close();
    await this.stopDaemon();
    if (this.folder) rmSync(this.folder, { recursive: true });
  }
}

// Returns what axe finds on a page: nothing, where all is well. Its window must not be under our content policy.
export async function violations(page) {
  await page.evaluate(AXE);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), tags);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("  ")}`);
}

// Returns where a window still has a text: its document, what it stores, and all that its scripts can reach, by the heap itself.
export async function held(page, text) {
  const places = await page.evaluate((text) => {
    const inputs = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
    const all = {
      document: document.documentElement.outerHTML, fields: inputs.join("\n"), address: location.href, title: document.title,
      local: JSON.stringify({ ...localStorage }), session: JSON.stringify({ ...sessionStorage }),
      history: JSON.stringify(history.state), name: window.name, cookie: document.cookie,
    };
    return Object.keys(all).filter((place) => (all[place] ?? "").includes(text));
  }, text);
  const client = await page.context().newCDPSession(page);
  await client.send("HeapProfiler.collectGarbage");
  const parts = [];
  client.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => parts.push(chunk));
  await client.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  await client.detach();
  if (parts.join("").includes(text)) places.push("heap");
  return places;
}
