//! The `${…}` dialect: Conductor's references, resolved over a workflow's data, with secrets that stay references.
//!
//! A text that is one reference becomes its value; inside a text it becomes Java's text of it; `$${…}` is a literal `${…}`.
//! The path between the braces is Jayway's `JsonPath`. Differences from Conductor, all on purpose: a bare name is never read
//! from the process environment, and text that came from outside or was escaped never becomes a reference to a secret (the
//! *stored form*, see [`inert`], [`shown`] and [`hand_off`]).
//!
//! **Architecture Invariant:** pure; every limit is a named constant, so that no expression hangs, exhausts the stack or
//! fills the memory, and hitting one is an error ([`LimitHit`]), never a silent `null`; no error or `Debug` here holds a
//! value.

mod copy;
mod java;
mod limit;
mod lookup;
mod path;
mod resolve;
mod stored;
mod text;

#[cfg(test)]
mod tests;

pub use java::text as java_text;
pub use limit::{Limit, LimitHit};
pub use lookup::{DocumentLookup, Lookup};
pub use resolve::{resolve, resolve_text};
pub use stored::{
    SecretReference, SecretVersion, environment_in_template, hand_off, inert, references, references_in_template,
    shown, template_of,
};
pub use text::{Reference, parse};
