//! Rewrites a filter where the library's operators do otherwise than Conductor's: an update below what is not there yet
//! makes it, a division by zero is an error, a number without a fraction is an index however it is written, and a text
//! shows numbers as Java does. What the calls do that are put in is in `jq.jq`.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part, Path};

type Filter<'s> = Term<&'s str>;
type Parts<'s> = Vec<(Part<Filter<'s>>, Opt)>;

/// Holds what an assignment assigns.
const ASSIGNED: &str = "$assigned__";
/// Hold the indices of a path that are read from the input; a path with more of them is the library's to update.
const INDICES: [&str; 4] = ["$index0__", "$index1__", "$index2__", "$index3__"];

/// Rewrites a filter and all in it.
pub(super) fn rewritten(filter: Filter<'_>) -> Filter<'_> {
    match filter {
        Term::BinOp(left, operator, right) => operation(rewritten(*left), operator, rewritten(*right)),
        Term::Arr(items) => Term::Arr(items.map(|below| Box::new(rewritten(*below)))),
        Term::Obj(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (rewritten(key), value.map(rewritten)));
            Term::Obj(fields.collect())
        }
        Term::Neg(term) => Term::Neg(Box::new(rewritten(*term))),
        Term::Label(name, term) => Term::Label(name, Box::new(rewritten(*term))),
        Term::Fold(name, from, pattern, steps) => {
            Term::Fold(name, Box::new(rewritten(*from)), pattern, steps.into_iter().map(rewritten).collect())
        }
        Term::TryCatch(tried, caught) => {
            Term::TryCatch(Box::new(rewritten(*tried)), caught.map(|below| Box::new(rewritten(*below))))
        }
        Term::IfThenElse(ways, otherwise) => {
            let ways = ways.into_iter().map(|(condition, way)| (rewritten(condition), rewritten(way)));
            Term::IfThenElse(ways.collect(), otherwise.map(|below| Box::new(rewritten(*below))))
        }
        Term::Def(defs, term) => {
            let defs = defs.into_iter().map(|def| Def { body: rewritten(def.body), ..def });
            Term::Def(defs.collect(), Box::new(rewritten(*term)))
        }
        Term::Call(name, arguments) => Term::Call(name, arguments.into_iter().map(rewritten).collect()),
        Term::Path(base, Path(parts)) => Term::Path(
            Box::new(rewritten(*base)),
            Path(parts.into_iter().map(|(part, opt)| (indexed(part), opt)).collect()),
        ),
        Term::Str(format, parts) => {
            let text = |term| match format {
                None => binary(rewritten(term), BinaryOp::Pipe(None), Term::Call("text__", Vec::new())),
                Some(_) => rewritten(term),
            };
            let part = |part| match part {
                StrPart::Term(term) => StrPart::Term(text(term)),
                plain @ (StrPart::Str(_) | StrPart::Char(_)) => plain,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        plain @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_)) => plain,
    }
}

fn indexed(part: Part<Filter<'_>>) -> Part<Filter<'_>> {
    let index = |index| match rewritten(index) {
        literal @ (Term::Str(..) | Term::Num(_)) => literal,
        computed => Term::Call("index__", vec![computed]),
    };
    match part {
        Part::Index(at) => Part::Index(index(at)),
        Part::Range(from, to) => Part::Range(from.map(index), to.map(index)),
    }
}

fn operation<'s>(left: Filter<'s>, operator: BinaryOp<&'s str>, right: Filter<'s>) -> Filter<'s> {
    let assigned = || Term::Var(ASSIGNED);
    let of_old = |operator: BinaryOp<&'s str>| operation(Term::Id, operator, assigned());
    match operator {
        BinaryOp::Math(Math::Div) if !is_divisor(&right) => Term::Call("divide__", vec![left, right]),
        BinaryOp::Update => update(left, right),
        BinaryOp::Assign => bound(right, ASSIGNED, update(left, assigned())),
        BinaryOp::UpdateMath(math) => bound(right, ASSIGNED, update(left, of_old(BinaryOp::Math(math)))),
        BinaryOp::UpdateAlt => bound(right, ASSIGNED, update(left, of_old(BinaryOp::Alt))),
        other => binary(left, other, right),
    }
}

/// Returns whether something can be divided by a term, whatever it is.
fn is_divisor(term: &Filter<'_>) -> bool {
    matches!(term, Term::Num(digits) if digits.parse::<f64>().is_ok_and(|number| number != 0.0))
}

