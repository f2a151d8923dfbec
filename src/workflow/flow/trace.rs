use std::collections::BTreeSet;

/// Whether the value itself flows, or something that was made by means of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    Itself,
    Cause,
}

/// What following met, each once, and which of it is still to be followed further: a list and not recursion, so that a long
/// chain of tasks costs no stack.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) met: BTreeSet<(String, String, Closeness)>,
    /// Paths below the workflow's own input.
    pub(super) inputs: BTreeSet<String>,
    seen: BTreeSet<Stop>,
    pub(super) open: Vec<Stop>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Output {
        reference: String,
        leaf: String,
        closeness: Closeness,
    },
    /// One input of a task, or all.
    Input {
        reference: String,
        name: Option<String>,
        closeness: Closeness,
    },
    /// One variable, or all.
    Variable {
        name: Option<String>,
        closeness: Closeness,
    },
}

impl Trace {
    pub(super) fn output(&mut self, reference: &str, leaf: &str, closeness: Closeness) {
        self.met.insert((reference.to_owned(), leaf.to_owned(), closeness));
        self.meet(Stop::Output { reference: reference.to_owned(), leaf: leaf.to_owned(), closeness });
    }

    pub(super) fn input(&mut self, reference: &str, name: Option<&str>, closeness: Closeness) {
        self.meet(Stop::Input { reference: reference.to_owned(), name: name.map(str::to_owned), closeness });
    }

    pub(super) fn variable(&mut self, name: Option<&str>, closeness: Closeness) {
        self.meet(Stop::Variable { name: name.map(str::to_owned), closeness });
    }

    fn meet(&mut self, stop: Stop) {
        if self.seen.insert(stop.clone()) {
            self.open.push(stop);
        }
    }
}
