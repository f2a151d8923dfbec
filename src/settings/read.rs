//! Walks the tables of a file.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::KEYS;
use super::value::{json, list, nearest};
use super::{FILE_NAME, Settings};
use crate::words::{Diagnostic, Grant, GrantTarget, Grantee, Permission, Severity, Source, Span};

/// The tables that widen rights: where a policy file exists only it may have them.
const POLICY_TABLES: [&str; 5] = ["access", "groups", "grant", "http", "server"];
/// The tables that are not made of plain settings.
pub(super) const OTHER_TABLES: [&str; 4] = ["environment", "environments", "groups", "grant"];
/// The fields of a `[[grant]]`.
pub(super) const GRANT_FIELDS: [&str; 3] = ["to", "on", "access"];

/// Not TOML.
const SYNTAX: &str = "E0601";
/// An unknown table or key.
const UNKNOWN: &str = "E0602";
/// A value that is not what is expected.
const VALUE: &str = "E0603";
/// A table in a file that must not have it.
const POLICY: &str = "E0604";

/// Which file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The folder's file, the only one.
    Project,
    /// The folder's file, where a policy file exists.
    ProjectBesidePolicy,
    /// The policy file.
    Policy,
}

/// Reads one file into the settings.
pub(super) struct Reader<'a> {
    source: &'a Source,
    role: Role,
    settings: &'a mut Settings,
    diagnostics: &'a mut Vec<Diagnostic>,
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl<'a> Reader<'a> {
    pub(super) fn new(
        source: &'a Source,
        role: Role,
        settings: &'a mut Settings,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self { source, role, settings, diagnostics }
    }

    /// Reads the whole file, for the chosen environment.
    pub(super) fn read(mut self, environment: Option<&str>) {
        let text = self.source.text.clone();
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let span = error.span().map(|range| Span::new(range.start, range.end));
            self.report(SYNTAX, span, error.message().to_owned(), None);
        }
        if errors.is_empty() {
            for entry in table.get_ref() {
                self.table(entry, environment);
            }
            self.check_open_server();
        }
    }

    fn table(&mut self, (key, value): Entry<'_, '_>, environment: Option<&str>) {
        let name = key.get_ref().as_ref();
        if !tables().any(|known| known == name) {
            let help = suggestion(name, tables());
            return self.report(UNKNOWN, span(key), format!("unknown table `{name}`"), help);
        }
        if !self.has_its_place(name, key) {
            return;
        }
        match name {
            "environment" => self.environment(value, name),
            "environments" => self.environments(value, environment),
            "groups" => self.groups(value),
            "grant" => self.grants(value),
            _ => self.plain(name, value),
        }
    }

    /// Reports a table that this file must not have.
    fn has_its_place(&mut self, name: &str, key: &Spanned<std::borrow::Cow<'_, str>>) -> bool {
        let (place, help) = match (self.role, POLICY_TABLES.contains(&name)) {
            (Role::Project, _) | (Role::ProjectBesidePolicy, false) | (Role::Policy, true) => return true,
            (Role::ProjectBesidePolicy, true) => ("the policy file", "move it there: a policy file exists"),
            (Role::Policy, false) => (FILE_NAME, "a policy has [access], [groups], [[grant]], [http] and [server]"),
        };
        self.report(POLICY, span(key), format!("`{name}` belongs in {place}"), Some(help.to_owned()));
        false
    }

    fn plain(&mut self, table: &str, value: &Spanned<DeValue<'_>>) {
        for (key, value) in self.fields(table, value) {
            let name = key.get_ref().as_ref();
            let path = format!("{table}.{name}");
            let Some(known) = KEYS.iter().find(|known| known.path == path) else {
                let keys = KEYS.iter().filter_map(|known| known.path.strip_prefix(table)?.strip_prefix('.'));
                self.report(UNKNOWN, span(key), format!("unknown key `{path}`"), suggestion(name, keys));
                continue;
            };
            match (known.set)(self.settings, value.get_ref()) {
                Some(()) => self.note_origin(path, value),
                None => self.report(VALUE, span(value), format!("`{path}` must be {}", known.expected), None),
            }
        }
    }

    fn environment(&mut self, value: &Spanned<DeValue<'_>>, path: &str) {
        for (key, value) in self.fields(path, value) {
            let name = key.get_ref();
            if let Some(json) = json(value.get_ref()) {
                self.settings.environment.insert(name.to_string(), json);
                self.note_origin(format!("environment.{name}"), value);
            } else {
                let message = format!("`{path}.{name}` must be text, a number, true, false, a list or a table");
                self.report(VALUE, span(value), message, None);
            }
        }
    }

    fn environments(&mut self, value: &Spanned<DeValue<'_>>, chosen: Option<&str>) {
        for (key, value) in self.fields("environments", value) {
            if chosen == Some(key.get_ref()) {
                self.environment(value, &format!("environments.{}", key.get_ref()));
            } else {
                self.fields("environments", value);
            }
        }
    }

    fn groups(&mut self, value: &Spanned<DeValue<'_>>) {
        for (key, value) in self.fields("groups", value) {
            let name = key.get_ref();
            if let Some(members) = list(value.get_ref(), Grantee::parse) {
                self.settings.access.groups.insert(name.to_string(), members);
                self.note_origin(format!("groups.{name}"), value);
            } else {
                let message =
                    format!("`groups.{name}` must be a list of file:GLOB, workflow:PATTERN, app:NAME, group:NAME");
                self.report(VALUE, span(value), message, None);
            }
        }
    }

    fn grants(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(grants) = value.get_ref().as_array() else {
            let help = Some("write each grant under a heading [[grant]]".to_owned());
            return self.report(VALUE, span(value), "`grant` must be a list of tables".to_owned(), help);
        };
        for grant in grants {
            if let Some(read) = self.grant(grant) {
                self.note_origin(format!("grant[{}]", self.settings.access.grants.len()), grant);
                self.settings.access.grants.push(read);
            }
        }
    }

    fn grant(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Grant> {
        let fields = self.fields("grant", value);
        for (key, _) in fields.iter().filter(|(key, _)| !GRANT_FIELDS.contains(&key.get_ref().as_ref())) {
            let help = suggestion(key.get_ref(), GRANT_FIELDS.into_iter());
            self.report(UNKNOWN, span(key), format!("unknown key `grant.{}`", key.get_ref()), help);
        }
        let field = |name: &str| fields.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| *value);
        let to = field("to").and_then(|to| to.get_ref().as_str()).and_then(Grantee::parse);
        let on = field("on").and_then(|on| on.get_ref().as_str()).and_then(GrantTarget::parse);
        let access = field("access").and_then(|access| list(access.get_ref(), Permission::parse));
        let place = |name| span(field(name).unwrap_or(value));
        let mut expect = |name, missing, expected| {
            if missing {
                self.report(VALUE, place(name), format!("`grant.{name}` must be {expected}"), None);
            }
        };
        expect("to", to.is_none(), "file:GLOB, workflow:PATTERN, app:NAME or group:NAME");
        let targets = "secret:PATTERN, tag:KEY:VALUE, workflow:PATTERN, schedule:PATTERN or environment:PATTERN";
        expect("on", on.is_none(), targets);
        expect("access", access.is_none(), "a list of READ, CREATE, UPDATE, DELETE and EXECUTE");
        Some(Grant { to: to?, on: on?, access: access? })
    }

    fn check_open_server(&mut self) {
        let server = &self.settings.server;
        if server.open && !server.listen.ip().is_loopback() {
            let message = format!("`server.open` is for loopback only, and `server.listen` is {}", server.listen);
            let help = Some("listen on 127.0.0.1, or leave `open` out and let clients sign in".to_owned());
            self.report(VALUE, None, message, help);
        }
    }

    fn fields<'v, 'i>(&mut self, name: &str, value: &'v Spanned<DeValue<'i>>) -> Vec<Entry<'v, 'i>> {
        if let Some(table) = value.get_ref().as_table() {
            return table.iter().collect();
        }
        self.report(VALUE, span(value), format!("`{name}` must be a table"), None);
        Vec::new()
    }

    fn note_origin(&mut self, path: String, value: &Spanned<DeValue<'_>>) {
        let (line, _) = self.source.position(value.span().start);
        self.settings.origins.insert(path, format!("{}:{line}", self.source.name));
    }

    fn report(&mut self, code: &'static str, span: impl Into<Option<Span>>, message: String, help: Option<String>) {
        self.diagnostics.push(Diagnostic {
            source: self.source.clone(),
            span: span.into(),
            code,
            severity: Severity::Error,
            message,
            label: None,
            help,
            related: Vec::new(),
            fix: None,
        });
    }
}

fn span<T>(spanned: &Spanned<T>) -> Span {
    Span::new(spanned.span().start, spanned.span().end)
}

/// Returns the name of every table.
fn tables() -> impl Iterator<Item = &'static str> + Clone {
    let plain = KEYS.iter().filter_map(|key| key.path.split_once('.').map(|(table, _)| table));
    plain.chain(OTHER_TABLES)
}

fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let near = nearest(name, known.clone()).map(|near| format!("did you mean `{near}`?"));
    near.or_else(|| {
        let mut all: Vec<&str> = known.collect();
        all.dedup();
        Some(format!("known here: {}", all.join(", ")))
    })
}
