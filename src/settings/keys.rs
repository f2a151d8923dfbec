//! The table of the plain settings: how each is read, shown and explained.

use std::time::Duration;

use toml::de::DeValue;

use super::value::{
    allowed, any_text, choice, denied, duration, forever_or, list, number, proxy, show_duration, show_list, show_size,
    show_text, size, text, unless_empty,
};
use super::{Allowed, Denied, Proxy, Settings};

/// Ten years: longer is a slip.
const KEEP_MAX: Duration = Duration::from_hours(10 * 365 * 24);
/// Longer than this a call is no call but a job; its service should offer one.
const HTTP_TIMEOUT_MAX: Duration = Duration::from_hours(1);
/// A body is kept in memory and in the journal.
const HTTP_BODY_BYTES_MAX: usize = 100 << 20;
/// The previous version is needed for going back.
const VERSIONS_MIN: usize = 2;
/// Every version of every secret is in each rewrite of the store.
const VERSIONS_MAX: usize = 100;

/// A plain setting.
pub(super) struct Key {
    /// Table and name.
    pub(super) path: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// What a value must be.
    pub(super) expected: &'static str,
    /// The same for a JSON Schema.
    pub(super) form: Form,
    /// Takes a value, or nothing where it is not what is expected.
    pub(super) set: fn(&mut Settings, &DeValue<'_>) -> Option<()>,
    /// Shows the value as the file would say it.
    pub(super) show: fn(&Settings) -> String,
}

/// What a value must look like, as far as a JSON Schema can say it.
pub(super) enum Form {
    /// A text that is not empty.
    Text,
    /// A text.
    AnyText,
    /// A number within limits.
    Number(usize, usize),
    /// A number and a unit of time.
    Duration,
    /// This word, or a number and a unit of time.
    WordOrDuration(&'static str),
    /// A number and a unit of size.
    Size,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A list of some of these words.
    Words(fn() -> Vec<&'static str>),
    /// A list of texts.
    Texts,
}

macro_rules! key {
    ($path:literal, $about:literal, $expected:literal, $form:expr, |$settings:ident, $value:ident| $field:expr => $read:expr, $show:expr) => {
        Key {
            path: $path,
            about: $about,
            expected: $expected,
            form: $form,
            set: |$settings, $value| {
                $field = $read?;
                Some(())
            },
            show: $show,
        }
    };
}

/// Every plain setting, in the order of the file.
#[rustfmt::skip]
pub(super) const KEYS: [Key; 25] = [
    key!("folders.workflows", "Where the definitions are, below the project folder unless absolute.",
        "a path", Form::Text, |s, v| s.folders.workflows => text(v), |s| show_text(&s.folders.workflows)),
    key!("folders.secrets", "Where the secret store is, below the project folder unless absolute.",
        "a path", Form::Text, |s, v| s.folders.secrets => text(v).map(Some),
        |s| show_text(s.folders.secrets.as_deref().unwrap_or("secrets"))),
    key!("folders.state", "Where the journal and the daemon's socket are; git must not keep it.",
        "a path", Form::Text, |s, v| s.folders.state => text(v), |s| show_text(&s.folders.state)),
    key!("secrets.versions", "How many versions of each secret are kept.",
        "a number from 2 to 100", Form::Number(VERSIONS_MIN, VERSIONS_MAX),
        |s, v| s.secrets.versions => number(v, VERSIONS_MIN, VERSIONS_MAX), |s| s.secrets.versions.to_string()),
    key!("secrets.store_retry", "How long an UPDATE_SECRET tries a store that is in trouble.",
        "a duration, as \"72h\"", Form::Duration,
        |s, v| s.secrets.store_retry => duration(v, KEEP_MAX), |s| show_duration(s.secrets.store_retry)),
    key!("history.retry_window", "How long a finished run can be retried with its `_secrets`; then they are forgotten.",
        "a duration, as \"24h\"", Form::Duration,
        |s, v| s.history.retry_window => duration(v, KEEP_MAX), |s| show_duration(s.history.retry_window)),
    key!("history.keep", "When a finished run is purged.",
        "a duration, as \"30d\"", Form::Duration,
        |s, v| s.history.keep => duration(v, KEEP_MAX), |s| show_duration(s.history.keep)),
    key!("audit.keep", "When an entry of the audit is purged: the purge is an entry too.",
        "\"forever\", or a duration, as \"365d\"", Form::WordOrDuration("forever"),
        |s, v| s.audit.keep => forever_or(v, KEEP_MAX),
        |s| s.audit.keep.map_or_else(|| show_text("forever"), show_duration)),
    key!("schedules.overlap", "What happens to a slot while the schedule's last run still goes: it is skipped, or runs beside it.",
        "\"skip\" or \"allow\"", Form::OneOf(&["skip", "allow"]),
        |s, v| s.schedules.overlap_allowed => choice(v, ["skip", "allow"]),
        |s| show_text(if s.schedules.overlap_allowed { "allow" } else { "skip" })),
    key!("schedules.dst", "What happens where clocks change: each local time fires once, or as Spring does it.",
        "\"once\" or \"spring\"", Form::OneOf(&["once", "spring"]),
        |s, v| s.schedules.dst_spring => choice(v, ["once", "spring"]),
        |s| show_text(if s.schedules.dst_spring { "spring" } else { "once" })),
    key!("schedules.start", "Whether anything fires by itself.",
        "true or false", Form::Flag, |s, v| s.schedules.start => v.as_bool(), |s| s.schedules.start.to_string()),
    key!("http.timeout", "The total deadline of a call, up to an hour.",
        "a duration up to 1h, as \"30s\"", Form::Duration,
        |s, v| s.http.timeout => duration(v, HTTP_TIMEOUT_MAX), |s| show_duration(s.http.timeout)),
    key!("http.body_max", "How large a body may be, decoded, up to 100MiB.",
        "a size up to 100MiB, as \"10MiB\"", Form::Size,
        |s, v| s.http.body_bytes_max => size(v, HTTP_BODY_BYTES_MAX), |s| show_size(s.http.body_bytes_max)),
    key!("http.deny", "Where calls must not go, judged on the resolved address.",
        "a list of \"link-local\", \"self\", \"loopback\", \"private\" and \"all\"", Form::Words(denied_words),
        |s, v| s.http.deny => list(v, denied),
        |s| show_list(&s.http.deny.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())),
    key!("http.allow", "Networks and host names that calls may go to in spite of `deny`.",
        "a list of networks, as \"10.1.0.0/16\", and host names", Form::Texts,
        |s, v| s.http.allow => list(v, allowed),
        |s| show_list(&s.http.allow.iter().map(show_allowed).collect::<Vec<_>>())),
    key!("http.proxy", "The proxy of every call; never taken from the process environment.",
        "the address of a proxy, as \"http://proxy:3128\", or \"\"", Form::AnyText,
        |s, v| s.http.proxy => proxy(v).map(|url| unless_empty(url).map(Proxy::new)),
        |s| show_text(&s.http.proxy.as_ref().map(ToString::to_string).unwrap_or_default())),
    key!("http.ca_file", "A file with further certificate authorities.",
        "a path, or \"\"", Form::AnyText, |s, v| s.http.ca_file => any_text(v).map(unless_empty),
        |s| show_text(s.http.ca_file.as_deref().unwrap_or_default())),
    key!("http.traceparent", "Whether calls say in a `traceparent` header to which trace they belong; a task's own header stays.",
        "true or false", Form::Flag, |s, v| s.http.traceparent => v.as_bool(), |s| s.http.traceparent.to_string()),
    key!("server.listen", "Where the API listens.",
        "an address with a port, as \"127.0.0.1:8321\"", Form::Text,
        |s, v| s.server.listen => v.as_str().and_then(|text| text.parse().ok()),
        |s| show_text(&s.server.listen.to_string())),
    key!("server.open", "Whether the API answers without sign-in, on loopback only.",
        "true or false", Form::Flag, |s, v| s.server.open => v.as_bool(), |s| s.server.open.to_string()),
    key!("server.tls_cert", "The file with the certificate of the port and its chain, as PEM; it is read again when it changes.",
        "a path, or \"\"", Form::AnyText, |s, v| s.server.tls_cert => any_text(v).map(unless_empty),
        |s| show_text(s.server.tls_cert.as_deref().unwrap_or_default())),
    key!("server.tls_key", "The file with the certificate's key, as PEM, which others may not read.",
        "a path, or \"\"", Form::AnyText, |s, v| s.server.tls_key => any_text(v).map(unless_empty),
        |s| show_text(s.server.tls_key.as_deref().unwrap_or_default())),
    key!("server.open_metrics", "Whether everybody who reaches the port may read /metrics, and the names in it.",
        "true or false", Form::Flag, |s, v| s.server.open_metrics => v.as_bool(), |s| s.server.open_metrics.to_string()),
    key!("server.metrics_secret_names", "Whether /metrics has a series for each secret, by its name.",
        "true or false", Form::Flag,
        |s, v| s.server.metrics_secret_names => v.as_bool(), |s| s.server.metrics_secret_names.to_string()),
    key!("access.workflows", "Whether every workflow of the folder may use every secret, or only what a grant says.",
        "\"open\" or \"granted\"", Form::OneOf(&["open", "granted"]),
        |s, v| s.access.workflows_granted => choice(v, ["open", "granted"]),
        |s| show_text(if s.access.workflows_granted { "granted" } else { "open" })),
];

fn denied_words() -> Vec<&'static str> {
    Denied::ALL.map(Denied::as_str).to_vec()
}

fn show_allowed(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Network(network) => network.to_string(),
        Allowed::Host(name) => name.clone(),
    }
}
