//! What pages are made of.

pub(super) mod badge;
pub(super) mod empty;
pub(super) mod filter;
pub(super) mod icon;
pub(super) mod layout;
pub(super) mod link;
pub(super) mod moment;
pub(super) mod notice;
pub(super) mod path;
pub(super) mod secret;
pub(super) mod status;