/// Updates what a path names, from the outside in.
fn update<'s>(target: Filter<'s>, new: Filter<'s>) -> Filter<'s> {
    match target {
        Term::Id => new,
        Term::BinOp(left, BinaryOp::Pipe(None), right) => update(*left, update(*right, new)),
        Term::BinOp(left, BinaryOp::Comma, right) => {
            binary(update(*left, new.clone()), BinaryOp::Pipe(None), update(*right, new))
        }
        Term::Path(base, Path(parts)) => match held(parts) {
            Ok((parts, indices)) => {
                let new = parts.into_iter().rev().fold(new, |new, part| update_part(part, new));
                let updated = update(*base, new);
                indices.into_iter().rev().fold(updated, |updated, (name, index)| bound(index, name, updated))
            }
            Err(parts) => binary(Term::Path(base, Path(parts)), BinaryOp::Update, new),
        },
        other => binary(other, BinaryOp::Update, new),
    }
}

fn update_part<'s>((part, opt): (Part<Filter<'s>>, Opt), new: Filter<'s>) -> Filter<'s> {
    match (part, opt) {
        (Part::Index(index), Opt::Essential) => Term::Call("up__", vec![index, new]),
        (part, opt) => binary(Term::Path(Box::new(Term::Id), Path(vec![(part, opt)])), BinaryOp::Update, new),
    }
}

type Held<'s> = (Parts<'s>, Vec<(&'static str, Filter<'s>)>);

/// Puts variables in place of what a path reads from the input of the whole path; fails where an index may be several.
fn held(parts: Parts<'_>) -> Result<Held<'_>, Parts<'_>> {
    let terms = parts.iter().flat_map(|(part, _)| match part {
        Part::Index(index) => [Some(index), None],
        Part::Range(from, to) => [from.as_ref(), to.as_ref()],
    });
    let computed = |term: &&Filter<'_>| !matches!(term, Term::Num(_)) && !is_text(term);
    let computed: Vec<_> = terms.flatten().filter(computed).collect();
    if computed.len() > INDICES.len() || !computed.into_iter().all(is_single) {
        return Err(parts);
    }
    let (mut indices, mut names) = (Vec::new(), INDICES.iter());
    let mut hold = |term| match term {
        literal @ Term::Num(_) => literal,
        text if is_text(&text) => text,
        computed => match names.next() {
            Some(name) => {
                indices.push((*name, computed));
                Term::Var(*name)
            }
            None => computed,
        },
    };
    let parts = parts.into_iter().map(|(part, opt)| match part {
        Part::Index(index) => (Part::Index(hold(index)), opt),
        Part::Range(from, to) => (Part::Range(from.map(&mut hold), to.map(&mut hold)), opt),
    });
    let parts = parts.collect();
    Ok((parts, indices))
}

fn is_text(term: &Filter<'_>) -> bool {
    matches!(term, Term::Str(None, parts) if parts.iter().all(|part| !matches!(part, StrPart::Term(_))))
}

/// Returns whether a term gives one value: then it can be held while the path is gone down.
fn is_single(term: &Filter<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) => true,
        Term::Neg(term) => is_single(term),
        Term::Str(_, parts) => parts.iter().all(|part| match part {
            StrPart::Term(term) => is_single(term),
            StrPart::Str(_) | StrPart::Char(_) => true,
        }),
        Term::Call(name, arguments) => {
            matches!(*name, "length" | "index__" | "text__" | "divide__") && arguments.iter().all(is_single)
        }
        Term::BinOp(left, BinaryOp::Pipe(None) | BinaryOp::Math(_), right) => is_single(left) && is_single(right),
        Term::Path(base, Path(parts)) => {
            let single = |(part, opt): &(Part<Filter<'_>>, Opt)| matches!((part, opt), (Part::Index(index), Opt::Essential) if is_single(index));
            is_single(base) && parts.iter().all(single)
        }
        _ => false,
    }
}

fn bound<'s>(value: Filter<'s>, name: &'static str, filter: Filter<'s>) -> Filter<'s> {
    binary(value, BinaryOp::Pipe(Some(Pattern::Var(name))), filter)
}

fn binary<'s>(left: Filter<'s>, operator: BinaryOp<&'s str>, right: Filter<'s>) -> Filter<'s> {
    Term::BinOp(Box::new(left), operator, Box::new(right))
}
