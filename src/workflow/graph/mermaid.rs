//! Mermaid's flowchart, which GitHub and others draw.

use std::fmt::Write as _;

use super::{Graph, Node, Step, fitted, plain};

/// Returns a workflow as a Mermaid flowchart.
pub fn mermaid(graph: &Graph) -> String {
    let mut chart = Chart { text: "flowchart TD\n".to_owned(), nodes: 0, indent: 1 };
    chart.line("begin((begin))");
    let ends = chart.steps(&graph.steps, vec![Exit::from("begin")]);
    chart.line("done((done))");
    chart.join(&ends, "done");
    chart.text
}

/// A node that something follows, and what is said on the way.
#[derive(Clone)]
struct Exit {
    from: String,
    label: String,
}

impl Exit {
    fn from(from: &str) -> Self {
        Self { from: from.to_owned(), label: String::new() }
    }
}

struct Chart {
    text: String,
    nodes: usize,
    indent: usize,
}

impl Chart {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{}{line}", "  ".repeat(self.indent)).expect("a text takes what is written");
    }

    /// Draws steps one after another and returns what comes out of the last one.
    fn steps(&mut self, steps: &[Step], mut before: Vec<Exit>) -> Vec<Exit> {
        for step in steps {
            before = self.step(step, &before);
        }
        before
    }

    fn step(&mut self, step: &Step, before: &[Exit]) -> Vec<Exit> {
        if let Some(body) = &step.body {
            return self.repeated(step, body, before);
        }
        let id = self.node(&step.node, !step.ways.is_empty());
        self.join(before, &id);
        if step.node.ends {
            return Vec::new();
        }
        if step.ways.is_empty() {
            return vec![Exit::from(&id)];
        }
        let mut ends = Vec::new();
        for way in &step.ways {
            let entry = Exit { from: id.clone(), label: way.label.clone() };
            ends.extend(self.steps(&way.steps, vec![entry]));
        }
        ends
    }

    fn repeated(&mut self, step: &Step, body: &[Step], before: &[Exit]) -> Vec<Exit> {
        let frame = format!("loop{}", self.nodes);
        self.line(&format!("subgraph {frame} [\" \"]"));
        self.indent += 1;
        let id = self.node(&step.node, false);
        let ends = self.steps(body, vec![Exit::from(&id)]);
        for end in ends.iter().filter(|end| end.from != id) {
            let label = label(&end.label);
            self.line(&format!("{} -.->{label} {id}", end.from));
        }
        self.indent -= 1;
        self.line("end");
        self.join(before, &id);
        vec![Exit::from(&id)]
    }

    fn join(&mut self, before: &[Exit], id: &str) {
        for exit in before {
            self.line(&format!("{} -->{} {id}", exit.from, label(&exit.label)));
        }
    }

    fn node(&mut self, node: &Node, leads: bool) -> String {
        // No name of a definition is an id: `end` and others mean something to Mermaid.
        let id = format!("t{}", self.nodes);
        self.nodes += 1;
        let mut text = format!("{}<br/>{}", escaped(&node.reference), escaped(&node.kind));
        if let Some(status) = &node.status {
            write!(text, ": {}", escaped(status)).expect("a text takes what is written");
        }
        if !node.note.is_empty() {
            write!(text, "<br/>{}", escaped(&node.note)).expect("a text takes what is written");
        }
        let (open, close) = match (leads, node.ends) {
            (true, _) => ("{{", "}}"),
            (false, true) => ("([", "])"),
            (false, false) => ("[", "]"),
        };
        self.line(&format!("{id}{open}\"{text}\"{close}"));
        id
    }
}

fn label(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(text)) }
}

/// Returns a text that means nothing to Mermaid, to Markdown or to HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in fitted(&plain(text)).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | ',' | '/' | ':' | '-' | '…') || !c.is_ascii() {
            escaped.push(c);
        } else {
            write!(escaped, "#{};", u32::from(c)).expect("a text takes what is written");
        }
    }
    escaped
}
