//! The process environment, read once: the only place that asks for it.

use std::path::PathBuf;

use crate::words::Sensitive;

/// The prefix of variables that override `[environment]` of keytide.toml.
const ENVIRONMENT_PREFIX: &str = "KEYTIDE_ENV_";

/// What the process environment says to keytide.
pub(super) struct Environment {
    /// `KEYTIDE_IDENTITY_FILE`.
    pub(super) identity_file: Option<PathBuf>,
    /// `KEYTIDE_IDENTITY`: the identity itself, for CI.
    pub(super) identity: Option<Sensitive>,
    /// `$CREDENTIALS_DIRECTORY`, from systemd.
    pub(super) credentials: Option<PathBuf>,
    /// `$STATE_DIRECTORY`, from systemd.
    pub(super) state: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, else `~/.config`.
    pub(super) config_home: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub(super) runtime: Option<PathBuf>,
    /// `CONDUCTOR_SERVER_URL`, as Conductor's clients have it.
    pub(super) conductor_server: Option<String>,
    /// `CONDUCTOR_AUTH_KEY` and `CONDUCTOR_AUTH_SECRET`, as Conductor's clients have them.
    pub(super) conductor_key: Option<(String, Sensitive)>,
    /// `CONDUCTOR_AUTH_TOKEN`: a token that somebody else got.
    pub(super) conductor_token: Option<Sensitive>,
    /// `${workflow.env.NAME}` from `KEYTIDE_ENV_NAME`.
    pub(super) values: Vec<(String, String)>,
    /// Where OpenTelemetry's variables say that traces go, or what is wrong with them.
    #[cfg(feature = "otel")]
    pub(super) traces: Result<Option<crate::settings::Traces>, String>,
    /// The current folder.
    pub(super) current: PathBuf,
}

impl Environment {
    /// Reads the process environment.
    pub(super) fn read() -> std::io::Result<Self> {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let values = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter_map(|(name, value)| Some((name.strip_prefix(ENVIRONMENT_PREFIX)?.to_owned(), value)))
            .collect();
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Ok(Self {
            identity_file: path("KEYTIDE_IDENTITY_FILE"),
            identity: text("KEYTIDE_IDENTITY").map(Sensitive::new),
            conductor_server: text("CONDUCTOR_SERVER_URL"),
            conductor_token: text("CONDUCTOR_AUTH_TOKEN").map(Sensitive::new),
            conductor_key: text("CONDUCTOR_AUTH_KEY").zip(text("CONDUCTOR_AUTH_SECRET").map(Sensitive::new)),
            credentials: path("CREDENTIALS_DIRECTORY"),
            state: path("STATE_DIRECTORY"),
            config_home: path("XDG_CONFIG_HOME").or_else(|| path("HOME").map(|home| home.join(".config"))),
            runtime: path("XDG_RUNTIME_DIR"),
            values,
            #[cfg(feature = "otel")]
            traces: crate::settings::Traces::read(text),
            current: std::env::current_dir()?,
        })
    }

    /// Forgets what names places and keys: what is made anew takes the defaults.
    pub(super) fn forget_places(&mut self) {
        self.state = None;
        self.values.clear();
    }

    /// Returns the default place of the identity.
    pub(super) fn default_identity(&self) -> Option<PathBuf> {
        self.config_home.as_ref().map(|home| home.join("keytide").join("identity.txt"))
    }
}

/// Variables that a child process never inherits: they open the store, here or over there.
pub(super) const IDENTITY_VARIABLES: [&str; 4] =
    ["KEYTIDE_IDENTITY", "KEYTIDE_IDENTITY_FILE", "CONDUCTOR_AUTH_SECRET", "CONDUCTOR_AUTH_TOKEN"];
