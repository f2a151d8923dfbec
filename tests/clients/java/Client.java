import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toList;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.netflix.conductor.client.automator.TaskRunnerConfigurer;
import com.netflix.conductor.client.exception.ConductorClientException;
import com.netflix.conductor.client.worker.Worker;
import com.netflix.conductor.common.config.ObjectMapperProvider;
import com.netflix.conductor.common.metadata.tasks.Task;
import com.netflix.conductor.common.metadata.tasks.TaskDef;
import com.netflix.conductor.common.metadata.tasks.TaskResult;
import com.netflix.conductor.common.metadata.workflow.StartWorkflowRequest;
import com.netflix.conductor.common.metadata.workflow.WorkflowDef;
import com.netflix.conductor.common.metadata.workflow.WorkflowTask;
import com.netflix.conductor.common.run.Workflow;
import io.orkes.conductor.client.ApiClient;
import io.orkes.conductor.client.OrkesClients;
import io.orkes.conductor.client.model.AuthorizationRequest;
import io.orkes.conductor.client.model.AuthorizationRequest.AccessEnum;
import io.orkes.conductor.client.model.CreateOrUpdateApplicationRequest;
import io.orkes.conductor.client.model.SaveScheduleRequest;
import io.orkes.conductor.client.model.SubjectRef;
import io.orkes.conductor.client.model.TagObject;
import io.orkes.conductor.client.model.TargetRef;
import io.orkes.conductor.client.model.UpsertGroupRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** The published Java client, as its users call it. Ends with 0 where all of this holds. */
public final class Client {
    private static final Map<String, String> VALUES = Map.of(
            "plain", "plain",
            "quotes", "say \"hi\"",
            "quoted", "\"all of it\"",
            "lines", "line1\nline2\ttab",
            "json", "{\"a\": [\"b\", 1]}",
            "backslash", "back\\slash and one at the end\\",
            "unicode", "é ✓ 🔑");
    private static final String TOKEN = "canary-worker-token-91ab";
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(60);
    private static final ObjectMapper JSON = new ObjectMapperProvider().getObjectMapper();

    private final OrkesClients clients;

    private Client(String server) {
        String key = System.getenv("CONDUCTOR_AUTH_KEY");
        clients = new OrkesClients(new ApiClient(server, key, System.getenv("CONDUCTOR_AUTH_SECRET")));
    }

    /** What a law does; it may throw whatever its calls throw. */
    private interface Act {
        void run() throws Exception;
    }

    /** What gives something. */
    private interface Look<T> {
        T at() throws Exception;
    }

