//! Where boxes, lines and labels are. Each block is measured from the inside out, and then placed from the outside in.

use super::{Graph, Node, Step, Way, columns, fitted};

/// How high a box is.
pub const NODE_HEIGHT: i32 = 40;
/// How wide a column of text is.
const COLUMN: i32 = 8;
/// How narrow a box may be.
const NODE_WIDTH_MIN: i32 = 96;
/// What is left and right of a text in its box.
const PADDING: i32 = 12;
/// What is between two boxes, one below the other.
const GAP: i32 = 28;
/// What is between two ways beside each other.
const BESIDE: i32 = 32;
/// What a label above a way takes.
const LABEL_HEIGHT: i32 = 32;
/// What is around the tasks of a loop.
const FRAME: i32 = 20;
/// What is around all of it.
const MARGIN: i32 = 16;
/// How far the line of a loop is from the right of its frame.
const BACK: i32 = 14;

/// A picture with places, in pixels from its upper left.
pub struct Picture<'a> {
    /// How wide it is.
    pub width: i32,
    /// How high it is.
    pub height: i32,
    /// The tasks.
    pub boxes: Vec<Placed<'a>>,
    /// The lines between them.
    pub edges: Vec<Edge>,
    /// What is said on lines.
    pub labels: Vec<Label>,
    /// What is around the tasks of loops.
    pub frames: Vec<Frame>,
}

/// A task with its place.
pub struct Placed<'a> {
    /// The task.
    pub node: &'a Node,
    /// Its left side.
    pub x: i32,
    /// Its upper side.
    pub y: i32,
    /// How wide it is.
    pub width: i32,
}

/// A line of straight pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its corners, with its ends.
    pub points: Vec<(i32, i32)>,
    /// Whether it ends in an arrow.
    pub arrow: bool,
    /// Whether it leads back to the beginning of a loop.
    pub back: bool,
}

/// A text beside a line.
pub struct Label {
    /// Its middle.
    pub x: i32,
    /// Its base line.
    pub y: i32,
    /// What it says.
    pub text: String,
}

/// What is around the tasks of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its left side.
    pub x: i32,
    /// Its upper side.
    pub y: i32,
    /// How wide it is.
    pub width: i32,
    /// How high it is.
    pub height: i32,
}

/// How much room a block takes to the left and to the right of its line, and how high it is.
#[derive(Clone, Copy, Default)]
struct Size {
    left: i32,
    right: i32,
    height: i32,
}

impl Size {
    const fn around(width: i32, height: i32) -> Self {
        Self { left: width / 2, right: width - width / 2, height }
    }

    fn beside(self, other: Self) -> Self {
        let (left, right) = (self.left.max(other.left), self.right.max(other.right));
        Self { left, right, height: self.height.max(other.height) }
    }
}

impl<'a> Picture<'a> {
    /// Finds a place for everything.
    pub fn of(graph: &'a Graph) -> Self {
        let size = size_of(&graph.steps);
        let (width, height) = (size.left + size.right + 2 * MARGIN, size.height + 2 * MARGIN);
        let (boxes, edges, labels, frames) = Default::default();
        let mut picture = Self { width, height, boxes, edges, labels, frames };
        picture.steps(&graph.steps, MARGIN + size.left, MARGIN);
        picture
    }

    /// Places steps along a line and returns where the line goes on; nowhere where the workflow ends.
    fn steps(&mut self, steps: &'a [Step], x: i32, top: i32) -> Option<i32> {
        let mut from = None;
        let mut y = top;
        for (at, step) in steps.iter().enumerate() {
            if at > 0 {
                if let Some(from) = from {
                    self.edges.push(Edge { points: vec![(x, from), (x, y + GAP)], arrow: true, back: false });
                }
                y += GAP;
            }
            from = self.step(step, x, y);
            y += measure(step).height;
        }
        // What comes after an end is drawn, and nothing leads to it.
        if steps.is_empty() { Some(top) } else { from }
    }

