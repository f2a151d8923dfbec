//! One file per task type: what is special about it.

pub(super) mod fork;
pub(super) mod http;
pub(super) mod join;
pub(super) mod noop;
pub(super) mod set_variable;
pub(super) mod switch;
pub(super) mod terminate;
pub(super) mod update_secret;
pub(super) mod wait;
