/// Settings that change nothing: every default, as a comment.
pub(super) const SETTINGS: &str = r#"#:schema ./.schemas/config.schema.json
# Settings of keytide. All are optional; these are the defaults. `keytide config show` says what holds.

[folders]
# workflows = "workflows"
# secrets = "secrets"
# state = ".keytide"

[environment]                  # ${workflow.env.NAME}; KEYTIDE_ENV_NAME overrides
# issuer = "https://issuer.example"

[secrets]
# versions = 5                 # kept per secret
# store_retry = "72h"          # how long an UPDATE_SECRET tries a store that is in trouble

[history]
# retry_window = "24h"         # a finished run can be retried this long, then its secrets are forgotten
# keep = "30d"

[audit]
# keep = "forever"             # or a duration; `keytide audit --verify` still holds then

[schedules]
# overlap = "skip"             # skip | allow
# dst = "once"                 # once | spring
# start = true                 # false: nothing fires by itself

[http]
# timeout = "30s"
# body_max = "10MiB"
# deny = ["link-local", "self"]  # also "loopback", "private", "all"
# allow = []
# proxy = ""
# ca_file = ""
# traceparent = false          # true: calls say to which trace they belong

[server]
# listen = "127.0.0.1:8321"
# open = false                 # true: no sign-in, loopback only
# tls_cert = ""                # PEM files, read again when they change; other than loopback needs them
# tls_key = ""
# open_metrics = false         # true: whoever reaches the port reads /metrics, names included
# metrics_secret_names = false # true: a series for each secret, by its name

[access]
# workflows = "open"           # granted: only what a grant says
"#;

/// Returns the files of the example, each with its schema for editors where there is a way up to the project folder.
pub(super) fn examples(way_up: Option<&str>) -> [(&'static str, String); 2] {
    let line = |kind, way| format!("# yaml-language-server: $schema={way}.schemas/{kind}.schema.json\n");
    let whole = |kind, text| way_up.map(|way| line(kind, way)).unwrap_or_default() + text;
    [("rotate.yaml", whole("workflow", EXAMPLE)), ("rotate.test.yaml", whole("test", EXAMPLE_TEST))]
}

/// A rotation of two tasks that waits for its first secrets, and for a schedule.
const EXAMPLE: &str = r#"# A rotation is two tasks: fetch a token, keep it.
#   keytide secret set appKeyId
#   keytide secret set appKeySecret
#   keytide run rotate
name: rotate
description: Fetches a new token and keeps it as a secret
version: 1
schemaVersion: 2
timeoutPolicy: TIME_OUT_WF
timeoutSeconds: 600
# Take the comment signs away to run it twice an hour (six fields, seconds first, as in Conductor).
# schedules:
#   - cronExpression: "0 0/30 * * * *"
#     zoneId: UTC
tasks:
  - name: retrieve_token
    taskReferenceName: retrieve_token
    type: HTTP
    inputParameters:
      uri: https://issuer.example/api/token
      method: POST
      accept: application/json
      contentType: application/json
      connectionTimeOut: 3000
      readTimeOut: 10000
      body:
        keyId: "${workflow.secrets.appKeyId}"
        keySecret: "${workflow.secrets.appKeySecret}"
      # Everything but the token is dropped, and the token is hidden in every view.
      outputFilter:
        _secrets:
          token: "$${retrieve_token.output.response.body.token}"
  - name: update_secret_task
    taskReferenceName: update_secret_task_ref
    type: UPDATE_SECRET
    inputParameters:
      _secrets:
        secretKey: my_secret_holding_a_token
        secretValue: "${retrieve_token.output._secrets.token}"
"#;

/// A test of it.
const EXAMPLE_TEST: &str = r#"# `keytide test` plays the workflow through: no network, no store, a clock that jumps. `--crash` also kills it at each step.
name: rotate
secrets:                         # what the store would hold
  appKeyId: an-id
  appKeySecret: a-key
taskRefToMockOutput:             # what the world would say, attempt by attempt
  retrieve_token:
    - output:
        response:
          statusCode: 200
          body:
            token: a-new-token
expect:
  status: COMPLETED
  tasks:
    - retrieve_token: COMPLETED
    - update_secret_task_ref: COMPLETED
  calls:
    - method: POST
      body:
        keyId: "${workflow.secrets.appKeyId}"
        keySecret: "${workflow.secrets.appKeySecret}"
  secretsWritten:
    my_secret_holding_a_token: a-new-token
"#;

/// What git must not keep: the state, and lock files.
pub(super) const IGNORED: [&str; 2] = [".keytide/", ".*.age.lock"];