    private static void equal(Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new AssertionError(got + " is not " + wanted);
        }
    }

    /** Looks until it is there; a machine may be slow. */
    private static <T> T until(Look<T> look, Predicate<T> isThere) throws Exception {
        for (long end = System.nanoTime() + PATIENCE_NS; ; Thread.sleep(100)) {
            T found = look.at();
            if (isThere.test(found)) {
                return found;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come: " + found);
            }
        }
    }

    /** Holds that a call is refused with this status. */
    private static ConductorClientException refused(int status, Act call) throws Exception {
        try {
            call.run();
        } catch (ConductorClientException error) {
            equal(error.getStatus(), status);
            return error;
        }
        throw new AssertionError("it is not refused with " + status);
    }

    private static String digest(Object text) throws Exception {
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private static TagObject tag(String key, String value) {
        return new TagObject().key(key).value(value).type(TagObject.TypeEnum.METADATA);
    }

    private static List<String> pairs(List<TagObject> tags) {
        return tags.stream().map(tag -> tag.getKey() + "=" + tag.getValue()).sorted().collect(toList());
    }

    private static WorkflowDef flow(String name, String type, Map<String, Object> input, int version) {
        WorkflowTask task = new WorkflowTask();
        task.setName(name + "_task");
        task.setTaskReferenceName("task");
        task.setType(type);
        task.setInputParameters(input);
        WorkflowDef def = new WorkflowDef();
        def.setName(name);
        def.setVersion(version);
        def.setOwnerEmail("clients@example.com");
        def.setTimeoutSeconds(0);
        def.setTasks(List.of(task));
        return def;
    }

    private static StartWorkflowRequest start(String name, String correlationId) {
        return new StartWorkflowRequest().withName(name).withVersion(1).withCorrelationId(correlationId);
    }

    /** Returns whatever of an execution could hold a value. */
    private static String shown(Workflow workflow) {
        var tasks = workflow.getTasks().stream();
        String ofTasks = tasks.map(task -> task.getInputData() + " " + task.getOutputData() + " " + task.getReasonForIncompletion())
                .collect(joining(" "));
        return workflow.getInput() + " " + workflow.getOutput() + " " + workflow.getReasonForIncompletion() + " " + ofTasks;
    }

    private Workflow ended(String run) throws Exception {
        return until(() -> clients.getWorkflowClient().getWorkflow(run, true), workflow -> workflow.getStatus().isTerminal());
    }

    private void secretsComeBackAsTheyWerePut() throws Exception {
        var secrets = clients.getSecretClient();
        for (var one : VALUES.entrySet()) {
            secrets.putSecret(one.getValue(), "client_" + one.getKey());
            equal(secrets.getSecret("client_" + one.getKey()), one.getValue());
        }
        Set<String> names = secrets.listAllSecretNames();
        for (String name : VALUES.keySet()) {
            equal(names.contains("client_" + name), true);
        }
        equal(names.contains("ungranted"), false);
        equal(secrets.listSecretsThatUserCanGrantAccessTo().contains("client_plain"), true);
        equal(secrets.secretExists("client_plain"), true);
        secrets.deleteSecret("client_plain");
        equal(secrets.secretExists("client_plain"), false);
        equal(refused(404, () -> secrets.getSecret("client_plain")).getMessage().contains("client_plain"), true);
        refused(404, () -> secrets.deleteSecret("client_plain"));
    }

    private void tagsOfSecretsAreSetAndRemoved() {
        var secrets = clients.getSecretClient();
        secrets.putSecret("a-tagged-value", "client_tagged");
        secrets.setSecretTags(List.of(tag("team", "clients"), tag("stage", "test")), "client_tagged");
        equal(pairs(secrets.getSecretTags("client_tagged")), List.of("stage=test", "team=clients"));
        secrets.deleteSecretTags(List.of(tag("stage", "test")), "client_tagged");
        equal(pairs(secrets.getSecretTags("client_tagged")), List.of("team=clients"));
    }

    private void theRotationOfTheSeedRuns() throws Exception {
        var rotation = JSON.readValue(Files.readString(Path.of(System.getenv("ROTATION"))), WorkflowDef.class);
        clients.getMetadataClient().registerWorkflowDef(rotation, true);
        var stored = clients.getMetadataClient().getWorkflowDef(rotation.getName(), 1);
        equal(stored.getTasks().get(1).getType(), "UPDATE_SECRET");
        Workflow ended = ended(clients.getWorkflowClient().startWorkflow(start(rotation.getName(), "java")));
        equal(ended.getStatus().name(), "COMPLETED");
        String token = clients.getSecretClient().getSecret("my_secret_holding_a_token");
        equal(ended.getTasks().get(0).getOutputData().get("_secrets"), "***");
        String shown = shown(ended);
        equal(shown.contains(token) || shown.contains("canary"), false);
        var again = clients.getWorkflowClient().executeWorkflow(start(rotation.getName(), "again"), (String) null);
        equal(again.get(60, TimeUnit.SECONDS).getStatus().toString(), "COMPLETED");
        equal(clients.getSecretClient().getSecret("my_secret_holding_a_token").equals(token), false);
    }

    private void definitionsHaveVersionsAndTags() throws Exception {
        var metadata = clients.getMetadataClient();
        for (int version : new int[] {1, 2}) {
            metadata.registerWorkflowDef(flow("client_versions", "WAIT", Map.of(), version), false);
        }
        var clash = flow("client_versions", "WAIT", Map.of(), 2);
        equal(refused(409, () -> metadata.registerWorkflowDef(clash, false)).getMessage().contains("already exists"), true);
        metadata.updateWorkflowDefs(List.of(clash), true);
        equal(metadata.getWorkflowDef("client_versions", null).getVersion(), 2);
        var versions = metadata.getAllWorkflowDefs().stream().filter(def -> def.getName().equals("client_versions"));
        equal(versions.map(WorkflowDef::getVersion).sorted().collect(toList()), List.of(1, 2));
        // `setWorkflowTags` of this client sends a GET, without its body.
        metadata.addWorkflowTag(tag("team", "clients"), "client_versions");
        metadata.addWorkflowTag(tag("stage", "test"), "client_versions");
        metadata.deleteWorkflowTag(tag("stage", "test"), "client_versions");
        equal(pairs(metadata.getWorkflowTags("client_versions")), List.of("team=clients"));
        metadata.registerTaskDefs(List.of(taskDef("client_tool")));
        metadata.setTaskTags(List.of(tag("team", "clients")), "client_tool");
        equal(pairs(metadata.getTaskTags("client_tool")), List.of("team=clients"));
        metadata.unregisterTaskDef("client_tool");
        refused(404, () -> metadata.getTaskDef("client_tool"));
        metadata.unregisterWorkflowDef("client_versions", 1);
        refused(404, () -> metadata.getWorkflowDef("client_versions", 1));
    }

    private static TaskDef taskDef(String name) {
        TaskDef def = new TaskDef(name);
        def.setOwnerEmail("clients@example.com");
        def.setRetryCount(0);
        return def;
    }

    private void aWorkerGetsItsSecretsAndNobodySeesThem() throws Exception {
        clients.getSecretClient().putSecret(TOKEN, "client_worker_token");
        TaskDef def = taskDef("client_worker_task");
        def.setRuntimeMetadata(List.of("client_worker_token"));
        clients.getMetadataClient().registerTaskDefs(List.of(def));
        Map<String, Object> input = Map.of("key", "${workflow.secrets.client_worker_token}");
        clients.getMetadataClient().registerWorkflowDef(flow("client_worker", "SIMPLE", input, 1), true);
        String run = clients.getWorkflowClient().startWorkflow(start("client_worker", "worker"));
        var tasks = clients.getTaskClient();
        equal(tasks.getQueueSizeForTask("client_worker_task"), 1);
        Worker worker = Worker.create("client_worker_task", Client::work);
        var runner = new TaskRunnerConfigurer.Builder(tasks, List.of(worker)).withThreadCount(1).build();
        runner.init();
        Workflow ended = ended(run);
        runner.shutdown();
        equal(ended.getStatus().name(), "COMPLETED");
        Task task = ended.getTasks().get(0);
        equal(task.getOutputData(), Map.of("metadata", digest(TOKEN), "input", digest(TOKEN), "echo", "***"));
        equal(shown(ended).contains(TOKEN), false);
        var logs = until(() -> tasks.getTaskLogs(task.getTaskId()), lines -> lines != null && !lines.isEmpty());
        equal(logs.get(0).getLog(), "worked with ***");
        tasks.logMessageForTask(task.getTaskId(), "another line");
        equal(tasks.getTaskLogs(task.getTaskId()).get(1).getLog(), "another line");
        equal(tasks.getTaskDetails(task.getTaskId()).getStatus().name(), "COMPLETED");
    }

    /** Says what it got without saying it. */
    private static TaskResult work(Task task) {
        TaskResult result = new TaskResult(task);
        Object key = task.getInputData().get("key");
        try {
            result.addOutputData("metadata", digest(task.getRuntimeMetadata().get("client_worker_token")));
            result.addOutputData("input", digest(key));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        result.addOutputData("echo", key);
        result.log("worked with " + key);
        result.setStatus(TaskResult.Status.COMPLETED);
        return result;
    }

    private void executionsAreOperatedAndFound() throws Exception {
        var workflows = clients.getWorkflowClient();
        clients.getMetadataClient().registerWorkflowDef(flow("client_wait", "WAIT", Map.of(), 1), true);
        String first = workflows.startWorkflow(start("client_wait", "wait-0"));
        String second = workflows.startWorkflow(start("client_wait", "wait-1"));
        workflows.pauseWorkflow(first);
        equal(workflows.getWorkflowStatusSummary(first, true, true).getStatus().toString(), "PAUSED");
        equal(workflows.resumeWorkflows(List.of(first, "none")).getBulkSuccessfulResults(), List.of(first));
        equal(workflows.updateVariables(first, Map.of("colour", "blue")).getVariables(), Map.of("colour", "blue"));
        until(() -> workflows.getWorkflow(first, true).getTasks(), list -> !list.isEmpty());
        clients.getTaskClient().updateTask(first, "task", TaskResult.Status.COMPLETED, Map.of("done", true));
        equal(ended(first).getStatus().name(), "COMPLETED");
        workflows.terminateWorkflow(second, "enough of it");
        Workflow terminated = workflows.getWorkflow(second, false);
        equal(terminated.getStatus() + " " + terminated.getReasonForIncompletion(), "TERMINATED enough of it");
        refused(409, () -> workflows.pauseWorkflow(second));
        String query = "workflowType = 'client_wait' AND status IN (COMPLETED,TERMINATED)";
        until(() -> workflows.search(0, 10, "", "*", query).getResults(), found -> found.size() == 2);
        equal(workflows.getWorkflows("client_wait", "wait-0", true, true).get(0).getWorkflowId(), first);
        var byId = workflows.getWorkflowsByNamesAndCorrelationIds(List.of("wait-1"), List.of("client_wait"), true, false);
        equal(byId.get("wait-1").get(0).getWorkflowId(), second);
        workflows.restart(second, false);
        workflows.terminateWorkflow(second, "enough of it again");
        for (String run : List.of(first, second)) {
            workflows.deleteWorkflow(run, false);
            refused(404, () -> workflows.getWorkflow(run, false));
        }
    }

    private void schedulesAreSavedHeldAndFound() throws Exception {
        var schedules = clients.getSchedulerClient();
        clients.getMetadataClient().registerWorkflowDef(flow("client_tick", "SET_VARIABLE", Map.of("a", 1), 1), true);
        var request = new SaveScheduleRequest().name("client_schedule").cronExpression("* * * * * *").zoneId("UTC");
        schedules.saveSchedule(request.startWorkflowRequest(start("client_tick", null)));
        equal(schedules.getSchedule("client_schedule").getStartWorkflowRequest().getName(), "client_tick");
        equal(schedules.getAllSchedules("client_tick").get(0).getName(), "client_schedule");
        String query = "scheduleName IN (client_schedule)";
        var fired = until(() -> schedules.search(0, 10, "", "*", query), page -> page.getTotalHits() > 0);
        equal(fired.getResults().get(0).getWorkflowName(), "client_tick");
        schedules.pauseSchedule("client_schedule", "a pause");
        equal(schedules.getSchedule("client_schedule").getPausedReason(), "a pause");
        schedules.resumeSchedule("client_schedule");
        equal(schedules.getSchedule("client_schedule").isPaused(), false);
        var held = schedules.pauseSchedulers(List.of("client_schedule", "client_gone"));
        equal(held.getBulkSuccessfulResults(), List.of("client_schedule"));
        equal(held.getBulkErrorResults().keySet(), Set.of("client_gone"));
        schedules.setSchedulerTags(List.of(tag("team", "clients"), tag("stage", "test")), "client_schedule");
        schedules.deleteSchedulerTags(List.of(tag("stage", "test")), "client_schedule");
        equal(pairs(schedules.getSchedulerTags("client_schedule")), List.of("team=clients"));
        for (long at : schedules.getNextFewSchedules("0 0 12 ? * 1", null, null, 2)) {
            equal(Instant.ofEpochMilli(at).atOffset(ZoneOffset.UTC).getDayOfWeek(), DayOfWeek.MONDAY);
        }
        refused(400, () -> schedules.getNextFewSchedules("every tuesday", null, null, 2));
        refused(400, () -> schedules.saveSchedule(request.cronExpression("every tuesday")));
        refused(404, () -> schedules.pauseSchedule("client_gone"));
        schedules.resumeSchedule("client_schedule");
        schedules.pauseAllSchedules();
        equal(schedules.getSchedule("client_schedule").isPaused(), true);
        schedules.resumeAllSchedules();
        equal(schedules.getSchedule("client_schedule").isPaused(), false);
        schedules.requeueAllExecutionRecords();
        schedules.deleteSchedule("client_schedule");
        refused(404, () -> schedules.getSchedule("client_schedule"));
    }

    private void errorsAreWhatTheClientReads() throws Exception {
        var missing = refused(404, () -> clients.getWorkflowClient().startWorkflow(start("client_no_such", null)));
        equal(missing.getMessage().contains("client_no_such") && !missing.isRetryable(), true);
        WorkflowDef empty = flow("client_empty", "WAIT", Map.of(), 1);
        empty.setTasks(List.of());
        var invalid = refused(400, () -> clients.getMetadataClient().registerWorkflowDef(empty, true));
        equal(invalid.getValidationErrors().isEmpty(), false);
        // What is not granted is not there; what is not to be written is refused.
        var secrets = clients.getSecretClient();
        refused(404, () -> secrets.getSecret("ungranted"));
        equal(refused(403, () -> secrets.putSecret("x-value", "other_name")).getMessage().contains("x-value"), false);
        equal(clients.getEnvironmentClient().getEnvironmentVariable("client_stage"), "testing");
    }

    private void tokensThatExpireInMidUseAreRenewed() {
        var secrets = new Client(System.getenv("AGING_SERVER_URL")).clients.getSecretClient();
        for (int n = 0; n < 6; n++) {
            secrets.putSecret("value \"" + n + "\"", "client_renewed");
            equal(secrets.getSecret("client_renewed"), "value \"" + n + "\"");
        }
    }

    private static void whoMayDoWhatIsSaidAtAnOpenServer() throws Exception {
        // It answers 404 where clients sign in, and they go on without.
        var access = new Client(System.getenv("OPEN_SERVER_URL")).clients.getAuthorizationClient();
        equal(access.createApplication(new CreateOrUpdateApplicationRequest().name("ci")).getId(), "ci");
        String key = access.createAccessKey("ci").getId();
        equal(access.getAccessKeys("ci").get(0).getId(), key);
        equal(access.toggleAccessKeyStatus("ci", key).getStatus().toString(), "INACTIVE");
        access.upsertGroup(new UpsertGroupRequest().description("who builds"), "build");
        access.addUserToGroup("build", "app:ci");
        equal(access.getUsersInGroup("build").get(0).getId(), "app:ci");
        var subject = new SubjectRef().type(SubjectRef.TypeEnum.GROUP).id("build");
        // This client does not know SECRET_NAME, which is what Orkes and its other clients call it.
        var target = new TargetRef().type(TargetRef.TypeEnum.WORKFLOW_DEF).id("client_flow");
        var said = new AuthorizationRequest().subject(subject).target(target);
        access.grantPermissions(said.access(List.of(AccessEnum.READ, AccessEnum.UPDATE)));
        access.removePermissions(said.access(List.of(AccessEnum.UPDATE)));
        var permissions = access.getPermissions("WORKFLOW_DEF", "client_flow");
        equal(permissions.keySet() + " " + permissions.get("READ").get(0).getId(), "[READ] build");
        var granted = access.getGrantedPermissionsForGroup("build").getGrantedAccess();
        equal(granted.get(0).getTarget() + " " + granted.get(0).getAccess(), target + " [READ]");
        access.removeUserFromGroup("build", "app:ci");
        access.deleteGroup("build");
        refused(404, () -> access.getGroup("build"));
        access.deleteApplication("ci");
        equal(access.listApplications(), List.of());
    }

    public static void main(String[] arguments) {
        Client client = new Client(System.getenv("CONDUCTOR_SERVER_URL"));
        Map<String, Act> laws = new LinkedHashMap<>();
        laws.put("secrets come back as they were put", client::secretsComeBackAsTheyWerePut);
        laws.put("tags of secrets are set and removed", client::tagsOfSecretsAreSetAndRemoved);
        laws.put("the rotation of the seed runs", client::theRotationOfTheSeedRuns);
        laws.put("definitions have versions and tags", client::definitionsHaveVersionsAndTags);
        laws.put("a worker gets its secrets and nobody sees them", client::aWorkerGetsItsSecretsAndNobodySeesThem);
        laws.put("executions are operated and found", client::executionsAreOperatedAndFound);
        laws.put("schedules are saved, held and found", client::schedulesAreSavedHeldAndFound);
        laws.put("errors are what the client reads", client::errorsAreWhatTheClientReads);
        laws.put("tokens that expire in mid-use are renewed", client::tokensThatExpireInMidUseAreRenewed);
        laws.put("who may do what is said at an open server", Client::whoMayDoWhatIsSaidAtAnOpenServer);
        int broken = 0;
        for (var law : laws.entrySet()) {
            try {
                law.getValue().run();
                System.out.println("holds: " + law.getKey());
            } catch (Throwable problem) {
                broken++;
                System.out.println("BROKEN: " + law.getKey());
                problem.printStackTrace(System.out);
            }
        }
        // The threads of a worker do not end by themselves.
        System.exit(broken == 0 ? 0 : 1);
    }
}
