// The published JavaScript client, as its users call it. Ends with 0 where all of this holds.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { OrkesClients, TaskManager } from "@io-orkes/conductor-javascript";

const VALUES = {
  plain: "plain",
  quotes: 'say "hi"',
  quoted: '"all of it"',
  lines: "line1\nline2\ttab",
  json: '{"a": ["b", 1]}',
  backslash: "back\\slash and one at the end\\",
  unicode: "é ✓ 🔑",
};
const TOKEN = "canary-worker-token-91ab";
const PATIENCE_MS = 60_000;

const equal = assert.deepEqual;
const digest = (text) => createHash("sha256").update(text).digest("hex");
const pairs = (tags) => tags.map(({ key, value }) => [key, value]).sort();

// Looks until it is there; a machine may be slow.
async function until(look, isThere) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (isThere(found)) return found;
    assert(Date.now() < end, `it did not come: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Holds that a call is refused, in words that have this in them: this client tells of an error its message and no more.
async function refused(part, call) {
  await assert.rejects(call, (error) => {
    assert(error.message.includes(part), `"${part}" is not in "${error.message}"`);
    return true;
  });
}

const flow = (name, task, version = 1) => ({
  name, version, schemaVersion: 2, timeoutSeconds: 0, tasks: [{ taskReferenceName: task.name, ...task }],
});
const WAIT = { name: "wait", type: "WAIT", inputParameters: {} };

const laws = {
  async "secrets come back as they were put"(clients) {
    const secrets = clients.getSecretClient();
    for (const [name, value] of Object.entries(VALUES)) {
      await secrets.putSecret(`client_${name}`, value);
      equal(await secrets.getSecret(`client_${name}`), value);
    }
    const mine = Object.keys(VALUES).map((name) => `client_${name}`);
    const names = await secrets.listAllSecretNames();
    equal(mine.filter((name) => !names.includes(name)), []);
    equal(names.includes("ungranted"), false);
    equal((await secrets.listSecretsThatUserCanGrantAccessTo()).includes("client_plain"), true);
    equal(await secrets.secretExists("client_plain"), true);
    await secrets.deleteSecret("client_plain");
    await refused("client_plain", secrets.getSecret("client_plain"));
    await refused("client_plain", secrets.deleteSecret("client_plain"));
  },

  async "tags of secrets are set and removed"(clients) {
    const secrets = clients.getSecretClient();
    await secrets.putSecret("client_tagged", "a-tagged-value");
    await secrets.setSecretTags([{ key: "team", value: "clients" }, { key: "stage", value: "test" }], "client_tagged");
    equal(pairs(await secrets.getSecretTags("client_tagged")), [["stage", "test"], ["team", "clients"]]);
    await secrets.deleteSecretTags([{ key: "stage", value: "test" }], "client_tagged");
    equal(pairs(await secrets.getSecretTags("client_tagged")), [["team", "clients"]]);
  },

  async "the rotation of the seed runs"(clients) {
    const rotation = JSON.parse(readFileSync(process.env.ROTATION, "utf8"));
    const workflows = clients.getWorkflowClient();
    await clients.getMetadataClient().registerWorkflowDef(rotation, true);
    equal((await clients.getMetadataClient().getWorkflowDef(rotation.name, 1)).tasks[1].type, "UPDATE_SECRET");
    const run = await workflows.startWorkflow({ name: rotation.name, version: 1, correlationId: "javascript" });
    const ended = await until(() => workflows.getWorkflow(run, true), ({ status }) => status !== "RUNNING");
    equal(ended.status, "COMPLETED");
    const token = await clients.getSecretClient().getSecret("my_secret_holding_a_token");
    const shown = JSON.stringify(ended);
    equal(ended.tasks[0].outputData._secrets, "***");
    equal(shown.includes(token) || shown.includes("canary"), false);
    const again = await workflows.executeWorkflow({ name: rotation.name, version: 1 }, rotation.name, 1, "rotate-again");
    equal(again.status, "COMPLETED");
    equal((await clients.getSecretClient().getSecret("my_secret_holding_a_token")) === token, false);
  },

  async "definitions have versions and tags"(clients) {
    const metadata = clients.getMetadataClient();
    for (const version of [1, 2]) await metadata.registerWorkflowDef(flow("client_versions", WAIT, version), false);
    await refused("client_versions.2 already exists", metadata.registerWorkflowDef(flow("client_versions", WAIT, 2), false));
    equal((await metadata.getWorkflowDef("client_versions")).version, 2);
    const all = await metadata.getAllWorkflowDefs();
    equal(all.filter(({ name }) => name === "client_versions").map(({ version }) => version).sort(), [1, 2]);
    await metadata.setWorkflowTags([{ key: "team", value: "clients" }, { key: "stage", value: "test" }], "client_versions");
    await metadata.addWorkflowTag({ key: "area", value: "tokens" }, "client_versions");
    await metadata.deleteWorkflowTag({ key: "stage", value: "test" }, "client_versions");
    equal(pairs(await metadata.getWorkflowTags("client_versions")), [["area", "tokens"], ["team", "clients"]]);
    await metadata.registerTask({ name: "client_tool", retryCount: 0 });
    await metadata.setTaskTags([{ key: "team", value: "clients" }], "client_tool");
    equal(pairs(await metadata.getTaskTags("client_tool")), [["team", "clients"]]);
    await metadata.unregisterTask("client_tool");
    await refused("client_tool", metadata.getTask("client_tool"));
    await metadata.unregisterWorkflow("client_versions", 1);
    await refused("client_versions", metadata.getWorkflowDef("client_versions", 1));
  },

  async "a worker gets its secrets and nobody sees them"(clients) {
    const [metadata, workflows, tasks] = [clients.getMetadataClient(), clients.getWorkflowClient(), clients.getTaskClient()];
    await clients.getSecretClient().putSecret("client_worker_token", TOKEN);
    await metadata.registerTask({ name: "client_work", retryCount: 0, runtimeMetadata: ["client_worker_token"] });
    const inputParameters = { key: "${workflow.secrets.client_worker_token}" };
    await metadata.registerWorkflowDef(flow("client_worker", { name: "client_work", type: "SIMPLE", inputParameters }), true);
    const run = await workflows.startWorkflowByName("client_worker", {}, 1, "worker");
    equal(await tasks.getQueueSizeForTask(["client_work"]), { client_work: 1 });
    const execute = async (task) => ({
      status: "COMPLETED",
      outputData: {
        metadata: digest(task.runtimeMetadata.client_worker_token), input: digest(task.inputData.key), echo: task.inputData.key,
      },
      logs: [{ log: `worked with ${task.inputData.key}` }],
    });
    const worker = new TaskManager(clients.getClient(), [{ taskDefName: "client_work", execute }], { options: { pollInterval: 50 } });
    worker.startPolling();
    const ended = await until(() => workflows.getWorkflow(run, true), ({ status }) => status !== "RUNNING");
    await worker.stopPolling();
    equal(ended.status, "COMPLETED");
    equal(ended.tasks[0].outputData, { metadata: digest(TOKEN), input: digest(TOKEN), echo: "***" });
    equal(JSON.stringify(ended).includes(TOKEN), false);
    const { taskId } = ended.tasks[0];
    const logs = await until(() => tasks.getTaskLogs(taskId), (lines) => lines?.length > 0);
    equal(logs.map(({ log }) => log), ["worked with ***"]);
    await tasks.addTaskLog(taskId, "another line");
    equal((await tasks.getTaskLogs(taskId)).map(({ log }) => log), ["worked with ***", "another line"]);
    equal((await tasks.getTask(taskId)).status, "COMPLETED");
  },

  async "executions are operated and found"(clients) {
    const [workflows, tasks] = [clients.getWorkflowClient(), clients.getTaskClient()];
    await clients.getMetadataClient().registerWorkflowDef(flow("client_wait", WAIT), true);
    const runs = [];
    for (const n of [0, 1]) runs.push(await workflows.startWorkflowByName("client_wait", { n }, 1, `wait-${n}`));
    await workflows.pause(runs[0]);
    equal((await workflows.getWorkflowStatus(runs[0], true, true)).status, "PAUSED");
    await workflows.resume(runs[0]);
    await workflows.updateVariables(runs[0], { colour: "blue" });
    const waiting = await until(() => workflows.getWorkflow(runs[0], true), (workflow) => workflow.tasks.length > 0);
    equal(waiting.variables, { colour: "blue" });
    await tasks.updateTaskResult(runs[0], "wait", "COMPLETED", { done: true });
    await until(() => workflows.getWorkflow(runs[0], false), ({ status }) => status === "COMPLETED");
    await workflows.terminate(runs[1], "enough of it");
    const ended = await workflows.getWorkflow(runs[1], false);
    equal([ended.status, ended.reasonForIncompletion], ["TERMINATED", "enough of it"]);
    await refused("is TERMINATED", workflows.pause(runs[1]));
    const query = "workflowType = 'client_wait' AND status IN (COMPLETED,TERMINATED)";
    const found = await until(() => workflows.search(0, 10, query, "*"), ({ results }) => results.length === 2);
    equal(found.results.map(({ workflowId }) => workflowId).sort(), [...runs].sort());
    const wanted = { correlationIds: ["wait-1"], workflowNames: ["client_wait"] };
    equal((await workflows.getByCorrelationIds(wanted, true, true))["wait-1"].map(({ workflowId }) => workflowId), [runs[1]]);
    await workflows.restart(runs[1], false);
    await workflows.terminate(runs[1], "enough of it again");
    for (const run of runs) {
      await workflows.deleteWorkflow(run);
      await refused(run, workflows.getExecution(run));
    }
  },

  async "schedules are saved, held and found"(clients) {
    const schedules = clients.getSchedulerClient();
    const task = { name: "set", type: "SET_VARIABLE", inputParameters: { a: 1 } };
    await clients.getMetadataClient().registerWorkflowDef(flow("client_tick", task), true);
    const schedule = {
      name: "client_schedule", cronExpression: "* * * * * *", startWorkflowRequest: { name: "client_tick", version: 1 },
    };
    await schedules.saveSchedule(schedule);
    equal((await schedules.getSchedule("client_schedule")).startWorkflowRequest.name, "client_tick");
    equal((await schedules.getAllSchedules("client_tick")).map(({ name }) => name), ["client_schedule"]);
    const fired = await until(
      () => schedules.search(0, 10, "", "*", "scheduleName IN (client_schedule)"), ({ results }) => results.length > 0);
    equal(fired.results[0].workflowName, "client_tick");
    await schedules.pauseSchedule("client_schedule", "a pause");
    const paused = await schedules.getSchedule("client_schedule");
    equal([paused.paused, paused.pausedReason], [true, "a pause"]);
    await schedules.resumeSchedule("client_schedule");
    equal((await schedules.getSchedule("client_schedule")).paused, false);
    await schedules.setSchedulerTags([{ key: "team", value: "clients" }, { key: "stage", value: "test" }], "client_schedule");
    await schedules.deleteSchedulerTags([{ key: "stage", value: "test" }], "client_schedule");
    equal(pairs(await schedules.getSchedulerTags("client_schedule")), [["team", "clients"]]);
    const times = await schedules.getNextFewSchedules("0 0 12 ? * 1", undefined, undefined, 2);
    equal(times.map((at) => new Date(at).getUTCDay()), [1, 1]);
    await refused("cronExpression", schedules.getNextFewSchedules("every tuesday"));
    await refused("every tuesday", schedules.saveSchedule({ ...schedule, cronExpression: "every tuesday" }));
    await refused("client_gone", schedules.pauseSchedule("client_gone"));
    await schedules.pauseAllSchedules();
    equal((await schedules.getSchedule("client_schedule")).paused, true);
    await schedules.resumeAllSchedules();
    equal((await schedules.getSchedule("client_schedule")).paused, false);
    await schedules.requeueAllExecutionRecords();
    await schedules.deleteSchedule("client_schedule");
    await refused("client_schedule", schedules.getSchedule("client_schedule"));
  },

  async "errors are what the client reads"(clients) {
    const secrets = clients.getSecretClient();
    await refused("client_no_such", clients.getWorkflowClient().startWorkflowByName("client_no_such", {}));
    await refused("Validation failed", clients.getMetadataClient().registerWorkflowDef({ name: "client_empty", version: 1, tasks: [] }, true));
    // What is not granted is not there; what is not to be written is refused.
    await refused("ungranted", secrets.getSecret("ungranted"));
    await refused("may not write other_name", secrets.putSecret("other_name", "x-value"));
  },

  async "tokens that expire in mid-use are renewed"() {
    // For this client the environment goes before what is said to it.
    process.env.CONDUCTOR_SERVER_URL = process.env.AGING_SERVER_URL;
    const secrets = (await OrkesClients.from()).getSecretClient();
    for (let n = 0; n < 6; n++) {
      await secrets.putSecret("client_renewed", `value "${n}"`);
      equal(await secrets.getSecret("client_renewed"), `value "${n}"`);
    }
  },

  async "who may do what is said at an open server"() {
    // It answers 404 where clients sign in, and they go on without.
    process.env.CONDUCTOR_SERVER_URL = process.env.OPEN_SERVER_URL;
    const open = await OrkesClients.from();
    const [access, applications] = [open.getAuthorizationClient(), open.getApplicationClient()];
    equal((await applications.createApplication("ci")).id, "ci");
    const key = await applications.createAccessKey("ci");
    equal((await applications.getAccessKeys("ci")).map(({ id }) => id), [key.id]);
    equal((await applications.toggleAccessKeyStatus("ci", key.id)).status, "INACTIVE");
    await access.upsertGroup("build", { description: "who builds", roles: [] });
    await access.addUsersToGroup("build", ["app:ci"]);
    equal((await access.getUsersInGroup("build")).map(({ id }) => id), ["app:ci"]);
    const said = { subject: { type: "GROUP", id: "build" }, target: { type: "SECRET_NAME", id: "client_key" } };
    await access.grantPermissions({ ...said, access: ["READ", "UPDATE"] });
    await access.removePermissions({ ...said, access: ["UPDATE"] });
    equal(await access.getPermissions("SECRET_NAME", "client_key"), { READ: [said.subject] });
    const granted = await access.getGrantedPermissionsForGroup("build");
    equal(granted.grantedAccess, [{ target: said.target, access: ["READ"] }]);
    await access.removeUsersFromGroup("build", ["app:ci"]);
    await access.deleteGroup("build");
    await refused("no group `build`", access.getGroup("build"));
    await applications.deleteApplication("ci");
    equal(await applications.getAllApplications(), []);
  },
};

const clients = await OrkesClients.from();
let broken = 0;
for (const [name, law] of Object.entries(laws)) {
  try {
    await law(clients);
    console.log(`holds: ${name}`);
  } catch (error) {
    broken++;
    console.log(`BROKEN: ${name}\n${error.stack}`);
  }
}
process.exit(broken ? 1 : 0);
