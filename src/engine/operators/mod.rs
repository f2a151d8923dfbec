//! One file per task type: what is special about it.

pub(super) mod decision;
pub(super) mod do_while;
pub(super) mod dynamic;
pub(super) mod event;
pub(super) mod exclusive_join;
pub(super) mod fork;
pub(super) mod fork_join_dynamic;
pub(super) mod get_workflow;
pub(super) mod http;
pub(super) mod http_poll;
pub(super) mod human;
pub(super) mod inline;
pub(super) mod join;
pub(super) mod json_jq_transform;
pub(super) mod lambda;
pub(super) mod noop;
pub(super) mod set_variable;
pub(super) mod start_workflow;
pub(super) mod sub_workflow;
pub(super) mod switch;
pub(super) mod terminate;
pub(super) mod update_secret;
pub(super) mod update_task;
pub(super) mod wait;
