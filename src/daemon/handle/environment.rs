use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::handle::Handle;
use crate::words::{Owner, Permission};

impl Handle {
    /// Returns the variables of the environment that `who` may read.
    pub fn environment<'a>(&'a self, who: &'a Owner) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let variables = self.settings().environment.iter();
        variables.filter(|(name, _)| self.may(who, Permission::Read, TargetKind::Environment, name))
    }
}
