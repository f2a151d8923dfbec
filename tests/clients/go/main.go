// The published Go client, as its users call it. Ends with 0 where all of this holds.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/antihax/optional"
	"github.com/conductor-sdk/conductor-go/sdk/client"
	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/conductor-sdk/conductor-go/sdk/settings"
	"github.com/conductor-sdk/conductor-go/sdk/worker"
	"github.com/conductor-sdk/conductor-go/sdk/workflow/executor"
)

const (
	token    = "canary-worker-token-91ab"
	patience = time.Minute
)

var (
	values = map[string]string{
		"plain":     "plain",
		"quotes":    `say "hi"`,
		"quoted":    `"all of it"`,
		"lines":     "line1\nline2\ttab",
		"json":      `{"a": ["b", 1]}`,
		"backslash": `back\slash and one at the end\`,
		"unicode":   "é ✓ 🔑",
	}
	ctx  = context.Background()
	wait = model.WorkflowTask{Name: "wait", TaskReferenceName: "wait", Type_: "WAIT"}
)

// clients is what a law calls.
type clients struct {
	api       *client.APIClient
	secrets   client.SecretsClient
	metadata  client.MetadataClient
	scheduler client.SchedulerClient
	workflows *executor.WorkflowExecutor
	tasks     client.TaskClient
}

func newClients(api *client.APIClient) clients {
	return clients{
		api, client.NewSecretsClient(api), client.NewMetadataClient(api), client.NewSchedulerClient(api),
		executor.NewWorkflowExecutor(api), client.NewTaskClient(api),
	}
}

// broken is what a law that does not hold panics with.
type broken struct{ reason string }

func equal(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		panic(broken{fmt.Sprintf("%#v is not %#v", got, wanted)})
	}
}

func must(err error) {
	if err != nil {
		panic(broken{err.Error()})
	}
}

func got[T any](value T, err error) T {
	must(err)
	return value
}

func got3[T, R any](value T, _ R, err error) T {
	return got(value, err)
}

// refused holds that a call is refused with a status, and returns its body.
func refused(status int, err error) string {
	var refusal client.GenericSwaggerError
	if !errors.As(err, &refusal) {
		panic(broken{fmt.Sprintf("it is not refused with %d: %v", status, err)})
	}
	equal(refusal.StatusCode(), status)
	return string(refusal.Body())
}

func second[T any](_ T, err error) error        { return err }
func third[T, R any](_ T, _ R, err error) error { return err }

// until looks until it is there; a machine may be slow.
func until[T any](look func() T, isThere func(T) bool) T {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		found := look()
		if isThere(found) {
			return found
		}
		if time.Now().After(end) {
			panic(broken{fmt.Sprintf("it did not come: %#v", found)})
		}
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}

func pairs(tags []model.Tag) []string {
	list := []string{}
	for _, tag := range tags {
		list = append(list, tag.Key+"="+tag.Value)
	}
	sort.Strings(list)
	return list
}

func shown(value any) string {
	return string(got(json.Marshal(value)))
}

func (c clients) register(name string, task model.WorkflowTask, version int32) error {
	def := model.WorkflowDef{Name: name, Version: version, SchemaVersion: 2, Tasks: []model.WorkflowTask{task}}
	return c.workflows.RegisterWorkflow(false, &def)
}

func secretsComeBackAsTheyWerePut(c clients) {
	for name, value := range values {
		must(third(c.secrets.PutSecret(ctx, value, "client_"+name)))
		equal(got3(c.secrets.GetSecret(ctx, "client_"+name)), value)
	}
	names := got3(c.secrets.ListAllSecretNames(ctx))
	for name := range values {
		equal(contains(names, "client_"+name), true)
	}
	equal(contains(names, "ungranted"), false)
	equal(contains(got3(c.secrets.ListSecretsThatUserCanGrantAccessTo(ctx)), "client_plain"), true)
	equal(got3(c.secrets.SecretExists(ctx, "client_plain")), any(true))
	must(third(c.secrets.DeleteSecret(ctx, "client_plain")))
	equal(got3(c.secrets.SecretExists(ctx, "client_plain")), any(false))
	refused(404, third(c.secrets.GetSecret(ctx, "client_plain")))
	refused(404, third(c.secrets.DeleteSecret(ctx, "client_plain")))
	got3(c.secrets.ClearLocalCache(ctx))
	got3(c.secrets.ClearRedisCache(ctx))
}

func tagsOfSecretsAreSetAndRemoved(c clients) {
	must(third(c.secrets.PutSecret(ctx, "a-tagged-value", "client_tagged")))
	must(second(c.secrets.PutTagForSecret(ctx, []model.Tag{{Key: "team", Value: "clients"}, {Key: "stage", Value: "test"}}, "client_tagged")))
	must(second(c.secrets.DeleteTagForSecret(ctx, []model.Tag{{Key: "stage", Value: "test"}}, "client_tagged")))
	equal(pairs(got3(c.secrets.GetTags(ctx, "client_tagged"))), []string{"team=clients"})
	for _, secret := range got3(c.secrets.ListSecretsWithTagsThatUserCanGrantAccessTo(ctx)) {
		if secret.Name == "client_tagged" {
			equal(pairs(secret.Tags), []string{"team=clients"})
			return
		}
	}
	panic(broken{"client_tagged is not in the list with tags"})
}

func theRotationOfTheSeedRuns(c clients) {
	var rotation model.WorkflowDef
	must(json.Unmarshal(got(os.ReadFile(os.Getenv("ROTATION"))), &rotation))
	must(c.workflows.RegisterWorkflow(true, &rotation))
	equal(got3(c.metadata.Get(ctx, rotation.Name, nil)).Tasks[1].Type_, "UPDATE_SECRET")
	run := got(c.workflows.StartWorkflow(&model.StartWorkflowRequest{Name: rotation.Name, Version: 1, CorrelationId: "go"}))
	ended := c.ended(run)
	equal(ended.Status, model.CompletedWorkflow)
	stored := got3(c.secrets.GetSecret(ctx, "my_secret_holding_a_token"))
	equal(ended.Tasks[0].OutputData["_secrets"], any("***"))
	equal(strings.Contains(shown(ended), stored) || strings.Contains(shown(ended), "canary"), false)
	again := got(c.workflows.ExecuteWorkflow(&model.StartWorkflowRequest{Name: rotation.Name, Version: 1}, ""))
	equal(string(again.Status), "COMPLETED")
	equal(got3(c.secrets.GetSecret(ctx, "my_secret_holding_a_token")) == stored, false)
}

func (c clients) ended(run string) *model.Workflow {
	return until(
		func() *model.Workflow { return got(c.workflows.GetWorkflow(run, true)) },
		func(workflow *model.Workflow) bool { return workflow.Status != model.RunningWorkflow },
	)
}

func definitionsHaveVersionsAndTags(c clients) {
	for _, version := range []int32{1, 2} {
		must(c.register("client_versions", wait, version))
	}
	equal(strings.Contains(refused(409, c.register("client_versions", wait, 2)), "already exists"), true)
	equal(got3(c.metadata.Get(ctx, "client_versions", nil)).Version, int32(2))
	must(c.workflows.AddWorkflowTags("client_versions", map[string]string{"team": "clients", "stage": "test"}))
	must(c.workflows.DeleteWorkflowTags("client_versions", map[string]string{"stage": "test"}))
	equal(got(c.workflows.GetWorkflowTags("client_versions")), map[string]string{"team": "clients"})
	must(c.workflows.UpdateWorkflowTags("client_versions", map[string]string{"area": "tokens"}))
	equal(got(c.metadata.GetTagsForWorkflowDef(ctx, "client_versions")), []model.MetadataTag{{Key: "area", Value: "tokens"}})
	def := model.WorkflowDef{Name: "client_versions", Version: 2, SchemaVersion: 2, Tasks: []model.WorkflowTask{wait}}
	must(second(c.metadata.RegisterWorkflowDefWithTags(ctx, true, def, []model.MetadataTag{{Key: "team", Value: "clients"}})))
	equal(got(c.metadata.GetTagsForWorkflowDef(ctx, "client_versions")), []model.MetadataTag{{Key: "team", Value: "clients"}})
	must(second(c.metadata.RegisterTaskDefWithTags(ctx, model.TaskDef{Name: "client_tool"}, []model.MetadataTag{{Key: "a", Value: "b"}})))
	equal(got(c.metadata.GetTagsForTaskDef(ctx, "client_tool")), []model.MetadataTag{{Key: "a", Value: "b"}})
	must(second(c.metadata.UnregisterTaskDef(ctx, "client_tool")))
	refused(404, third(c.metadata.GetTaskDef(ctx, "client_tool")))
	must(c.workflows.UnRegisterWorkflow("client_versions", 1))
	first := &client.MetadataResourceApiGetOpts{Version: optional.NewInt32(1)}
	refused(404, third(c.metadata.Get(ctx, "client_versions", first)))
}

// This client has no runtimeMetadata, neither in task definitions nor in tasks: its workers get secrets as input.
func aWorkerGetsItsSecretsAndNobodySeesThem(c clients) {
	must(third(c.secrets.PutSecret(ctx, token, "client_worker_token")))
	must(second(c.metadata.RegisterTaskDef(ctx, []model.TaskDef{{Name: "client_work"}})))
	task := model.WorkflowTask{Name: "client_work", TaskReferenceName: "work", Type_: "SIMPLE"}
	task.InputParameters = map[string]any{"key": "${workflow.secrets.client_worker_token}"}
	must(c.register("client_worker", task, 1))
	run := got(c.workflows.StartWorkflow(&model.StartWorkflowRequest{Name: "client_worker", Version: 1}))
	sizes := got3(c.tasks.Size(ctx, &client.TaskResourceApiSizeOpts{TaskType: optional.NewInterface([]string{"client_work"})}))
	equal(sizes, map[string]int32{"client_work": 1})
	runner := worker.NewTaskRunnerWithApiClient(c.api)
	work := func(task *model.Task) (any, error) {
		key := task.InputData["key"].(string)
		result := model.NewTaskResultFromTask(task)
		result.Status = model.CompletedTask
		result.OutputData = map[string]any{"input": digest(key), "echo": key}
		result.Logs = []model.TaskExecLog{{Log: "worked with " + key, TaskId: task.TaskId}}
		return result, nil
	}
	must(runner.StartWorker("client_work", work, 1, 50*time.Millisecond))
	ended := c.ended(run)
	runner.Shutdown("client_work")
	equal(ended.Status, model.CompletedWorkflow)
	equal(ended.Tasks[0].OutputData, map[string]any{"input": digest(token), "echo": "***"})
	equal(strings.Contains(shown(ended), token), false)
	id := ended.Tasks[0].TaskId
	logs := func() []model.TaskExecLog { return got3(c.tasks.GetTaskLogs(ctx, id)) }
	lines := until(logs, func(lines []model.TaskExecLog) bool { return len(lines) == 1 })
	equal(lines[0].Log, "worked with ***")
	must(second(c.tasks.Log(ctx, "another line", id)))
	equal(logs()[1].Log, "another line")
	equal(got3(c.tasks.GetTask(ctx, id)).Status, model.CompletedTask)
}

func executionsAreOperatedAndFound(c clients) {
	must(c.register("client_wait", wait, 1))
	runs := []string{}
	for n := 0; n < 2; n++ {
		request := model.StartWorkflowRequest{Name: "client_wait", Version: 1, CorrelationId: fmt.Sprintf("wait-%d", n)}
		runs = append(runs, got(c.workflows.StartWorkflow(&request)))
	}
	must(c.workflows.Pause(runs[0]))
	equal(string(got(c.workflows.GetWorkflowStatus(runs[0], true, true)).Status), "PAUSED")
	must(c.workflows.Resume(runs[0]))
	until(func() int { return len(got(c.workflows.GetWorkflow(runs[0], true)).Tasks) }, func(tasks int) bool { return tasks == 1 })
	must(c.workflows.UpdateTaskByRefName("wait", runs[0], model.CompletedTask, map[string]any{"done": true}))
	equal(c.ended(runs[0]).Status, model.CompletedWorkflow)
	must(c.workflows.Terminate(runs[1], "enough of it"))
	ended := got(c.workflows.GetWorkflow(runs[1], false))
	equal([]string{string(ended.Status), ended.ReasonForIncompletion}, []string{"TERMINATED", "enough of it"})
	refused(409, c.workflows.Pause(runs[1]))
	query := "workflowType = 'client_wait' AND status IN (COMPLETED,TERMINATED)"
	find := func() []model.WorkflowSummary { return got(c.workflows.Search(0, 10, query, "*")) }
	until(find, func(found []model.WorkflowSummary) bool { return len(found) == 2 })
	byId := got(c.workflows.GetByCorrelationIds("client_wait", true, true, "wait-0", "none"))
	equal([]string{byId["wait-0"][0].WorkflowId, fmt.Sprint(len(byId["none"]))}, []string{runs[0], "0"})
	byId = got(c.workflows.GetByCorrelationIdsAndNames(true, false, []string{"wait-1"}, []string{"client_wait"}))
	equal(byId["wait-1"][0].WorkflowId, runs[1])
	must(c.workflows.Restart(runs[1], false))
	must(c.workflows.Terminate(runs[1], "enough of it again"))
	for _, run := range runs {
		must(c.workflows.RemoveWorkflow(run))
		refused(404, third(client.NewWorkflowClient(c.api).GetExecutionStatus(ctx, run, nil)))
	}
}

func schedulesAreSavedHeldAndFound(c clients) {
	set := model.WorkflowTask{Name: "set", TaskReferenceName: "set", Type_: "SET_VARIABLE", InputParameters: map[string]any{"a": 1}}
	must(c.register("client_tick", set, 1))
	request := model.SaveScheduleRequest{
		Name: "client_schedule", CronExpression: "* * * * * *",
		StartWorkflowRequest: &model.StartWorkflowRequest{Name: "client_tick", Version: 1},
	}
	must(third(c.scheduler.SaveSchedule(ctx, request)))
	saved := func() model.WorkflowSchedule { return got3(c.scheduler.GetSchedule(ctx, "client_schedule")) }
	equal(saved().StartWorkflowRequest.Name, "client_tick")
	of := &client.SchedulerResourceApiGetAllSchedulesOpts{WorkflowName: optional.NewString("client_tick")}
	equal(got3(c.scheduler.GetAllSchedules(ctx, of))[0].Name, "client_schedule")
	search := &client.SchedulerSearchOpts{Query: optional.NewString("scheduleName IN (client_schedule)")}
	find := func() model.SearchResultWorkflowSchedule { return got3(c.scheduler.SearchV2(ctx, search)) }
	fired := until(find, func(page model.SearchResultWorkflowSchedule) bool { return page.TotalHits > 0 })
	equal(fired.Results[0].WorkflowName, "client_tick")
	must(third(c.scheduler.PauseSchedule(ctx, "client_schedule")))
	equal(saved().Paused, true)
	must(third(c.scheduler.ResumeSchedule(ctx, "client_schedule")))
	equal(saved().Paused, false)
	must(second(c.scheduler.PutTagForSchedule(ctx, []model.Tag{{Key: "team", Value: "clients"}, {Key: "stage", Value: "test"}}, "client_schedule")))
	must(second(c.scheduler.DeleteTagForSchedule(ctx, []model.Tag{{Key: "stage", Value: "test"}}, "client_schedule")))
	equal(pairs(got3(c.scheduler.GetTagsForSchedule(ctx, "client_schedule"))), []string{"team=clients"})
	equal(pairs(saved().Tags), []string{"team=clients"})
	two := &client.SchedulerResourceApiGetNextFewSchedulesOpts{Limit: optional.NewInt32(2)}
	for _, at := range got3(c.scheduler.GetNextFewSchedules(ctx, "0 0 12 ? * 1", two)) {
		equal(time.UnixMilli(at).UTC().Weekday(), time.Monday)
	}
	refused(400, third(c.scheduler.GetNextFewSchedules(ctx, "every tuesday", nil)))
	request.CronExpression = "every tuesday"
	refused(400, third(c.scheduler.SaveSchedule(ctx, request)))
	refused(404, third(c.scheduler.PauseSchedule(ctx, "client_gone")))
	got3(c.scheduler.PauseAllSchedules(ctx))
	equal(saved().Paused, true)
	got3(c.scheduler.ResumeAllSchedules(ctx))
	equal(saved().Paused, false)
	got3(c.scheduler.RequeueAllExecutionRecords(ctx))
	must(third(c.scheduler.DeleteSchedule(ctx, "client_schedule")))
	refused(404, third(c.scheduler.GetSchedule(ctx, "client_schedule")))
}

func errorsAreWhatTheClientReads(c clients) {
	_, err := c.workflows.StartWorkflow(&model.StartWorkflowRequest{Name: "client_no_such", Version: 1})
	equal(strings.Contains(refused(404, err), "client_no_such"), true)
	// An empty list is null in the body of this client.
	empty := model.WorkflowDef{Name: "client_empty", Version: 1, SchemaVersion: 2}
	equal(strings.Contains(refused(400, c.workflows.RegisterWorkflow(true, &empty)), "validationErrors"), true)
	// What is not granted is not there; what is not to be written is refused.
	refused(404, third(c.secrets.GetSecret(ctx, "ungranted")))
	equal(strings.Contains(refused(403, third(c.secrets.PutSecret(ctx, "x-value", "other_name"))), "x-value"), false)
	environment := client.NewEnvironmentClient(c.api)
	equal(got3(environment.Get(ctx, "client_stage")), "testing")
	equal(got3(environment.GetAll(ctx)), []model.EnvironmentVariable{{Name: "client_stage", Value: "testing"}})
}

// This client does not sign in again before its own time is over: it must hear why, and a new one goes on.
func tokensThatExpireInMidUseAreNamed(clients) {
	signedIn := func() client.SecretsClient {
		return client.NewSecretsClient(client.NewAPIClientFromEnv(settings.WithServerURL(os.Getenv("AGING_SERVER_URL"))))
	}
	secrets := signedIn()
	var err error
	for n := 0; err == nil && n < 10; n++ {
		_, _, err = secrets.PutSecret(ctx, fmt.Sprintf("value \"%d\"", n), "client_renewed")
	}
	equal(strings.Contains(refused(401, err), "EXPIRED_TOKEN"), true)
	must(third(signedIn().PutSecret(ctx, `value "new"`, "client_renewed")))
}

func main() {
	laws := []struct {
		name string
		law  func(clients)
	}{
		{"secrets come back as they were put", secretsComeBackAsTheyWerePut},
		{"tags of secrets are set and removed", tagsOfSecretsAreSetAndRemoved},
		{"the rotation of the seed runs", theRotationOfTheSeedRuns},
		{"definitions have versions and tags", definitionsHaveVersionsAndTags},
		{"a worker gets its secrets and nobody sees them", aWorkerGetsItsSecretsAndNobodySeesThem},
		{"executions are operated and found", executionsAreOperatedAndFound},
		{"schedules are saved, held and found", schedulesAreSavedHeldAndFound},
		{"errors are what the client reads", errorsAreWhatTheClientReads},
		{"tokens that expire in mid-use are named", tokensThatExpireInMidUseAreNamed},
	}
	c := newClients(client.NewAPIClientFromEnv())
	failed := 0
	for _, one := range laws {
		if err := holds(one.law, c); err != nil {
			failed++
			fmt.Printf("BROKEN: %s\n%s\n", one.name, err)
		} else {
			fmt.Println("holds:", one.name)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func holds(law func(clients), c clients) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
	}()
	law(c)
	return nil
}
