//! The `${…}` dialect.
