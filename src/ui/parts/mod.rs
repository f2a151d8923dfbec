//! What pages are made of.

pub(super) mod badge;
pub(super) mod diagram;
pub(super) mod empty;
pub(super) mod filter;
pub(super) mod icon;
pub(super) mod json;
pub(super) mod layout;
pub(super) mod link;
pub(super) mod moment;
pub(super) mod notice;
pub(super) mod secret;
pub(super) mod sought;
pub(super) mod status;
pub(super) mod strip;
pub(super) mod tabs;
pub(super) mod view;
