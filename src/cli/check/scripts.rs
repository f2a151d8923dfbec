//! Whether the scripts of definitions can be read: asked of the children that would evaluate them.

use crate::engine::Language;
use crate::executor::script::{Bench, Evaluator};
use crate::words::Diagnostic;
use crate::workflow::check::{ScriptText, Scripting, scripts};
use crate::workflow::load::Loaded;

/// Returns a problem for each script that cannot be read.
pub(super) fn unreadable(files: &[Loaded]) -> Vec<Diagnostic> {
    let mut bench = Bench::new(Evaluator::this_program());
    let files: Vec<_> = files.iter().collect();
    let problem = |script: &ScriptText<'_>| {
        let language = match script.scripting {
            Scripting::JavaScript => Language::JavaScript,
            Scripting::Jq => Language::Jq,
        };
        bench.read(language, script.text).err().map(|why| script.unreadable(&why))
    };
    scripts(&files).iter().filter_map(problem).collect()
}
