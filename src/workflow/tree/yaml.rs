//! YAML 1.2 from parser events: no tags, no keys but text, anchors and merge keys within the caps.

mod explain;
mod frame;

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError};

use self::frame::{Anchored, Frame, ListFrame, MapFrame, Weight};
use super::json::{duplicate_key, too_deep};
use super::{ALIASES_MAX, DEPTH_MAX, NODES_MAX, Node, Parsed, TEXT_BYTES_MAX, Tree, scalar};
use crate::words::{Diagnostic, Source, Span};

/// Parses a text of any number of documents.
pub(super) fn parse(source: &Source) -> Parsed {
    let mut building = Building::new(source);
    let mut parser = Parser::new_from_str_with_options(&source.text, options());
    while let Some(next) = parser.next_event() {
        let step = next.map_err(|error| Box::new(explain::scan_error(source, place(&error), &error)));
        if let Err(stop) = step.and_then(|(event, span)| building.event(event, to_span(source, span))) {
            building.diagnostics.push(*stop);
            break;
        }
    }
    Parsed { documents: building.documents, diagnostics: building.diagnostics }
}

fn options() -> Options {
    granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX + 1,
        block_nesting_limit: DEPTH_MAX + 1,
    }
}

fn place(error: &ScanError) -> usize {
    error.marker().byte_offset().unwrap_or_default()
}

fn to_span(source: &Source, span: granit_parser::Span) -> Span {
    let start = span.start.byte_offset().unwrap_or_default();
    let end = span.end.byte_offset().unwrap_or(start).max(start).min(source.text.len());
    let trimmed = source.text.get(start..end).map_or(end, |text| start + text.trim_end().len());
    Span::new(start, trimmed.max(start))
}

type Step = Result<(), Box<Diagnostic>>;

struct Building<'a> {
    source: &'a Source,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    spent: Weight,
    aliases: usize,
}

impl<'a> Building<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            documents: Vec::new(),
            diagnostics: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            spent: Weight::default(),
            aliases: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.scalar(&text, style, anchor, span)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(Frame::List(ListFrame::new(span, anchor)), span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(Frame::Map(MapFrame::new(span, anchor)), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => Err(Box::new(explain::unknown_alias(self.source, &name, span))),
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            self.diagnostics.push(explain::tag(self.source, span));
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, span: Span) -> Step {
        let weight = Weight { nodes: 1, bytes: text.len(), height: 0 };
        self.spend(weight, span)?;
        let plain = style == ScalarStyle::Plain;
        if let Some(Frame::Map(map)) = self.stack.last_mut()
            && map.key.is_none()
        {
            let key: Arc<str> = text.into();
            map.key = Some((Arc::clone(&key), span, plain && text == "<<"));
            map.weight.add(weight);
            self.anchor(anchor, &Node { span, value: Tree::Text(key) }, weight);
            return Ok(());
        }
        let value = if plain { self.plain(text, span) } else { Tree::Text(text.into()) };
        self.finish(Node { span, value }, weight, anchor)
    }

    fn plain(&mut self, text: &str, span: Span) -> Tree {
        let read = scalar::plain(text);
        if let Some(surprise) = read.surprise {
            self.diagnostics.push(explain::surprise(self.source, text, surprise, span));
        }
        read.value
    }

    fn open(&mut self, frame: Frame, span: Span) -> Step {
        self.spend(Weight { nodes: 1, bytes: 0, height: 0 }, span)?;
        if self.stack.len() >= DEPTH_MAX {
            return Err(Box::new(too_deep(self.source, span)));
        }
        if matches!(self.stack.last(), Some(Frame::Map(map)) if map.key.is_none()) {
            return Err(Box::new(explain::key_is_no_text(self.source, span)));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self, end: Span) -> Step {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let source = self.source;
        let (node, weight, anchor) =
            frame.close(end, &mut self.diagnostics, |key, span, first| duplicate_key(source, key, span, first));
        self.finish(node, weight, anchor)
    }

    fn alias(&mut self, id: usize, span: Span) -> Step {
        self.aliases += 1;
        if self.aliases > ALIASES_MAX {
            return Err(Box::new(explain::too_much(self.source, span, &format!("more than {ALIASES_MAX} aliases"))));
        }
        let Some(anchored) = self.anchors.get(&id).cloned() else {
            return Err(Box::new(explain::alias_of_itself(self.source, span)));
        };
        self.spend(anchored.weight, span)?;
        if self.stack.len() + anchored.weight.height > DEPTH_MAX {
            return Err(Box::new(too_deep(self.source, span)));
        }
        if let Some(Frame::Map(map)) = self.stack.last_mut()
            && map.key.is_none()
        {
            let Tree::Text(key) = anchored.node.value else {
                return Err(Box::new(explain::key_is_no_text(self.source, span)));
            };
            map.key = Some((key, span, false));
            map.weight.add(anchored.weight);
            return Ok(());
        }
        self.finish(anchored.node, anchored.weight, 0)
    }

    fn finish(&mut self, node: Node, weight: Weight, anchor: usize) -> Step {
        self.anchor(anchor, &node, weight);
        match self.stack.last_mut() {
            Some(frame) => {
                if let Some(bad) = frame.take(node, weight) {
                    return Err(Box::new(explain::merge_of_no_map(self.source, bad)));
                }
            }
            None => self.documents.push(node),
        }
        Ok(())
    }

    fn anchor(&mut self, id: usize, node: &Node, weight: Weight) {
        if id != 0 {
            self.anchors.insert(id, Anchored { node: node.clone(), weight });
        }
    }

    fn spend(&mut self, weight: Weight, span: Span) -> Step {
        self.spent.add(weight);
        let what = if self.spent.nodes > NODES_MAX {
            format!("more than {NODES_MAX} values, aliases written out")
        } else if self.spent.bytes > TEXT_BYTES_MAX {
            format!("more than {TEXT_BYTES_MAX} bytes of text, aliases written out")
        } else {
            return Ok(());
        };
        Err(Box::new(explain::too_much(self.source, span, &what)))
    }
}
