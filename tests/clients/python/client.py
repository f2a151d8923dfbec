"""The published Python client, as its users call it. Ends with 0 where all of this holds."""

import hashlib
import json
import os
import time

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models import StartWorkflowRequest, TaskResult
from conductor.client.http.models.correlation_ids_search_request import CorrelationIdsSearchRequest
from conductor.client.http.models.create_or_update_application_request import CreateOrUpdateApplicationRequest
from conductor.client.http.models.save_schedule_request import SaveScheduleRequest
from conductor.client.http.models.subject_ref import SubjectRef
from conductor.client.http.models.target_ref import TargetRef, TargetType
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.upsert_group_request import UpsertGroupRequest
from conductor.client.http.models.workflow_def import WorkflowDef
from conductor.client.http.models.workflow_task import WorkflowTask
from conductor.client.http.rest import ApiException, AuthorizationException
from conductor.client.orkes.models.access_type import AccessType
from conductor.client.orkes.models.metadata_tag import MetadataTag
from conductor.client.orkes_clients import OrkesClients
from conductor.client.worker.worker_task import worker_task

VALUES = {
    "plain": "plain",
    "quotes": 'say "hi"',
    "lines": "line1\nline2\ttab",
    "json": '{"a": ["b", 1]}',
    "backslash": "back\\slash and one at the end\\",
    "unicode": "é ✓ 🔑",
}
TOKEN = "canary-worker-token-91ab"
PATIENCE_SECONDS = 60


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")


