//! `keytide.toml` and the policy file: text in, settings and diagnostics out.
//!
//! **Architecture Invariant:** pure. Whoever calls reads the files and the process environment. Every problem of a file is
//! reported at once; settings that came with an error are not to be used.

mod keys;
mod read;
pub mod schema;
#[cfg(test)]
mod tests;
#[cfg(feature = "otel")]
mod traces;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::words::{Diagnostic, Grant, Grantee, Map, Sensitive, Source};
use keys::KEYS;
use read::{Reader, Role};
#[cfg(feature = "otel")]
pub use traces::Traces;

/// The name of the settings file in the project folder.
pub const FILE_NAME: &str = "keytide.toml";

/// Everything that can be set, with the defaults where a file says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where things are.
    pub folders: Folders,
    /// What `${workflow.env.NAME}` gives.
    pub environment: Map,
    /// The secret store.
    pub secrets: Secrets,
    /// How long executions are kept.
    pub history: History,
    /// How long the audit is kept.
    pub audit: Audit,
    /// What schedules do where they do not say.
    pub schedules: Schedules,
    /// What HTTP tasks may do.
    pub http: Http,
    /// Where the API listens.
    pub server: Server,
    /// Who may do what.
    pub access: Access,
    /// Where traces go, if anywhere: the process environment says it, and no file.
    #[cfg(feature = "otel")]
    pub traces: Option<Traces>,
    origins: BTreeMap<String, String>,
}

/// Where things are, below the project folder unless absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The definitions.
    pub workflows: String,
    /// The secret store; unset means `secrets`, or `secrets` in the state folder where that was chosen outside the file.
    pub secrets: Option<String>,
    /// The state.
    pub state: String,
}

/// The secret store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// How many versions of each secret are kept.
    pub versions: usize,
    /// How long an `UPDATE_SECRET` tries a store that is in trouble.
    pub store_retry: Duration,
}

/// How long executions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// How long a finished run can be retried with its `_secrets`; then it is archived.
    pub retry_window: Duration,
    /// When a finished run is purged.
    pub keep: Duration,
}

/// How long the audit is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// When an entry is purged; never where nothing is said.
    pub keep: Option<Duration>,
}

/// What schedules do where they do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedules {
    /// Whether a slot fires while the schedule's last run still goes.
    pub overlap_allowed: bool,
    /// Whether daylight saving follows Spring to the bit; else each local time fires once.
    pub dst_spring: bool,
    /// Whether anything fires by itself.
    pub start: bool,
}

/// What HTTP tasks may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The total deadline of a call.
    pub timeout: Duration,
    /// How large a body may be, decoded.
    pub body_bytes_max: usize,
    /// Where calls must not go, judged on the resolved address.
    pub deny: Vec<Denied>,
    /// Where they may go in spite of that.
    pub allow: Vec<Allowed>,
    /// The proxy of every call.
    pub proxy: Option<Proxy>,
    /// A file with further certificate authorities.
    pub ca_file: Option<String>,
    /// Whether calls say to which trace they belong.
    pub traceparent: bool,
}

/// The address of a proxy, whose credentials are in no output.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Sensitive);

impl Proxy {
    /// Wraps a URL that may hold credentials.
    pub fn new(url: impl Into<String>) -> Self {
        Self(Sensitive::new(url))
    }

    /// Lends the URL with its credentials. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0.expose();
        let parts = url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)));
        match parts {
            Some((scheme, host)) => write!(f, "{scheme}://***@{host}"),
            None => f.write_str(url),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A kind of address that calls must not go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denied {
    /// Addresses of the link, where clouds keep their metadata service.
    LinkLocal,
    /// Our own API.
    Own,
    /// This machine.
    Loopback,
    /// Private networks.
    Private,
    /// Everything.
    All,
}

impl Denied {
    /// Every kind, for tables.
    pub const ALL: [Self; 5] = [Self::LinkLocal, Self::Own, Self::Loopback, Self::Private, Self::All];

    /// Returns the word of the settings file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkLocal => "link-local",
            Self::Own => "self",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::All => "all",
        }
    }
}

