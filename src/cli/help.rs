//! What `--help` says besides commands and options.

macro_rules! examples {
    () => {
        "\
Examples:
  keytide demo                                         See a token rotate, with nothing set up
  keytide init                                         Make this folder a project
  printf %s \"$KEY\" | keytide secret set appKeySecret   Keep a secret
  keytide run workflows/rotate.yaml                    Run one workflow now
  keytide serve                                        Watch the folder and keep the schedules"
    };
}

/// What the short help ends with.
pub(super) const EXAMPLES: &str = examples!();

/// What the long help ends with.
pub(super) const DETAILS: &str = concat!(
    examples!(),
    "

Exit codes:
  0    it is done; the run completed
  1    the run ended otherwise, `check` found errors, a test failed, or `status` says that somebody must look
  2    the command line or the settings are wrong
  3    there is no such workflow, schedule, secret, run or file
  4    somebody else holds the lock, or something is there already
  5    no identity opens the store, or its permissions are loose
  6    the daemon does not answer, or refuses; `status`: nothing serves the folder
  124  `--timeout` passed
  130  interrupted
  `exec` ends with the code of its command.

Environment:
  KEYTIDE_IDENTITY_FILE  the age identity, where `--identity` is absent
  KEYTIDE_IDENTITY       the identity itself, for CI
  CREDENTIALS_DIRECTORY  from systemd: `age-identity` and `policy.toml` are looked for there
  XDG_CONFIG_HOME        `keytide/identity.txt` is there, else in ~/.config
  STATE_DIRECTORY        from systemd: the state, where `--state` is absent, and the secrets in it
  CONDUCTOR_SERVER_URL   the server to speak to, where neither `--server` nor what is here is named
  CONDUCTOR_AUTH_KEY     with CONDUCTOR_AUTH_SECRET, or CONDUCTOR_AUTH_TOKEN instead: who we are there
  KEYTIDE_ENV_NAME       ${workflow.env.NAME}, over `[environment]` of keytide.toml"
);

#[cfg(test)]
mod tests {
    use super::DETAILS;
    use crate::cli::error::Kind;

    #[test]
    fn every_exit_code_is_explained() {
        let codes = DETAILS.split("Exit codes:").nth(1).unwrap();
        let explained: Vec<u8> =
            codes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        let kinds = [
            Kind::Failed,
            Kind::Usage,
            Kind::NotFound,
            Kind::Conflict,
            Kind::Key,
            Kind::Unreachable,
            Kind::TimedOut,
            Kind::Interrupted,
        ];
        let ours: Vec<u8> = std::iter::once(0).chain(kinds.map(Kind::exit_code)).collect();
        assert_eq!(explained, ours);
    }
}
