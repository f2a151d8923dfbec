use super::cursor::Cursor;
use super::filter::Condition;
use super::literal::unescape;
use super::{Fault, Found, PATH_CHARACTERS_MAX, Parameter, Path, STEPS_MAX, Step};
use crate::workflow::expressions::limit::Limit;

impl Path {
    /// Reads a path; one that does not start with `$` or `@` starts at the root.
    pub(in super::super) fn parse(text: &str) -> Found<Self> {
        Self::parse_at(text, 0)
    }

    pub(super) fn parse_at(text: &str, depth: usize) -> Found<Self> {
        if text.chars().nth(PATH_CHARACTERS_MAX).is_some() {
            return Err(Limit::Characters.into());
        }
        let rooted = text.starts_with(['$', '@']);
        let full = if rooted { text.to_owned() } else { format!("$.{text}") };
        let full = full.trim_end_matches(' ');
        if full.ends_with('.') {
            return Err(Fault::Invalid);
        }
        Parser { cursor: Cursor::new(full), steps: Vec::new(), depth }.path()
    }
}

struct Parser {
    cursor: Cursor,
    steps: Vec<Step>,
    depth: usize,
}

impl Parser {
    fn path(mut self) -> Found<Path> {
        while matches!(self.cursor.current()?, ' ' | '\t' | '\n' | '\r') {
            self.cursor.advance(1);
        }
        let from_root = match self.cursor.current()? {
            '$' => true,
            '@' => false,
            _ => return Err(Fault::Invalid),
        };
        if !self.cursor.is_tail() {
            self.cursor.advance(1);
            if !matches!(self.cursor.current()?, '.' | '[') {
                return Err(Fault::Invalid);
            }
            self.all_steps()?;
        }
        self.invert_scan();
        Ok(Path { from_root, steps: self.steps })
    }

