//! The demo: an issuer on loopback whose tokens expire, and a project that keeps up with it.

pub mod issuer;
