//! The REST API over a real daemon: one folder, one store, one journal a test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

#[path = "api/audit.rs"]
mod audit;
#[path = "api/beside.rs"]
mod beside;
#[path = "api/canaries.rs"]
mod canaries;
#[path = "api/certificate.rs"]
mod certificate;
#[path = "api/contract.rs"]
mod contract;
#[path = "api/correlated.rs"]
mod correlated;
#[path = "api/doors.rs"]
mod doors;
#[path = "api/environment.rs"]
mod environment;
#[path = "api/executions.rs"]
mod executions;
#[path = "api/families.rs"]
mod families;
#[path = "api/filed.rs"]
mod filed;
#[path = "suite/forms.rs"]
mod forms;
#[path = "api/grants.rs"]
mod grants;
#[path = "api/hidden.rs"]
mod hidden;
#[path = "api/leaks.rs"]
mod leaks;
#[path = "api/live.rs"]
mod live;
#[path = "api/malformed.rs"]
mod malformed;
#[path = "api/matrix.rs"]
mod matrix;
#[path = "api/metadata.rs"]
mod metadata;
#[path = "api/metrics.rs"]
mod metrics;
#[path = "api/openapi.rs"]
mod openapi;
#[path = "api/port.rs"]
mod port;
#[path = "api/rights.rs"]
mod rights;
#[path = "api/rights_files.rs"]
mod rights_files;
#[path = "api/rights_kept.rs"]
mod rights_kept;
#[path = "api/rights_lent.rs"]
mod rights_lent;
#[path = "api/scheduler.rs"]
mod scheduler;
#[path = "api/search.rs"]
mod search;
#[path = "api/secrets.rs"]
mod secrets;
#[path = "api/server.rs"]
mod server;
#[path = "api/signing_in.rs"]
mod signing_in;
#[path = "api/slow.rs"]
mod slow;
#[path = "api/synchronous.rs"]
mod synchronous;
#[path = "api/tags.rs"]
mod tags;
#[path = "api/tls.rs"]
mod tls;
#[path = "api/trials.rs"]
mod trials;
#[path = "api/workers.rs"]
mod workers;
