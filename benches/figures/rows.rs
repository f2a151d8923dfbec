//! The rows of the page, by what they measure.

mod answers;
mod commands;
mod connections;
mod firing;
mod idle;
mod pages;
mod retention;
mod rotation;
mod scripts;
mod search;
mod shapes;
mod workflows;

use crate::Outcome;
use crate::report::Row;

/// Measures some rows of the page.
type Measure = fn() -> Outcome<Vec<Row>>;

/// What can be measured, in the order of the page: the names by which it can be asked for, and how.
pub(crate) const ALL: &[(&[&str], Measure)] = &[
    (&["P1", "P2"], rotation::rows),
    (&["P3"], commands::secret_set),
    (&["P8", "P9"], workflows::rows),
    (&["P11"], commands::run),
    (&["P13"], firing::rows),
    (&["P17"], idle::rows),
    (&["P18", "P19"], search::rows),
    (&["P20", "P21", "P22", "P23", "P24"], shapes::rows),
    (&["P25", "P26", "P27"], pages::rows),
    (&["P28"], answers::rows),
    (&["P29", "P30"], connections::rows),
    (&["script"], scripts::rows),
    (&["size"], commands::size),
];
