//! References to stored secrets become values, at the last moment and where the owner may read them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::{Policy, Principal, Target, TargetKind};
use crate::secret::{Snapshot, Version};
use crate::words::{Owner, Permission, Sensitive};
use crate::workflow::expressions::{self, Limit, SecretReference, SecretVersion};

/// An input with its secrets in it. No `Debug`.
pub struct Handed {
    /// The input.
    pub input: Value,
    /// The values of the secrets in it that views must hide.
    pub resolved: Vec<Sensitive>,
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
    /// The path into it hits a limit.
    #[error("the path into secret \"{secret}\" cannot be evaluated: {limit}")]
    Limit {
        /// The secret.
        secret: String,
        /// What was hit.
        limit: Limit,
    },
}

/// Returns a stored input with the values of its secrets.
pub fn hand_off(
    input: &Value,
    owner: &Owner,
    workflow: &str,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Result<Handed, NotAvailable> {
    let mut resolved = Vec::new();
    let input = expressions::hand_off(input, &mut |reference| {
        let value = permitted(reference, owner, workflow, snapshot, policy);
        let value = value
            .ok_or_else(|| NotAvailable::Missing { secret: reference.name.clone(), workflow: workflow.to_owned() })?;
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

fn permitted(
    reference: &SecretReference,
    owner: &Owner,
    workflow: &str,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Option<Sensitive> {
    let none = BTreeMap::new();
    let tags = snapshot.tags(&reference.name).unwrap_or(&none);
    let principal = Principal { owner, workflow: Some(workflow) };
    let target = Target { kind: TargetKind::Secret, name: &reference.name, tags };
    let version = match reference.version {
        None | Some(SecretVersion::Current) => Version::Current,
        Some(SecretVersion::Previous) => Version::Previous,
        Some(SecretVersion::Number(number)) => Version::Number(u32::try_from(number).ok()?),
    };
    let is_allowed = policy.allows(principal, Permission::Read, &target);
    snapshot.get(&reference.name, version).filter(|_| is_allowed)
}

fn leaf(value: &Value) -> Option<Sensitive> {
    value.as_str().map(Sensitive::new)
}
