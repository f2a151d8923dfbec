use std::borrow::Cow;

use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::Known;
use crate::engine::{Execution, Input, Operation, Response, Run};
use crate::journal::{Action, Entry, Object, RunOf};
use crate::secret::{Allow, Change, Evaluation, Version, Write, Writer, Written, text_to_store};
use crate::words::{ExecutionId, Owner, Permission};
use crate::workflow::expressions::{DocumentLookup, LimitHit, resolve_text, shown};
use crate::workflow::flow::secrets_written;

impl Handle {
    /// Stores a value of a run's raw response that no task could store, and then stops naming the run as a problem.
    pub async fn rescue(
        &self,
        who: &Owner,
        execution: ExecutionId,
        path: &str,
        secret: &str,
        allow: Allow,
    ) -> Result<Written, Error> {
        self.permit_on(who, execution).await?;
        let exists = self.0.store.snapshot().contains(secret);
        self.permit_write(who, TargetKind::Secret, secret, exists)?;
        let Known::Whole(known) = self.read(who, execution).await? else {
            return Err(Error::Conflict(format!("workflow {execution} is archived: what it fetched is gone")));
        };
        let fetched: Vec<Fetched<'_>> = known.runs.iter().filter_map(Fetched::by).collect();
        if !fetched.is_empty() {
            // Before anything is said of what it is like.
            self.permit_rescue(who, &known, secret)?;
        }
        let found = fetched.iter().rev().map(|fetched| fetched.at_path(path));
        let found = found.into_iter().find(|found| *found != Ok(Value::Null));
        let value = found.transpose().map_err(|hit| Error::invalid(hit.to_string()))?;
        let last = fetched.last().map(Fetched::body);
        let value = value.ok_or_else(|| not_found(execution, path, last))?;
        let text = text_to_store(&value, Evaluation::Resolved, allow)
            .map_err(|refusal| Error::invalid(format!("the value for `{secret}` is refused: {refusal}")))?;
        let write = Write { name: secret.to_owned(), value: text, expires: None, plain: false };
        // The path is part of it: a second rescue from another place is another write, not the same one again.
        let reference = Some(format!("rescue {path}"));
        let writer = Writer { run: Some(execution.to_string()), reference, ..Writer::person(&who.to_string()) };
        let snapshot = self.0.store.snapshot();
        let entry = Entry {
            old: snapshot.get(secret, Version::Current).map(|value| snapshot.fingerprint(&value)),
            new: Some(snapshot.fingerprint(&write.value)),
            ..self.entry(who, Action::Rescue, Object::secret(secret)).about(RunOf::id(execution))
        };
        let handle = self.clone();
        self.to_the_end(async move {
            let written = handle.change_all(vec![entry], vec![Change::Put { writes: vec![write], writer }]).await?;
            handle.step_on(execution, Input::Operation(Operation::Dismiss)).await?;
            Ok(written)
        })
        .await
    }

    /// To store what a run fetched is to hand it on to whoever may read the secret. So an application puts it only where the
    /// definition does, and only where it may read all that the run fetches for.
    fn permit_rescue(&self, who: &Owner, known: &Execution, secret: &str) -> Result<(), Error> {
        let written = secrets_written(&known.plan.pinned.workflow.tasks);
        let may_read = |name: &String| self.may(who, Permission::Read, TargetKind::Secret, name);
        if *who == Owner::Local || written.iter().any(|name| name == secret) && written.iter().all(may_read) {
            return Ok(());
        }
        self.denied(who, Permission::Update, TargetKind::Secret, secret);
        let advice = "it may where the workflow writes that secret, and it may READ all that the workflow writes";
        Err(Error::Denied(format!("{who} may not rescue this run into `{secret}`: {advice}")))
    }

    /// Stops naming what a run fetched and could not store as a problem.
    pub async fn dismiss(&self, who: &Owner, execution: ExecutionId) -> Result<(), Error> {
        self.operate(who, execution, Operation::Dismiss).await
    }
}

/// What a run brought.
enum Fetched<'a> {
    /// By its own call.
    Response(&'a Response),
    /// By a sub-workflow: what that gave is all that is here.
    Output(Cow<'a, Value>),
}

impl<'a> Fetched<'a> {
    fn by(run: &'a Run) -> Option<Self> {
        match (&run.response, run.child) {
            (Some(response), _) => Some(Self::Response(response)),
            (None, Some(_)) => Some(Self::Output(shown(run.output.expose()))),
            (None, None) => None,
        }
    }

    fn body(&self) -> &Value {
        match self {
            Self::Response(response) => response.body.expose(),
            Self::Output(output) => output,
        }
    }

    /// Returns what is at a path of the body; `$` is all of it, a text or a number exactly as it was received.
    fn at_path(&self, path: &str) -> Result<Value, LimitHit> {
        match (path, self) {
            ("$" | "." | "", Self::Response(response))
                if matches!(self.body(), Value::String(_) | Value::Number(_)) =>
            {
                Ok(response.text().map_or_else(|| self.body().clone(), Value::from))
            }
            ("$" | "." | "", _) => Ok(self.body().clone()),
            (path, _) => resolve_text(&format!("${{{path}}}"), &DocumentLookup(self.body())),
        }
    }
}

/// Names the keys that are there, never their values.
fn not_found(execution: ExecutionId, path: &str, body: Option<&Value>) -> Error {
    let Some(body) = body else {
        return Error::NotFound(format!("workflow {execution} fetched nothing that could be rescued"));
    };
    let keys = body.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>().join(", "));
    Error::NotFound(match keys {
        Some(keys) => format!("there is nothing at `{path}` in the response; it has the keys: {keys}"),
        None => format!("there is nothing at `{path}` in the response"),
    })
}
