use super::child::Child;
use super::frame::{Head, Said};
use super::{Evaluator, HandOff, ask, evaluated};
use crate::engine::{Language, Outcome, Question};

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

    /// Reads a script without evaluating it, or says why it cannot be read.
    pub fn read(&mut self, language: Language, source: &str) -> Result<(), String> {
        let source = match language {
            Language::JavaScript => format!("new Function({}), null", serde_json::Value::from(source)),
            Language::Jq => format!("empty | ({source}\n)"),
        };
        let head = Head { language, source, limits: self.evaluator.limits };
        match ask(&self.evaluator, &mut self.child, &head, "null")? {
            Said::Gave(_) => Ok(()),
            Said::Failed(why) => Err(why.split('`').nth(1).map_or(why.clone(), ToOwned::to_owned)),
        }
    }

    /// Answers a question; `hand_off` puts secrets into what the script is given.
    pub(crate) fn answer(&mut self, question: &Question, hand_off: HandOff<'_>) -> Outcome {
        evaluated(&self.evaluator, question, &mut self.child, hand_off)
    }
}
