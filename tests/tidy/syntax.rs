//! As much of Rust's syntax as `tidy` needs: what is code, what is a test, and which paths a module names.

use std::path::{Path, PathBuf};

/// One file of the library.
pub(crate) struct Module {
    /// The file, below the project.
    pub(crate) file: PathBuf,
    /// Its module path: `["executor", "http"]`.
    pub(crate) path: Vec<String>,
    /// Its text as it stands.
    pub(crate) text: String,
    /// Its text with comments, literals and test items blanked; line numbers stay.
    code: String,
    /// The modules that it declares for tests alone.
    tests: Vec<String>,
}

/// A path that a module names, with imports spelled out.
pub(crate) struct Use {
    /// Where, from 1.
    pub(crate) line: usize,
    /// The path, segments joined by `::`; a macro ends in `!`.
    pub(crate) path: String,
}

impl Module {
    /// Takes a file's text apart.
    pub(crate) fn read(file: &Path, text: &str) -> Self {
        let mut path: Vec<String> =
            file.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
        if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            path.pop();
        }
        let (code, tests) = without_tests(&without_comments_and_texts(text));
        Self { file: file.to_owned(), path, text: text.to_owned(), code, tests }
    }

    /// Returns the room this belongs to; the crate's own two roots belong to none.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.first().map(String::as_str)
    }

    /// Returns whether this is the module `path` (`executor::http`) or below it.
    pub(crate) fn is_within(&self, path: &str) -> bool {
        let outer: Vec<&str> = path.split("::").collect();
        self.path.len() >= outer.len() && self.path.iter().zip(outer).all(|(mine, outer)| mine == outer)
    }

    /// Returns the modules that it declares under `#[cfg(test)]`, as full paths.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let full = |name: &String| self.path.iter().chain([name]).cloned().collect::<Vec<_>>().join("::");
        self.tests.iter().map(full).collect()
    }

    /// Returns how many lines are not test code.
    pub(crate) fn product_lines(&self) -> usize {
        let test_lines = self.code.matches(TEST_LINE).count();
        self.text.lines().count() - test_lines
    }

    /// Returns every path that the code names, with its line.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let tokens = tokens(&self.code);
        let mut uses = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            at = match tokens[at].text {
                "use" => tree(&tokens, at + 1, &[], &mut uses),
                text if is_word(text) => run(&tokens, at, &mut uses),
                _ => at + 1,
            };
        }
        for named in &mut uses {
            named.path = self.resolved(&named.path);
        }
        uses
    }

    /// Spells out `super`, so that `super::super::journal` is `crate::journal`.
    fn resolved(&self, path: &str) -> String {
        let ups = path.split("::").take_while(|segment| *segment == "super").count();
        if ups == 0 || ups > self.path.len() {
            return path.to_owned();
        }
        let rest = path.split("::").skip(ups).map(str::to_owned);
        let whole: Vec<String> = self.path[..self.path.len() - ups].iter().cloned().chain(rest).collect();
        format!("crate::{}", whole.join("::"))
    }
}

/// What stands in for each line of test code.
const TEST_LINE: char = '\u{1}';

struct Token<'a> {
    line: usize,
    text: &'a str,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(Token { line, text: &rest[..length] });
        }
        line += usize::from(first == '\n');
        at += length;
    }
    found
}

/// Reads `a::b::c` in code and returns where it ends.
fn run(tokens: &[Token<'_>], start: usize, uses: &mut Vec<Use>) -> usize {
    let mut path = vec![tokens[start].text];
    let mut at = start + 1;
    while tokens.get(at).is_some_and(|token| token.text == "::") && tokens.get(at + 1).is_some_and(|t| is_word(t.text))
    {
        path.push(tokens[at + 1].text);
        at += 2;
    }
    let is_macro = tokens.get(at).is_some_and(|t| t.text == "!") && tokens.get(at + 1).is_some_and(|t| t.text != "=");
    let end = if is_macro { "!" } else { "" };
    uses.push(Use { line: tokens[start].line, path: format!("{}{end}", path.join("::")) });
    at
}

/// Reads a tree of an import, one path for each leaf, and returns where it ends.
fn tree(tokens: &[Token<'_>], start: usize, prefix: &[&str], uses: &mut Vec<Use>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = start;
    let mut named = false;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|t| t.text != "}") {
                    at = tree(tokens, at, &path, uses);
                    at += usize::from(tokens.get(at).is_some_and(|t| t.text == ","));
                }
                return at + 1;
            }
            "as" => at += 2,
            "self" if !path.is_empty() => {
                named = true;
                at += 1;
            }
            text if is_word(text) || text == "*" => {
                path.push(text);
                named = true;
                at += 1;
            }
            _ => break,
        }
    }
    if named {
        uses.push(Use { line: tokens[at.saturating_sub(1)].line, path: path.join("::") });
    }
    at.max(start + usize::from(!named))
}