    fn all_steps(&mut self) -> Found<()> {
        loop {
            if self.steps.len() >= STEPS_MAX {
                return Err(Limit::Steps.into());
            }
            self.step()?;
            if self.cursor.is_tail() {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Found<()> {
        if self.cursor.current()? == '.' {
            self.dot()?;
        }
        match self.cursor.current()? {
            '[' => self.bracket(),
            '*' => {
                self.steps.push(Step::Wildcard);
                self.cursor.advance(1);
                Ok(())
            }
            '.' | ' ' => Err(Fault::Invalid),
            _ => self.name(),
        }
    }

    fn dot(&mut self) -> Found<()> {
        let at = self.cursor.position();
        if self.cursor.get(at + 1) == Some('.') {
            self.steps.push(Step::Scan);
            self.cursor.advance(1);
        }
        self.cursor.advance(1);
        if self.cursor.current()? == '.' { Err(Fault::Invalid) } else { Ok(()) }
    }

    /// Reads `name` or `name(…)`. After a call without arguments the position stays on its `)`, which then reads as one more
    /// name when the path goes on: so it is there.
    fn name(&mut self) -> Found<()> {
        let start = self.cursor.position();
        let mut end = start;
        while let Some(character) = self.cursor.get(end) {
            match character {
                ' ' => return Err(Fault::Invalid),
                '.' | '[' | '(' => break,
                _ => end += 1,
            }
        }
        let name = self.cursor.text(start, end);
        if self.cursor.get(end) != Some('(') {
            self.cursor.move_to(end);
            self.steps.push(Step::Properties(vec![name]));
            return Ok(());
        }
        self.require_closed(end)?;
        let mut parameters = Vec::new();
        if self.cursor.get(end + 1) == Some(')') {
            self.cursor.move_to(end + 1);
        } else {
            self.cursor.move_to(end + 1);
            parameters = self.parameters()?;
        }
        self.steps.push(Step::Function { name, parameters });
        Ok(())
    }

    fn require_closed(&self, open: usize) -> Found<()> {
        let mut depth = 0_usize;
        for at in open..self.cursor.len() {
            match self.cursor.get(at) {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(Fault::Invalid)
    }

    /// Reads the arguments of a call: JSON that starts with `{`, a digit, `"` or `-`, or a path. Anything else is skipped.
    fn parameters(&mut self) -> Found<Vec<Parameter>> {
        let mut parameters = Vec::new();
        let mut groups = Groups { parentheses: 1, ..Groups::default() };
        let mut open: Option<Argument> = None;
        let mut prior = '\0';
        let mut is_over = false;
        while self.cursor.in_bounds() && !is_over {
            let character = self.cursor.current()?;
            self.cursor.advance(1);
            if open.is_none() {
                if matches!(character, ' ' | '\t' | '\n' | '\r') {
                    continue;
                }
                open = Argument::starting_with(character);
            }
            groups.count(character, prior)?;
            if character == ')'
                && prior == '('
                && let Some(argument) = &mut open
            {
                argument.text.push(character);
            }
            let ends = groups.are_flat()
                && ((character == ')' && groups.parentheses == 0)
                    || (matches!(character, ',' | ')') && groups.parentheses == 1));
            let is_dropped = character == ',' && groups.parentheses == 1 && groups.brackets == 0 && groups.braces == 0;
            if ends {
                is_over = groups.parentheses == 0;
                if let Some(argument) = open.take() {
                    parameters.push(argument.finish(self.depth)?);
                }
            } else if let Some(argument) = &mut open
                && !is_dropped
                && !(character == ')' && prior == '(')
            {
                argument.text.push(character);
            }
            prior = character;
        }
        if groups.are_closed() { Ok(parameters) } else { Err(Fault::Invalid) }
    }

    fn bracket(&mut self) -> Found<()> {
        let open = self.cursor.position();
        let first = self.cursor.next_significant(open).ok_or(Fault::Invalid)?;
        match self.cursor.get(first) {
            Some(quote @ ('\'' | '"')) => self.quoted_names(quote),
            Some('*') => {
                let close = self.cursor.next_is(first, ']').ok_or(Fault::Invalid)?;
                self.finish(close, Step::Wildcard);
                Ok(())
            }
            Some('?') => self.filter(first),
            Some(character) if character.is_ascii_digit() || matches!(character, '-' | ':') => self.positions(open),
            _ => Err(Fault::Invalid),
        }
    }

    fn finish(&mut self, close: usize, step: Step) {
        self.steps.push(step);
        self.cursor.move_to(close + 1);
    }

    fn quoted_names(&mut self, quote: char) -> Found<()> {
        let mut names = Vec::new();
        let mut start = None;
        let mut after_comma = false;
        let mut last_end = self.cursor.position();
        let mut at = last_end + 1;
        while let Some(character) = self.cursor.get(at) {
            match (character, start) {
                ('\\', _) => at += 1,
                (']', None) => break,
                (',', None) if after_comma => return Err(Fault::Invalid),
                (',', None) => after_comma = true,
                (found, None) if found == quote => {
                    start = Some(at + 1);
                    after_comma = false;
                }
                (found, Some(from)) if found == quote => {
                    let next = self.cursor.next_significant(at).and_then(|next| self.cursor.get(next));
                    if !matches!(next, Some(']' | ',')) {
                        return Err(Fault::Invalid);
                    }
                    names.push(unescape(&self.cursor.text(from, at))?);
                    last_end = at;
                    start = None;
                }
                _ => {}
            }
            at += 1;
        }
        if start.is_some() || after_comma || names.is_empty() {
            return Err(Fault::Invalid);
        }
        let close = self.cursor.next_is(last_end, ']').ok_or(Fault::Invalid)?;
        self.finish(close, Step::Properties(names));
        Ok(())
    }

    fn positions(&mut self, open: usize) -> Found<()> {
        let close = self.cursor.find(open + 1, ']').ok_or(Fault::Invalid)?;
        let text = self.cursor.text(open + 1, close);
        let text = text.trim();
        if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '-' | ':' | ' ')) {
            return Err(Fault::Invalid);
        }
        let step = if text.contains(':') { slice(text)? } else { indexes(text)? };
        self.finish(close, step);
        Ok(())
    }

    fn filter(&mut self, mark: usize) -> Found<()> {
        let parenthesis = self.cursor.next_is(mark, '(').ok_or(Fault::Invalid)?;
        let end = self.cursor.closing(parenthesis, '(', ')', true).ok_or(Fault::Invalid)?;
        let close = self.cursor.next_is(end, ']').ok_or(Fault::Invalid)?;
        let condition = Condition::parse(&self.cursor.text(parenthesis, end + 1), self.depth + 1)?;
        self.finish(close, Step::Filter(condition));
        Ok(())
    }

    /// Turns `$..path.function()` into `$.function($..path)`, which is what such a path means.
    fn invert_scan(&mut self) {
        let ends_in_call = matches!(self.steps.last(), Some(Step::Function { .. }));
        if !ends_in_call || !matches!(self.steps.first(), Some(Step::Scan)) {
            return;
        }
        let Some(call) = self.steps.iter().position(|step| matches!(step, Step::Function { .. })) else { return };
        let rest = self.steps.split_off(call);
        let inner = Path { from_root: true, steps: std::mem::take(&mut self.steps) };
        let mut inner = Some(inner);
        self.steps = rest
            .into_iter()
            .map(|step| match (step, inner.take()) {
                (Step::Function { name, .. }, Some(path)) => {
                    Step::Function { name, parameters: vec![Parameter::Path(path)] }
                }
                (step, _) => step,
            })
            .collect();
    }
}

fn slice(text: &str) -> Found<Step> {
    if text.contains(' ') {
        return Err(Fault::Invalid);
    }
    let mut bounds = text.split(':').map(|part| match part {
        "" => Ok(None),
        number => number.parse::<i32>().map(|number| Some(i64::from(number))).map_err(|_| Fault::Invalid),
    });
    let from = bounds.next().transpose()?.flatten();
    let to = bounds.next().transpose()?.flatten();
    if from.is_none() && to.is_none() { Err(Fault::Invalid) } else { Ok(Step::Slice { from, to }) }
}

fn indexes(text: &str) -> Found<Step> {
    text.split(',')
        .map(|part| part.trim().parse::<i32>().map(i64::from).map_err(|_| Fault::Invalid))
        .collect::<Found<Vec<_>>>()
        .map(Step::Indexes)
}

/// An argument while it is read.
struct Argument {
    is_path: bool,
    text: String,
}

impl Argument {
    fn starting_with(character: char) -> Option<Self> {
        let is_path = matches!(character, '$' | '@');
        let is_json = character.is_ascii_digit() || matches!(character, '{' | '"' | '-');
        (is_path || is_json).then_some(Self { is_path, text: String::new() })
    }

    fn finish(self, depth: usize) -> Found<Parameter> {
        if !self.is_path {
            return Ok(Parameter::Json(self.text));
        }
        if depth >= super::FILTER_DEPTH_MAX {
            return Err(Limit::Conditions.into());
        }
        Path::parse_at(&self.text, depth + 1).map(Parameter::Path)
    }
}

/// How deep in brackets the reading of arguments is.
#[derive(Default)]
struct Groups {
    parentheses: usize,
    brackets: usize,
    braces: usize,
    quotes: usize,
}

impl Groups {
    fn count(&mut self, character: char, prior: char) -> Found<()> {
        let less = |depth: usize| depth.checked_sub(1).ok_or(Fault::Invalid);
        match character {
            '"' if prior != '\\' && self.quotes > 0 => self.quotes -= 1,
            '"' => self.quotes += 1,
            '(' => self.parentheses += 1,
            '[' => self.brackets += 1,
            '{' => self.braces += 1,
            ')' => self.parentheses = less(self.parentheses)?,
            ']' => self.brackets = less(self.brackets)?,
            '}' => self.braces = less(self.braces)?,
            _ => {}
        }
        Ok(())
    }

    fn are_flat(&self) -> bool {
        self.brackets == 0 && self.braces == 0 && self.quotes == 0
    }

    fn are_closed(&self) -> bool {
        self.parentheses == 0 && self.brackets == 0 && self.braces == 0
    }
}