    fn step(&mut self, step: &'a Step, x: i32, y: i32) -> Option<i32> {
        let width = width_of(&step.node);
        self.boxes.push(Placed { node: &step.node, x: x - width / 2, y, width });
        let bottom = y + NODE_HEIGHT;
        if let Some(body) = &step.body {
            self.repeated(step, body, x, y);
            return Some(y + measure(step).height);
        }
        if step.ways.is_empty() {
            return (!step.node.ends).then_some(bottom);
        }
        let sizes: Vec<_> = step.ways.iter().map(size_of_way).collect();
        let all = beside(&sizes);
        let height = sizes.iter().map(|size| size.height).max().unwrap_or(0);
        let (split, meet) = (bottom + GAP / 2, bottom + GAP + height + GAP / 2);
        let mut left = x - all.left;
        let mut meets = false;
        for (way, size) in step.ways.iter().zip(&sizes) {
            let middle = left + size.left;
            let top = bottom + GAP + LABEL_HEIGHT;
            self.labels.push(Label { x: middle, y: top - LABEL_HEIGHT + 14, text: fitted(&way.label) });
            let arrow = !way.steps.is_empty();
            let lead = if arrow { top } else { bottom + GAP + height };
            // A label is written on the line of its way, which is broken there.
            self.edges.push(Edge {
                points: vec![(x, bottom), (x, split), (middle, split), (middle, bottom + GAP)],
                arrow: false,
                back: false,
            });
            self.edges.push(Edge {
                points: vec![(middle, top - LABEL_HEIGHT + 18), (middle, lead)],
                arrow,
                back: false,
            });
            if let Some(end) = self.steps(&way.steps, middle, top) {
                meets = true;
                let end = end.max(lead);
                self.edges.push(Edge {
                    points: vec![(middle, end), (middle, meet), (x, meet)],
                    arrow: false,
                    back: false,
                });
            }
            left += size.left + size.right + BESIDE;
        }
        meets.then_some(meet)
    }

    fn repeated(&mut self, step: &'a Step, body: &'a [Step], x: i32, y: i32) {
        let inner = size_of(body);
        let top = y + NODE_HEIGHT + GAP + FRAME;
        let width = inner.left + inner.right + 2 * FRAME + BACK;
        let frame = Frame { x: x - inner.left - FRAME, y: top - FRAME, width, height: inner.height + 2 * FRAME };
        self.frames.push(frame);
        let right = x + width_of(&step.node) - width_of(&step.node) / 2;
        if body.is_empty() {
            return;
        }
        self.edges.push(Edge { points: vec![(x, y + NODE_HEIGHT), (x, top)], arrow: true, back: false });
        if let Some(end) = self.steps(body, x, top) {
            let side = (frame.x + frame.width - BACK).max(right + BACK);
            let low = end + FRAME / 2;
            let middle = y + NODE_HEIGHT / 2;
            let points = vec![(x, end), (x, low), (side, low), (side, middle), (right, middle)];
            self.edges.push(Edge { points, arrow: true, back: true });
        }
    }
}

fn width_of(node: &Node) -> i32 {
    let below = second_line(node);
    let text = columns(&fitted(&node.reference)).max(columns(&below));
    (i32::try_from(text).unwrap_or(i32::MAX / 16) * COLUMN + 2 * PADDING).max(NODE_WIDTH_MIN)
}

/// Returns what is written below the name of a task.
pub(super) fn second_line(node: &Node) -> String {
    let status = node.status.as_deref().map(|status| format!(": {status}")).unwrap_or_default();
    let note = if node.note.is_empty() { String::new() } else { format!(" · {}", node.note) };
    fitted(&format!("{}{status}{note}", node.kind))
}

fn size_of(steps: &[Step]) -> Size {
    let gaps = GAP * i32::try_from(steps.len().saturating_sub(1)).unwrap_or(0);
    let mut size = Size { height: gaps, ..Size::default() };
    for step in steps {
        let own = measure(step);
        size = Size { height: size.height + own.height, ..size.beside(own) };
    }
    size
}

fn size_of_way(way: &Way) -> Size {
    let label = i32::try_from(columns(&fitted(&way.label))).unwrap_or(0) * COLUMN;
    let inner = size_of(&way.steps);
    let size = inner.beside(Size::around(label.max(NODE_WIDTH_MIN / 2), 0));
    Size { height: inner.height + LABEL_HEIGHT, ..size }
}

/// Returns the room of blocks beside each other, around the middle between the outer ones' lines.
fn beside(sizes: &[Size]) -> Size {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return Size::default() };
    let gaps = BESIDE * i32::try_from(sizes.len() - 1).unwrap_or(0);
    let width: i32 = sizes.iter().map(|size| size.left + size.right).sum::<i32>() + gaps;
    let middle = (first.left + width - last.right) / 2;
    Size { left: middle, right: width - middle, height: sizes.iter().map(|size| size.height).max().unwrap_or(0) }
}

fn measure(step: &Step) -> Size {
    let own = Size::around(width_of(&step.node), NODE_HEIGHT);
    if let Some(body) = &step.body {
        let inner = size_of(body);
        // The line back passes to the right of the box and of the frame.
        let framed =
            Size { left: inner.left + FRAME, right: (inner.right + FRAME + BACK).max(own.right + 2 * BACK), height: 0 };
        return Size { height: NODE_HEIGHT + GAP + inner.height + 2 * FRAME, ..own.beside(framed) };
    }
    if step.ways.is_empty() {
        return own;
    }
    let ways = beside(&step.ways.iter().map(size_of_way).collect::<Vec<_>>());
    Size { height: NODE_HEIGHT + GAP + ways.height + GAP / 2, ..own.beside(ways) }
}
