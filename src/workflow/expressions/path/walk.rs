//! Evaluates a path, step by step, and gives every value it meets to a sink.

use std::cell::Cell;

use serde_json::Value;

use super::course::{Absent, Course};
use super::filter::{Condition, Operator, Term};
use super::function::{self, Argument};
use super::operand::{Operand, holds};
use super::{Fault, Found, Parameter, Path, Reading, Step};
use crate::workflow::expressions::copy::Copier;
use crate::workflow::expressions::limit::Limit;
use crate::workflow::expressions::lookup::Lookup;

/// The most values that the paths of one template may touch together: a second or so of work, and far above what real
/// paths over a big document need.
pub(in super::super) const VISITS_MAX: usize = 5_000_000;

/// Reads a path over a document. A definite path that finds nothing gives `null`.
pub(in super::super) fn read(path: &Path, document: &dyn Lookup, copier: &mut Copier) -> Found<Reading> {
    let walk = Walk { document, visits: Cell::new(copier.visits), scanned_index: Cell::new(None) };
    let reading = walk.read(path, None, copier);
    copier.visits = walk.visits.get();
    reading
}

type Sink<'s> = &'s mut dyn FnMut(&Value) -> Found<()>;

struct Walk<'d> {
    document: &'d dyn Lookup,
    visits: Cell<usize>,
    /// The index of the array element that a scan stands on, once it went through an array.
    scanned_index: Cell<Option<i64>>,
}

