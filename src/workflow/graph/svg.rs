//! SVG: drawn from a layout, without a script, in the reader's colours.

use std::fmt::Write as _;

use super::layout::second_line;
use super::{Graph, NODE_HEIGHT, Picture, Placed, fitted, plain};
use crate::words::{percent_encoded, xml_escaped};

/// How an SVG is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A file of its own, with its colours in it.
    File,
    /// A part of a page, which has the colours: every task leads to the page with that task, `?task=…`, and back to its place.
    Part,
}

/// The colours of a file of its own. A status has its word beside it.
const STYLE: &str = "\
    svg{color-scheme:light dark;background:#fff}\
    text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}\
    .name{font-weight:600}\
    .edge{fill:none;stroke:#59636e}.back{stroke-dasharray:4 3}.tip{fill:#59636e}\
    .box{fill:#fff;stroke:#1f2328}.ends .box{stroke-width:3}\
    .frame{fill:none;stroke:#59636e;stroke-dasharray:6 4}\
    .COMPLETED .box{stroke:#1a7f37}.SCHEDULED .box,.IN_PROGRESS .box{stroke:#0969da}\
    .FAILED .box,.FAILED_WITH_TERMINAL_ERROR .box,.TIMED_OUT .box{stroke:#cf222e;stroke-dasharray:5 3}\
    @media(prefers-color-scheme:dark){\
    svg{background:#0d1117}text{fill:#f0f6fc}.edge,.frame{stroke:#9198a1}.tip{fill:#9198a1}.box{fill:#0d1117;stroke:#f0f6fc}\
    .COMPLETED .box{stroke:#3fb950}.SCHEDULED .box,.IN_PROGRESS .box{stroke:#58a6ff}\
    .FAILED .box,.FAILED_WITH_TERMINAL_ERROR .box,.TIMED_OUT .box{stroke:#f85149}}";

/// Returns a workflow as SVG.
pub fn svg(graph: &Graph, look: Look) -> String {
    let picture = Picture::of(graph);
    let (width, height) = (picture.width, picture.height);
    let title = xml_escaped(&format!("{} v{}", plain(&graph.name), graph.version));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"{}\" aria-label=\"{title}\">\n<title>{title}</title>\n",
        if look == Look::File { "img" } else { "group" },
    );
    if look == Look::File {
        line(&mut out, &format!("<style>{STYLE}</style>"));
    }
    line(
        &mut out,
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>",
    );
    for frame in &picture.frames {
        let (x, y, width, height) = (frame.x, frame.y, frame.width, frame.height);
        line(
            &mut out,
            &format!("<rect class=\"frame\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>"),
        );
    }
    for edge in &picture.edges {
        let points: Vec<_> = edge.points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let class = if edge.back { "edge back" } else { "edge" };
        let tip = if edge.arrow { " marker-end=\"url(#tip)\"" } else { "" };
        line(&mut out, &format!("<polyline class=\"{class}\" points=\"{}\"{tip}/>", points.join(" ")));
    }
    for label in &picture.labels {
        let text = xml_escaped(&label.text);
        line(&mut out, &format!("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{text}</text>", label.x, label.y));
    }
    for placed in &picture.boxes {
        line(&mut out, &node(placed, look));
    }
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a text takes what is written");
}

fn node(placed: &Placed<'_>, look: Look) -> String {
    let node = placed.node;
    let (x, y, width) = (placed.x, placed.y, placed.width);
    let mut class = "task".to_owned();
    if node.ends {
        class.push_str(" ends");
    }
    if let Some(status) = &node.status {
        // A word of ours: what else there may be is no class.
        let word: String = status.chars().filter(|c| c.is_ascii_alphabetic() || *c == '_').collect();
        write!(class, " {word}").expect("a text takes what is written");
    }
    let status = node.status.as_deref().map(|status| format!(", {status}")).unwrap_or_default();
    let note = if node.note.is_empty() { String::new() } else { format!(": {}", plain(&node.note)) };
    let whole = xml_escaped(&format!("{}, {}{status}{note}", plain(&node.reference), plain(&node.kind)));
    let middle = x + width / 2;
    let (name, below) = (xml_escaped(&fitted(&node.reference)), xml_escaped(&second_line(node)));
    let drawn = format!(
        "<title>{whole}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{NODE_HEIGHT}\" rx=\"6\"/>\
         <text class=\"name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{name}</text>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{below}</text>",
        y + 17,
        y + 32,
    );
    match look {
        Look::File => format!("<g class=\"{class}\">{drawn}</g>"),
        Look::Part => {
            let to = percent_encoded(&node.reference);
            // Its name is what stands in it: a label of its own would have to repeat that.
            format!("<a class=\"{class}\" id=\"task-{to}\" href=\"?task={to}#task-{to}\">{drawn}</a>")
        }
    }
}