def until(look, is_there):
    """Looks until it is there; a machine may be slow."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if is_there(found):
            return found
        if time.monotonic() > end:
            raise AssertionError(f"it did not come: {found!r}")
        time.sleep(0.1)


def refused(status, call, *arguments, **named):
    """Returns the error of a call that is refused with this status."""
    try:
        got = call(*arguments, **named)
    except (ApiException, AuthorizationException) as error:
        equal(error.status, status)
        return error
    raise AssertionError(f"it is answered with {got!r} and not refused with {status}")


def pairs(tags):
    return sorted((tag.key, tag.value) if hasattr(tag, "key") else (tag["key"], tag["value"]) for tag in tags)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def secrets_come_back_as_they_were_put(clients):
    secrets = clients.get_secret_client()
    for name, value in VALUES.items():
        key = f"client_{name}"
        secrets.put_secret(key, value)
        got = secrets.get_secret(key)
        # This client parses what looks like JSON.
        equal(json.dumps(got) if isinstance(got, dict) else got, value)
    mine = {f"client_{name}" for name in VALUES}
    equal(mine <= secrets.list_all_secret_names(), True)
    equal(mine <= set(secrets.list_secrets_that_user_can_grant_access_to()), True)
    equal("ungranted" in secrets.list_all_secret_names(), False)
    equal(secrets.secret_exists("client_plain"), True)
    secrets.delete_secret("client_plain")
    equal(secrets.secret_exists("client_plain"), False)
    equal(refused(404, secrets.get_secret, "client_plain").is_not_found(), True)
    refused(404, secrets.delete_secret, "client_plain")


def tags_of_secrets_are_set_and_removed(clients):
    secrets = clients.get_secret_client()
    secrets.put_secret("client_tagged", "a-tagged-value")
    secrets.set_secret_tags([MetadataTag("team", "clients"), MetadataTag("stage", "test")], "client_tagged")
    equal(pairs(secrets.get_secret_tags("client_tagged")), [("stage", "test"), ("team", "clients")])
    secrets.delete_secret_tags([MetadataTag("stage", "test")], "client_tagged")
    equal(pairs(secrets.get_secret_tags("client_tagged")), [("team", "clients")])


def the_rotation_of_the_seed_runs(clients):
    with open(os.environ["ROTATION"]) as file:
        rotation = json.load(file)
    metadata, workflows = clients.get_metadata_client(), clients.get_workflow_client()
    metadata.register_workflow_def(rotation, overwrite=True)
    equal(metadata.get_workflow_def(rotation["name"], 1).tasks[1].type, "UPDATE_SECRET")
    run = workflows.start_workflow(StartWorkflowRequest(name=rotation["name"], version=1, correlation_id="python"))
    ended = until(lambda: workflows.get_workflow(run), lambda workflow: workflow.status != "RUNNING")
    equal(ended.status, "COMPLETED")
    token = clients.get_secret_client().get_secret("my_secret_holding_a_token")
    shown = json.dumps(ended.to_dict(), default=str)
    equal(ended.tasks[0].output_data["_secrets"], "***")
    equal(token in shown or "canary" in shown, False)


def definitions_have_versions_and_tags(clients):
    metadata = clients.get_metadata_client()
    task = WorkflowTask(name="wait", task_reference_name="wait", type="WAIT")
    for version in (1, 2):
        metadata.register_workflow_def(WorkflowDef(name="client_versions", version=version, tasks=[task]), overwrite=False)
    clash = WorkflowDef(name="client_versions", version=2, tasks=[task])
    error = refused(409, metadata.register_workflow_def, clash, overwrite=False)
    equal("client_versions" in error.message, True)
    metadata.update_workflow_def(clash)
    equal(metadata.get_workflow_def("client_versions").version, 2)
    found = [one.version for one in metadata.get_all_workflow_defs() if one.name == "client_versions"]
    equal(sorted(found), [1, 2])
    metadata.set_workflow_tags([MetadataTag("team", "clients"), MetadataTag("stage", "test")], "client_versions")
    metadata.add_workflow_tag(MetadataTag("area", "tokens"), "client_versions")
    metadata.delete_workflow_tag(MetadataTag("stage", "test"), "client_versions")
    equal(pairs(metadata.get_workflow_tags("client_versions")), [("area", "tokens"), ("team", "clients")])
    metadata.unregister_workflow_def("client_versions", 1)
    refused(404, metadata.get_workflow_def, "client_versions", 1)


@worker_task(task_definition_name="client_work", poll_interval_millis=50)
def work(task: Task) -> TaskResult:
    """Says what it got without saying it."""
    result = task.to_task_result("COMPLETED")
    result.output_data = {
        "metadata": digest(task.runtime_metadata["client_worker_token"]),
        "input": digest(task.input_data["key"]),
        "echo": task.input_data["key"],
    }
    result.log("worked with " + task.input_data["key"])
    return result


def a_worker_gets_its_secrets_and_nobody_sees_them(clients):
    metadata, workflows, tasks = clients.get_metadata_client(), clients.get_workflow_client(), clients.get_task_client()
    clients.get_secret_client().put_secret("client_worker_token", TOKEN)
    metadata.register_task_def(TaskDef(name="client_work", retry_count=0, runtime_metadata=["client_worker_token"]))
    equal(metadata.get_task_def("client_work").name, "client_work")
    task = WorkflowTask(name="client_work", task_reference_name="work", type="SIMPLE")
    task.input_parameters = {"key": "${workflow.secrets.client_worker_token}"}
    metadata.register_workflow_def(WorkflowDef(name="client_worker", version=1, tasks=[task]), overwrite=True)
    run = workflows.start_workflow_by_name("client_worker", {}, correlationId="worker")
    equal(tasks.get_queue_size_for_task("client_work"), 1)
    with TaskHandler(configuration=clients.configuration, scan_for_annotated_workers=True) as handler:
        handler.start_processes()
        ended = until(lambda: workflows.get_workflow(run), lambda workflow: workflow.status != "RUNNING")
    equal(ended.status, "COMPLETED")
    output = ended.tasks[0].output_data
    equal(output, {"metadata": digest(TOKEN), "input": digest(TOKEN), "echo": "***"})
    equal(TOKEN in json.dumps(ended.to_dict(), default=str), False)
    logs = until(lambda: tasks.get_task_logs(ended.tasks[0].task_id), bool)
    equal([line.log for line in logs], ["worked with ***"])
    equal(tasks.get_task(ended.tasks[0].task_id).status, "COMPLETED")


def executions_are_operated_and_found(clients):
    metadata, workflows, tasks = clients.get_metadata_client(), clients.get_workflow_client(), clients.get_task_client()
    task = WorkflowTask(name="wait", task_reference_name="wait", type="WAIT")
    metadata.register_workflow_def(WorkflowDef(name="client_wait", version=1, tasks=[task]), overwrite=True)
    runs = [workflows.start_workflow_by_name("client_wait", {"n": n}, correlationId=f"wait-{n}") for n in range(2)]
    workflows.pause_workflow(runs[0])
    equal(workflows.get_workflow_status(runs[0]).status, "PAUSED")
    workflows.resume_workflow(runs[0])
    workflows.update_variables(runs[0], {"colour": "blue"})
    equal(workflows.get_workflow(runs[0]).variables, {"colour": "blue"})
    until(lambda: workflows.get_workflow(runs[0]).tasks, bool)
    tasks.update_task_by_ref_name(runs[0], "wait", "COMPLETED", {"done": True})
    until(lambda: workflows.get_workflow(runs[0]).status, lambda status: status == "COMPLETED")
    workflows.terminate_workflow(runs[1], reason="enough of it")
    ended = workflows.get_workflow(runs[1])
    equal((ended.status, ended.reason_for_incompletion), ("TERMINATED", "enough of it"))
    refused(409, workflows.pause_workflow, runs[1])
    query = "workflowType = 'client_wait' AND status IN (COMPLETED,TERMINATED)"
    found = until(lambda: workflows.search(query=query), lambda page: len(page.results) == 2)
    equal({row.workflow_id for row in found.results}, set(runs))
    by_id = workflows.get_by_correlation_ids("client_wait", ["wait-0", "none"], include_completed=True)
    equal([one.workflow_id for one in by_id["wait-0"]], [runs[0]])
    batch = CorrelationIdsSearchRequest(correlation_ids=["wait-1"], workflow_names=["client_wait"])
    by_id = workflows.get_by_correlation_ids_in_batch(batch, include_completed=True)
    equal([one.workflow_id for one in by_id["wait-1"]], [runs[1]])
    workflows.restart_workflow(runs[1])
    workflows.terminate_workflow(runs[1])
    for run in runs:
        workflows.delete_workflow(run)
        refused(404, workflows.get_workflow, run)


def schedules_are_saved_held_and_found(clients):
    schedules, metadata = clients.get_scheduler_client(), clients.get_metadata_client()
    task = WorkflowTask(name="set", task_reference_name="set", type="SET_VARIABLE", input_parameters={"a": 1})
    metadata.register_workflow_def(WorkflowDef(name="client_tick", version=1, tasks=[task]), overwrite=True)
    start = StartWorkflowRequest(name="client_tick", version=1)
    request = SaveScheduleRequest(name="client_schedule", cron_expression="* * * * * *", start_workflow_request=start)
    schedules.save_schedule(request)
    saved = schedules.get_schedule("client_schedule")
    equal((saved.cron_expression, saved.start_workflow_request.name), ("* * * * * *", "client_tick"))
    equal([one.name for one in schedules.get_all_schedules("client_tick")], ["client_schedule"])
    query = "scheduleName IN (client_schedule)"
    fired = until(lambda: schedules.search_schedule_executions(query=query), lambda page: page.total_hits > 0)
    equal(fired.results[0].workflow_name, "client_tick")
    schedules.pause_schedule("client_schedule")
    equal(schedules.get_schedule("client_schedule").paused, True)
    schedules.resume_schedule("client_schedule")
    equal(schedules.get_schedule("client_schedule").paused, False)
    schedules.set_scheduler_tags([MetadataTag("team", "clients"), MetadataTag("stage", "test")], "client_schedule")
    schedules.delete_scheduler_tags([MetadataTag("stage", "test")], "client_schedule")
    equal(pairs(schedules.get_scheduler_tags("client_schedule")), [("team", "clients")])
    times = schedules.get_next_few_schedule_execution_times("0 0 12 ? * 1", limit=2)
    equal([time.gmtime(at / 1000).tm_wday for at in times], [0, 0])
    refused(400, schedules.get_next_few_schedule_execution_times, "every tuesday")
    request.cron_expression = "every tuesday"
    refused(400, schedules.save_schedule, request)
    refused(404, schedules.pause_schedule, "client_gone")
    schedules.pause_all_schedules()
    equal(schedules.get_schedule("client_schedule").paused, True)
    schedules.resume_all_schedules()
    equal(schedules.get_schedule("client_schedule").paused, False)
    schedules.requeue_all_execution_records()
    schedules.delete_schedule("client_schedule")
    refused(404, schedules.schedulerResourceApi.get_schedule, "client_schedule")


def errors_are_what_the_client_reads(clients):
    metadata, workflows, secrets = clients.get_metadata_client(), clients.get_workflow_client(), clients.get_secret_client()
    error = refused(404, workflows.start_workflow_by_name, "client_no_such", {})
    equal("client_no_such" in error.message, True)
    refused(404, workflows.get_workflow, "00000000-0000-7000-8000-000000000000")
    error = refused(400, metadata.register_workflow_def, WorkflowDef(name="client_empty", version=1, tasks=[]), overwrite=True)
    equal(json.loads(error.body)["status"], 400)
    equal(bool(json.loads(error.body)["validationErrors"]), True)
    # What is not granted is not there; what is there and not to be written is refused.
    refused(404, secrets.get_secret, "ungranted")
    equal(refused(403, secrets.put_secret, "other_name", "x-value").message.lower().count("x-value"), 0)
    equal(clients.get_authorization_client().get_user_info_from_token()["name"], "tester")


def tokens_that_expire_in_mid_use_are_renewed(_):
    aging = OrkesClients(Configuration(server_api_url=os.environ["AGING_SERVER_URL"]))
    secrets = aging.get_secret_client()
    for n in range(6):
        secrets.put_secret("client_renewed", f'value "{n}"')
        equal(secrets.get_secret("client_renewed"), f'value "{n}"')


def who_may_do_what_is_said_at_an_open_server(_):
    # It answers 404 where clients sign in, and they go on without.
    access = OrkesClients(Configuration(server_api_url=os.environ["OPEN_SERVER_URL"])).get_authorization_client()
    application = access.create_application(CreateOrUpdateApplicationRequest("ci"))
    equal((application.id, application.name), ("ci", "ci"))
    key = access.create_access_key("ci")
    equal([one.id for one in access.get_access_keys("ci")], [key.id])
    equal(access.toggle_access_key_status("ci", key.id).status, "INACTIVE")
    access.upsert_group(UpsertGroupRequest(description="who builds"), "build")
    access.add_user_to_group("build", "app:ci")
    equal([one.id for one in access.get_users_in_group("build")], ["app:ci"])
    group, target = SubjectRef("GROUP", "build"), TargetRef(TargetType.SECRET_NAME, "client_key")
    access.grant_permissions(group, target, [AccessType.READ, AccessType.UPDATE])
    access.remove_permissions(group, target, [AccessType.UPDATE])
    permissions = access.get_permissions(target)
    equal({name: [one.id for one in subjects] for name, subjects in permissions.items()}, {"READ": ["build"]})
    granted = access.get_granted_permissions_for_group("build")
    equal([(one.target.id, list(one.access)) for one in granted], [("client_key", ["READ"])])
    access.remove_user_from_group("build", "app:ci")
    access.delete_group("build")
    refused(404, access.get_group, "build")
    access.delete_application("ci")
    refused(404, access.get_application, "ci")


LAWS = [
    secrets_come_back_as_they_were_put,
    tags_of_secrets_are_set_and_removed,
    the_rotation_of_the_seed_runs,
    definitions_have_versions_and_tags,
    a_worker_gets_its_secrets_and_nobody_sees_them,
    executions_are_operated_and_found,
    schedules_are_saved_held_and_found,
    errors_are_what_the_client_reads,
    tokens_that_expire_in_mid_use_are_renewed,
    who_may_do_what_is_said_at_an_open_server,
]


def main():
    import traceback

    clients = OrkesClients(Configuration())
    broken = 0
    for law in LAWS:
        try:
            law(clients)
            print("holds:", law.__name__.replace("_", " "), flush=True)
        except Exception:
            broken += 1
            print("BROKEN:", law.__name__.replace("_", " "), flush=True)
            traceback.print_exc()
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
