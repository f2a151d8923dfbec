//! JavaScript: a fresh interpreter for each script, with nothing in it but the language and `$`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::EvalOptions;
use rquickjs::{Context, Ctx, Error, Function, Object, Runtime, Value};

use super::frame::Said;
use super::limits::{Limits, STACK_BYTES};
use super::numbers::Known;

/// What prepares the input and reads the result.
const PRELUDE: &str = include_str!("prelude.js");
/// What a stack calls the script.
const SCRIPT: &str = "script";

/// Evaluates a script over its input; what its last statement gives is the result.
pub(super) fn evaluate(source: &str, input: &str, limits: &Limits) -> Said {
    let stopped = Rc::new(Cell::new(false));
    let Ok(runtime) = Runtime::new() else { return Said::Failed(limits.too_hungry()) };
    runtime.set_memory_limit(limits.memory_bytes);
    runtime.set_max_stack_size(STACK_BYTES);
    let (until, flag) = (Instant::now() + limits.wall(), stopped.clone());
    runtime.set_interrupt_handler(Some(Box::new(move || {
        let over = Instant::now() >= until;
        flag.set(flag.get() || over);
        over
    })));
    let Ok(context) = Context::full(&runtime) else { return Said::Failed(limits.too_hungry()) };
    let said = context.with(|ctx| within(&ctx, source, input, limits));
    if stopped.get() { Said::Failed(limits.too_long()) } else { said }
}

fn within(ctx: &Ctx<'_>, source: &str, input: &str, limits: &Limits) -> Said {
    let Ok(prelude) = ctx.eval::<Object<'_>, _>(PRELUDE) else { return Said::Failed(limits.too_hungry()) };
    match run(ctx, &prelude, source, input).map(|text| Known::of(input).settled(text)) {
        Ok(text) if text.len() > limits.output_bytes => Said::Failed(limits.too_large()),
        Ok(text) => Said::Gave(text),
        Err(error) => Said::Failed(failure(ctx, &prelude, &error, source, limits)),
    }
}

fn run<'js>(ctx: &Ctx<'js>, prelude: &Object<'js>, source: &str, input: &str) -> Result<String, Error> {
    let read: Function<'js> = prelude.get("input")?;
    let give: Function<'js> = prelude.get("result")?;
    let input: Value<'js> = read.call((input,))?;
    ctx.globals().set("$", input)?;
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(SCRIPT.to_owned());
    let value: Value<'js> = ctx.eval_with_options(source, options)?;
    give.call((value,))
}

/// Says what went wrong in Conductor's words.
fn failure<'js>(ctx: &Ctx<'js>, prelude: &Object<'js>, error: &Error, source: &str, limits: &Limits) -> String {
    let told = error.is_exception().then(|| {
        let tell: Function<'js> = prelude.get("error")?;
        tell.call::<_, Vec<String>>((ctx.catch(),))
    });
    let Some(Ok(told)) = told else {
        // Not even an error could be made of it.
        return limits.too_hungry();
    };
    let (text, stack) = (told.first().map_or("", String::as_str), told.get(1).map_or("", String::as_str));
    // Where no memory is left for the error itself, the interpreter throws null.
    let out_of_memory = text == "InternalError: out of memory" || (text == "null" && !source.contains("throw"));
    if out_of_memory {
        return limits.too_hungry();
    }
    let place = line(stack, source).map(|line| format!(" at line {line}")).unwrap_or_default();
    format!("Error evaluating the script `{}`{place}", in_javas_words(text))
}

/// What the interpreter says, and how GraalJS says it.
const WORDS: [(&str, &str); 8] = [
    (": cannot read property", ": Cannot read property"),
    (": cannot set property", ": Cannot set property"),
    (": cannot convert BigInt to number", ": Cannot convert a BigInt value to a number"),
    (": cannot convert symbol to string", ": Cannot convert a Symbol value to a string"),
    (": invalid array length", ": Invalid array length"),
    (": invalid repeat count", ": illegal repeat count"),
    (": empty array", ": Reduce of empty array with no initial value"),
    (" is not initialized", " is not defined"),
];

fn in_javas_words(text: &str) -> String {
    if let Some(rest) = text.strip_suffix("' is read-only") {
        return format!("{}\"", rest.replacen(": '", ": Assignment to constant \"", 1));
    }
    let said = WORDS.iter().find(|(said, _)| text.contains(said));
    said.map_or_else(|| text.to_owned(), |(said, wanted)| text.replacen(said, wanted, 1))
}

/// Returns the line where it happened: the first of the stack, else that of the only `throw`. Without a stack there is none,
/// nor where what the language brings along found the fault.
fn line(stack: &str, source: &str) -> Option<usize> {
    let is_built_in = stack.lines().next().is_some_and(|first| first.ends_with("(native)"));
    if stack.is_empty() || is_built_in {
        return None;
    }
    let place = stack.split_once(&format!("{SCRIPT}:")).map(|(_, place)| place);
    let digits = place.map(|place| place.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    if let Some(Ok(line)) = digits.map(str::parse) {
        return Some(line);
    }
    let mut throws = (1..).zip(source.lines()).filter(|(_, text)| text.contains("throw")).map(|(line, _)| line);
    match (throws.next(), throws.next(), source.lines().count()) {
        (_, _, 0 | 1) => Some(1),
        (Some(line), None, _) => Some(line),
        _ => None,
    }
}