/// An exception from [`Denied`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The addresses of a network.
    Network(IpNet),
    /// The addresses that a host name resolves to.
    Host(String),
}

/// Where the API listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address.
    pub listen: SocketAddr,
    /// Whether it answers without sign-in, on loopback only.
    pub open: bool,
    /// The file with the certificate of the port.
    pub tls_cert: Option<String>,
    /// The file with its key.
    pub tls_key: Option<String>,
    /// Whether everybody who reaches the port may read the metrics.
    pub open_metrics: bool,
    /// Whether the metrics name secrets.
    pub metrics_secret_names: bool,
}

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Whether the folder's workflows have only what a grant says; else they may use every secret.
    pub workflows_granted: bool,
    /// The groups and who is in them.
    pub groups: BTreeMap<String, Vec<Grantee>>,
    /// The grants.
    pub grants: Vec<Grant>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The setting, as `http.timeout`.
    pub key: String,
    /// What holds, as the file would say it; credentials of a proxy are not in it.
    pub value: String,
    /// Where it comes from: `default`, `keytide.toml:12`, the name of a variable.
    pub source: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folders: Folders { workflows: "workflows".to_owned(), secrets: None, state: ".keytide".to_owned() },
            environment: Map::new(),
            secrets: Secrets { versions: 5, store_retry: Duration::from_hours(72) },
            audit: Audit::default(),
            history: History { retry_window: Duration::from_hours(24), keep: Duration::from_hours(30 * 24) },
            schedules: Schedules { overlap_allowed: false, dst_spring: false, start: true },
            http: Http {
                timeout: Duration::from_secs(30),
                body_bytes_max: 10 << 20,
                deny: vec![Denied::LinkLocal, Denied::Own],
                allow: Vec::new(),
                proxy: None,
                ca_file: None,
                traceparent: false,
            },
            server: Server {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8321)),
                open: false,
                tls_cert: None,
                tls_key: None,
                open_metrics: false,
                metrics_secret_names: false,
            },
            access: Access::default(),
            #[cfg(feature = "otel")]
            traces: None,
            origins: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads the folder's file and the policy file, where they exist, for the chosen environment.
    ///
    /// The settings are usable where no diagnostic is an error.
    pub fn load(
        project: Option<&Source>,
        policy: Option<&Source>,
        environment: Option<&str>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut settings = Self::default();
        let mut diagnostics = Vec::new();
        let role = if policy.is_some() { Role::ProjectBesidePolicy } else { Role::Project };
        for (source, role) in [(project, role), (policy, Role::Policy)] {
            if let Some(source) = source {
                Reader::new(source, role, &mut settings, &mut diagnostics).read(environment);
            }
        }
        (settings, diagnostics)
    }

    /// Returns whether a file says it, as `server.listen`.
    pub fn is_set(&self, key: &str) -> bool {
        self.origins.contains_key(key)
    }

    /// Overrides what `${workflow.env.NAME}` gives, as the process environment may: `variable` is the variable's name.
    pub fn override_environment(&mut self, name: &str, value: &str, variable: &str) {
        self.environment.insert(name.to_owned(), value.into());
        self.origins.insert(format!("environment.{name}"), variable.to_owned());
    }

    /// Returns every setting with its value and where it comes from.
    pub fn sources(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = KEYS.iter().map(|key| self.row(key.path.to_owned(), (key.show)(self))).collect();
        let variables = self.environment.iter();
        rows.extend(variables.map(|(name, value)| self.row(format!("environment.{name}"), value.to_string())));
        let groups = self.access.groups.iter();
        rows.extend(groups.map(|(name, members)| self.row(format!("groups.{name}"), value::show_list(members))));
        for (index, grant) in self.access.grants.iter().enumerate() {
            let value = format!("{} on {} to {}", value::show_words(&grant.access), grant.on, grant.to);
            rows.push(self.row(format!("grant[{index}]"), value));
        }
        rows
    }

    fn row(&self, key: String, value: String) -> Row {
        let source = self.origins.get(&key).cloned().unwrap_or_else(|| "default".to_owned());
        Row { key, value, source }
    }
}
