//! A project in a temporary folder, and commands that run in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keytide::cli::demo::issuer::{Issuer, Options};
use keytide::clock::SystemClock;
use keytide::words::Sensitive;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a home beside it; nothing of the machine's own settings reaches the commands that run in it.
pub(crate) struct Test {
    folder: TempDir,
    stdin: String,
    variables: Vec<(String, String)>,
}

/// A command that goes on, as a daemon does; it is ended when it is dropped.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts a daemon.
    pub(crate) fn serve(test: &Test, arguments: &[&str]) -> Self {
        Self::start(test, &[&["serve"], arguments].concat())
    }

    /// Starts a command.
    pub(crate) fn start(test: &Test, arguments: &[&str]) -> Self {
        Self::of(test.command(arguments))
    }

    /// Starts a command that is ready.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Reads what it tells until a line holds this, and returns the line.
    pub(crate) fn until(&mut self, part: &str) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "`{part}` was not said:\n{said}");
            said.push_str(&line);
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Returns the number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Asks it to stop and waits for its end.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::INT);
        self.code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a command said.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Test {
    /// Returns a project as `keytide init` makes it, without its example.
    pub(crate) fn new() -> Self {
        let test = Self::empty();
        test.keytide(&["init"]).success();
        for example in ["workflows/rotate.yaml", "workflows/rotate.test.yaml"] {
            std::fs::remove_file(test.path(example)).unwrap();
        }
        test
    }

    /// Returns an empty folder.
    pub(crate) fn empty() -> Self {
        let test = Self { folder: tempfile::tempdir().unwrap(), stdin: String::new(), variables: Vec::new() };
        for folder in ["home", "project"] {
            std::fs::create_dir(test.folder.path().join(folder)).unwrap();
        }
        test
    }

    /// Writes a file of the project.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Keeps a secret.
    pub(crate) fn secret(self, name: &str, value: &str) -> Self {
        let test = self.stdin(value);
        test.keytide(&["secret", "set", name]).success();
        test.stdin("")
    }

    /// Says what commands read from standard input from now on.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Sets a variable of the commands' environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a path in the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// Returns the identity's file.
    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.path().join("home/.config/keytide/identity.txt")
    }

    /// Returns a command that is ready to run in the project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_keytide"), arguments)
    }

    /// Returns another program's command that is ready to run in the project.
    pub(crate) fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("")).env_clear();
        command.env("HOME", self.folder.path().join("home")).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn keytide(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read is no fault of the test.
        drop(child.stdin.take().unwrap().write_all(self.stdin.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }
}

impl Ran {
    /// Holds that the command succeeded.
    pub(crate) fn success(self) -> Self {
        self.fails(0)
    }

    /// Holds that the command ended with this code.
    pub(crate) fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Holds what the command printed.
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "stderr:\n{}", self.stderr);
        self
    }

    /// Holds that the command told people this.
    pub(crate) fn tells(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        self
    }

    /// Holds that the command printed this.
    pub(crate) fn prints(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "`{part}` is not in stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Returns what the command printed as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// Returns every file below a folder with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// An issuer of tokens on loopback that runs as long as this.
pub(crate) struct Issued {
    pub(crate) issuer: Issuer,
    _runtime: tokio::runtime::Runtime,
}

impl Issued {
    pub(crate) const KEY_ID: &str = "canary-key-id-51c0";
    pub(crate) const KEY_SECRET: &str = "canary-key-secret-88e1";

    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = Options {
            lifetime: Duration::from_mins(1),
            key_id: Self::KEY_ID.to_owned(),
            key_secret: Sensitive::new(Self::KEY_SECRET),
        };
        let issuer = runtime.block_on(Issuer::start(options, Arc::new(SystemClock))).unwrap();
        Self { issuer, _runtime: runtime }
    }

    /// Returns a project that has the issuer's key.
    pub(crate) fn project() -> Test {
        Test::new().secret("appKeyId", Self::KEY_ID).secret("appKeySecret", Self::KEY_SECRET)
    }
}

/// Returns the seed's rotation against another issuer.
pub(crate) fn rotation(token_url: &str) -> String {
    let seed = include_str!("../../workflows/update_rotate_secrets_tracker_app.json");
    seed.replace("https://conductor-server.orkesconductor.io/api/token", token_url)
}