impl Walk<'_> {
    fn read(&self, path: &Path, item: Option<&Value>, copier: &mut Copier) -> Found<Reading> {
        if path.is_definite() {
            let mut last = Value::Null;
            self.start(Course { path, absent: Absent::Passes }, item, &mut |value| {
                last = copier.copy(value)?;
                Ok(())
            })?;
            return Ok(Reading { value: last, is_collected: false });
        }
        let mut met = Vec::new();
        self.start(Course { path, absent: Absent::Passes }, item, &mut |value| {
            met.push(copier.copy_item(value)?);
            Ok(())
        })?;
        Ok(Reading { value: Value::Array(met), is_collected: true })
    }

    fn exists(&self, path: &Path, item: &Value) -> Found<bool> {
        let mut count = 0_usize;
        let end = self.start(Course { path, absent: Absent::Fails }, Some(item), &mut |_| {
            count += 1;
            Ok(())
        });
        match end {
            Ok(()) => Ok(count > 0 || !path.is_definite()),
            Err(Fault::Invalid) => Ok(false),
            Err(fault @ (Fault::Failed | Fault::Limit(_))) => Err(fault),
        }
    }

    /// Starts at the root or the item; of a document it takes no more than the part that the path names.
    fn start(&self, course: Course<'_>, item: Option<&Value>, sink: Sink<'_>) -> Found<()> {
        let outer = self.scanned_index.take();
        let end = self.start_inside(course, item, sink);
        self.scanned_index.set(outer);
        end
    }

    fn start_inside(&self, course: Course<'_>, item: Option<&Value>, sink: Sink<'_>) -> Found<()> {
        if let (false, Some(item)) = (course.path.from_root, item) {
            return self.visit(course, 0, item, sink);
        }
        let Some(head) = course.path.head() else {
            return self.visit(course, 0, &self.document.document(), sink);
        };
        if let [_, Step::Properties(field), Step::Properties(name), ..] = course.path.steps.as_slice()
            && let ([field], [name]) = (field.as_slice(), name.as_slice())
            && let Some(leaf) = self.document.leaf(head, field, name)
        {
            return self.meet(course, 2, &leaf, sink);
        }
        match course.path.steps.get(1) {
            Some(Step::Properties(names)) if names.len() == 1 => match self.document.part(head, &names[0]) {
                Some(part) => self.meet(course, 1, &part, sink),
                None => course.when_absent(),
            },
            _ => match self.document.head(head) {
                Some(value) => self.meet(course, 0, &value, sink),
                None => course.when_absent(),
            },
        }
    }

    /// Gives the value that step `at` met to the next step, or to the sink.
    fn meet(&self, course: Course<'_>, at: usize, value: &Value, sink: Sink<'_>) -> Found<()> {
        if at + 1 < course.path.steps.len() { self.visit(course, at + 1, value, sink) } else { sink(value) }
    }

    fn visit(&self, course: Course<'_>, at: usize, model: &Value, sink: Sink<'_>) -> Found<()> {
        self.count()?;
        let Some(step) = course.path.steps.get(at) else { return sink(model) };
        match step {
            Step::Properties(names) => self.properties(course, at, names, model, sink),
            Step::Indexes(indexes) => {
                let Some(items) = course.items(at, model)? else { return Ok(()) };
                indexes.iter().try_for_each(|index| self.index(course, at, items, *index, sink))
            }
            Step::Slice { from, to } => {
                let Some(items) = course.items(at, model)? else { return Ok(()) };
                slice(items.len(), *from, *to).try_for_each(|index| self.index(course, at, items, index, sink))
            }
            Step::Wildcard => self.wildcard(course, at, model, sink),
            Step::Scan => self.scan(course, at + 1, model, sink),
            Step::Filter(condition) => self.filter(course, at, condition, model, sink),
            Step::Function { name, parameters } => {
                let result = self.call(name, parameters, model)?;
                sink(&result)?;
                if at + 1 == course.path.steps.len() {
                    return Ok(());
                }
                // Jayway's keys are a set, which no step goes into: for what follows they are like any scalar.
                let model = if name == "keys" { Value::Null } else { result };
                self.visit(course, at + 1, &model, sink)
            }
        }
    }

    fn count(&self) -> Found<()> {
        self.spend(1)
    }

    fn spend(&self, visits: usize) -> Found<()> {
        self.visits.set(self.visits.get().saturating_add(visits));
        if self.visits.get() > VISITS_MAX { Err(Limit::Visits.into()) } else { Ok(()) }
    }

    fn properties(&self, course: Course<'_>, at: usize, names: &[String], model: &Value, sink: Sink<'_>) -> Found<()> {
        let Value::Object(fields) = model else {
            let fails = course.absent == Absent::Fails && course.path.is_definite_before(at);
            return if fails { Err(Fault::Invalid) } else { Ok(()) };
        };
        let is_last = at + 1 == course.path.steps.len();
        if let (true, true) = (is_last, names.len() > 1) {
            return sink(&Value::Object(course.chosen(names, fields)?));
        }
        for name in names {
            match fields.get(name) {
                Some(_) if is_last && self.is_off_the_scan(course, at) => {}
                Some(value) => self.meet(course, at, value, sink)?,
                None => course.when_absent()?,
            }
        }
        Ok(())
    }

    /// Says whether a name after a scan is passed over: once a scan went through an array, `..[n].name` gives the name of
    /// element n only, and any other `..x.name` none. So it is in Jayway.
    fn is_off_the_scan(&self, course: Course<'_>, at: usize) -> bool {
        let Some(index) = self.scanned_index.get() else { return false };
        let before = at.checked_sub(1).and_then(|before| course.path.steps.get(before));
        !matches!(before, Some(Step::Indexes(indexes)) if *indexes == [index])
    }

    fn index(&self, course: Course<'_>, at: usize, items: &[Value], index: i64, sink: Sink<'_>) -> Found<()> {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let position = if index < 0 { length + index } else { index };
        match usize::try_from(position).ok().and_then(|position| items.get(position)) {
            Some(value) => self.meet(course, at, value, sink),
            None => Ok(()),
        }
    }

    fn wildcard(&self, course: Course<'_>, at: usize, model: &Value, sink: Sink<'_>) -> Found<()> {
        match model {
            Value::Object(fields) => fields.values().try_for_each(|value| self.meet(course, at, value, sink)),
            Value::Array(items) => items.iter().try_for_each(|value| self.meet(course, at, value, sink)),
            _ => Ok(()),
        }
    }

    fn filter(&self, course: Course<'_>, at: usize, condition: &Condition, model: &Value, sink: Sink<'_>) -> Found<()> {
        match model {
            Value::Object(_) if self.accepts(condition, model)? => self.meet(course, at, model, sink),
            Value::Object(_) => Ok(()),
            Value::Array(items) => items.iter().try_for_each(|item| {
                if self.accepts(condition, item)? { self.meet(course, at, item, sink) } else { Ok(()) }
            }),
            _ if course.path.is_definite_before(at) => Err(Fault::Invalid),
            _ => Ok(()),
        }
    }

    /// Walks everything below `model` and evaluates step `at`, the one after the scan, where it fits.
    fn scan(&self, course: Course<'_>, at: usize, model: &Value, sink: Sink<'_>) -> Found<()> {
        self.count()?;
        let Some(target) = course.path.steps.get(at) else { return Err(Fault::Invalid) };
        let is_last = at + 1 == course.path.steps.len();
        match model {
            Value::Object(fields) => {
                if self.fits(course, at, target, model)? {
                    self.visit(course, at, model, sink)?;
                }
                fields.values().try_for_each(|value| self.scan(course, at, value, sink))
            }
            Value::Array(items) => {
                if self.fits(course, at, target, model)? {
                    if is_last {
                        self.visit(course, at, model, sink)?;
                    } else {
                        self.scan_items(course, at, items, sink)?;
                    }
                }
                items.iter().try_for_each(|item| self.scan(course, at, item, sink))
            }
            _ => Ok(()),
        }
    }

    fn scan_items(&self, course: Course<'_>, at: usize, items: &[Value], sink: Sink<'_>) -> Found<()> {
        for (index, item) in items.iter().enumerate() {
            if at + 2 == course.path.steps.len() {
                self.scanned_index.set(i64::try_from(index).ok());
            }
            self.visit(course, at + 1, item, sink)?;
        }
        Ok(())
    }

    fn fits(&self, course: Course<'_>, at: usize, target: &Step, model: &Value) -> Found<bool> {
        Ok(match (target, model) {
            (Step::Properties(names), Value::Object(fields)) => {
                let is_definite = names.len() == 1 || at + 1 == course.path.steps.len();
                !is_definite || names.iter().all(|name| fields.contains_key(name))
            }
            (Step::Indexes(_) | Step::Slice { .. }, Value::Array(_)) | (Step::Wildcard, _) => true,
            (Step::Filter(condition), _) => self.accepts(condition, model)?,
            _ => false,
        })
    }

    fn accepts(&self, condition: &Condition, item: &Value) -> Found<bool> {
        match self.judges(condition, item) {
            Err(Fault::Invalid) => Ok(false),
            judged => judged,
        }
    }

    fn judges(&self, condition: &Condition, item: &Value) -> Found<bool> {
        self.count()?;
        match condition {
            Condition::Any(conditions) => {
                for condition in conditions {
                    if self.judges(condition, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::All(conditions) => {
                for condition in conditions {
                    if !self.judges(condition, item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Not(condition) => self.judges(condition, item).map(|held| !held),
            Condition::Exists { path, wanted } => self.exists(path, item).map(|exists| exists == *wanted),
            Condition::Compare { left, operator, right } => {
                let (left, right) = (self.operand(left, item)?, self.operand(right, item)?);
                if *operator == Operator::Matches {
                    self.spend(left.matching_cost().saturating_add(right.matching_cost()))?;
                }
                holds(&left, *operator, &right)
            }
        }
    }

    fn operand(&self, term: &Term, item: &Value) -> Found<Operand> {
        Ok(match term {
            Term::Null => Operand::Null,
            Term::Bool(flag) => Operand::Bool(*flag),
            Term::Number(number) => Operand::Number(number.clone()),
            Term::Text(text) => Operand::Text(text.clone()),
            Term::Json(text) => Operand::Literal(text.clone()),
            Term::Pattern(pattern) => Operand::Pattern(pattern.clone()),
            Term::Path(path) => {
                let mut copier = Copier::default();
                let reading = self.read(path, Some(item), &mut copier)?;
                self.spend(copier.copied())?;
                if path.ends_in_keys() && reading.value.is_array() {
                    return Err(Fault::Failed);
                }
                Operand::of(reading.value)
            }
        })
    }

    fn call(&self, name: &str, parameters: &[Parameter], model: &Value) -> Found<Value> {
        let mut copier = Copier::default();
        if let ("length" | "size", Some(first)) = (name, parameters.first())
            && let Some(length) = self.length_of(first, model)?
        {
            return Ok(length);
        }
        let arguments = parameters.iter().map(|parameter| match parameter {
            Parameter::Json(text) => Argument::from_json(text),
            Parameter::Path(path) => self.read(path, None, &mut copier).map(|reading| Argument::Path(reading.value)),
        });
        let result = function::call(name, model, &arguments.collect::<Found<Vec<_>>>()?)?;
        self.spend(copier.copied())?;
        Ok(result)
    }

    /// Counts the children of what `length($.path)` names below the value; for a definite path Jayway takes the last child for
    /// the answer, and only an array has a length.
    fn length_of(&self, parameter: &Parameter, model: &Value) -> Found<Option<Value>> {
        let Parameter::Path(path) = parameter else { return Err(Fault::Failed) };
        let below = Walk {
            document: &crate::workflow::expressions::lookup::DocumentLookup(model),
            visits: Cell::new(self.visits.get()),
            scanned_index: Cell::new(None),
        };
        let mut children = 0_usize;
        let mut last_length = None;
        let definite = path.is_definite();
        below.start(Course { path, absent: Absent::Passes }, None, &mut |value| {
            let (count, last) = match value {
                Value::Array(items) => (items.len(), items.last()),
                Value::Object(fields) => (fields.len(), fields.values().next_back()),
                _ => (0, None),
            };
            children += count;
            last_length = last.and_then(Value::as_array).map(Vec::len);
            Ok(())
        })?;
        Ok(if definite { last_length.map(Value::from) } else { Some(Value::from(children)) })
    }
}

impl Path {
    fn ends_in_keys(&self) -> bool {
        matches!(self.steps.last(), Some(Step::Function { name, .. }) if name == "keys")
    }
}

/// Returns the indexes of a slice. Between two bounds a negative start counts from the end, a negative end does not.
fn slice(length: usize, from: Option<i64>, to: Option<i64>) -> std::ops::Range<i64> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    match (from, to) {
        (Some(from), None) if from < 0 => (length + from).max(0)..length,
        (Some(from), None) => from..length,
        (None, Some(to)) => 0..if to < 0 { length + to } else { to.min(length) },
        (Some(from), Some(to)) => from.max(-length)..to.min(length),
        (None, None) => 0..0,
    }
}
