use super::child::Child;
use super::{Evaluator, HandOff, evaluated};
use crate::engine::{Outcome, Question};

/// Has scripts evaluated one after the other, in the same children and with the same limits, for whoever waits for each.
pub struct Bench {
    evaluator: Evaluator,
    child: Option<Child>,
}

impl Bench {
    /// Returns a bench without a child: the first script starts one.
    pub fn new(evaluator: Evaluator) -> Self {
        Self { evaluator, child: None }
    }

    /// Answers a question; `hand_off` puts secrets into what the script is given.
    pub(crate) fn answer(&mut self, question: &Question, hand_off: HandOff<'_>) -> Outcome {
        evaluated(&self.evaluator, question, &mut self.child, hand_off)
    }
}