/// Blanks comments, text and character literals; every other character stays where it is.
fn without_comments_and_texts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let after_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = if let Some(length) = literal(rest, after_word) {
            out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            length
        } else {
            let first = rest.chars().next().expect("the rest is not empty");
            out.push(first);
            first.len_utf8()
        };
        at += length;
    }
    out
}

/// Returns the length of the comment or literal that `rest` starts with.
fn literal(rest: &str, after_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if let Some(body) = rest.strip_prefix('"') {
        return Some(1 + quoted(body, '"'));
    }
    if !after_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br")) {
        let body = rest.trim_start_matches('b').trim_start_matches('r');
        let hashes = body.len() - body.trim_start_matches('#').len();
        if body[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let opened = rest.len() - body.len() + hashes + 1;
            return Some(rest[opened..].find(&end).map_or(rest.len(), |at| opened + at + end.len()));
        }
    }
    if let Some(body) = rest.strip_prefix('\'') {
        // `'a` alone is a lifetime, `'a'` and `'\n'` are characters.
        let mut chars = body.chars();
        let is_char = chars.next() == Some('\\') || chars.next() == Some('\'');
        return is_char.then(|| 1 + quoted(body, '\''));
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Returns the length up to and with the closing `quote`.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

/// Blanks every item under `#[cfg(test)]` and returns the names of the modules that live in files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = String::with_capacity(code.len());
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let length = item_length(item);
        let words: Vec<&str> = item[..length].split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        if let Some(name) = words.windows(2).find(|pair| pair[0] == "mod").filter(|_| item[..length].ends_with(';')) {
            modules.push(name[1].to_owned());
        }
        let lines = item[..length].matches('\n').count();
        (0..lines).for_each(|_| out.extend([TEST_LINE, '\n']));
        rest = &item[length..];
    }
    out.push_str(rest);
    (out, modules)
}

/// Returns how far an item goes: to its `;`, or to the brace that closes its body.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

#[test]
fn paths_are_found_through_trees_aliases_and_macros() {
    let text = "use std::{fs::{self as files, read}, env};\n// std::process::exit\nfn f() { eprintln!(\"std::thread\"); a::b::c(); }";
    let module = Module::read(Path::new("src/engine/mod.rs"), text);
    let found: Vec<String> = module.uses().into_iter().map(|named| format!("{}:{}", named.line, named.path)).collect();
    for expected in ["1:std::fs", "1:std::fs::read", "1:std::env", "3:eprintln!", "3:a::b::c"] {
        assert!(found.iter().any(|path| path == expected), "{expected} is not in {found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("process") || path.contains("thread")), "{found:?}");
}

#[test]
fn test_code_is_exempt_and_does_not_count() {
    let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn g() { '}'; }\n}\nfn h() { std::env::var(\"x\"); }\n";
    let module = Module::read(Path::new("src/engine/mod.rs"), text);
    let found: Vec<Use> = module.uses();
    assert!(!found.iter().any(|named| named.path.contains("fs")));
    assert!(found.iter().any(|named| named.path == "std::env::var" && named.line == 7));
    assert_eq!(module.product_lines(), 3);
    let outer = Module::read(Path::new("src/engine/mod.rs"), "#[cfg(test)]\nmod tests;\n");
    assert_eq!(outer.test_modules(), ["engine::tests"]);
}

#[test]
fn super_that_leaves_the_room_is_seen() {
    let module = Module::read(Path::new("src/engine/view.rs"), "use super::super::journal::Log;");
    assert_eq!(module.uses()[0].path, "crate::journal::Log");
}
