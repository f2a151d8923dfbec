//! The collections that are open while YAML events arrive.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::{Entry, Node, Tree};
use crate::words::{Diagnostic, Span};

/// What a value costs where it is written out.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    /// How many collections nest in it, itself included.
    pub(super) height: usize,
}

impl Weight {
    pub(super) fn add(&mut self, part: Self) {
        self.nodes = self.nodes.saturating_add(part.nodes);
        self.bytes = self.bytes.saturating_add(part.bytes);
        self.height = self.height.max(part.height);
    }
}

/// What an alias stands for.
#[derive(Clone)]
pub(super) struct Anchored {
    pub(super) node: Node,
    pub(super) weight: Weight,
}

/// An open collection.
pub(super) enum Frame {
    List(ListFrame),
    Map(MapFrame),
}

/// An open list.
pub(super) struct ListFrame {
    start: Span,
    anchor: usize,
    items: Vec<Node>,
    weight: Weight,
}

/// An open map; `key` is the one that waits for its value.
pub(super) struct MapFrame {
    start: Span,
    anchor: usize,
    pub(super) key: Option<(Arc<str>, Span, bool)>,
    pub(super) weight: Weight,
    entries: Vec<Entry>,
    merged: Vec<Node>,
}

impl ListFrame {
    pub(super) fn new(start: Span, anchor: usize) -> Self {
        Self { start, anchor, items: Vec::new(), weight: Weight { nodes: 1, ..Weight::default() } }
    }
}

impl MapFrame {
    pub(super) fn new(start: Span, anchor: usize) -> Self {
        Self {
            start,
            anchor,
            key: None,
            weight: Weight { nodes: 1, ..Weight::default() },
            entries: Vec::new(),
            merged: Vec::new(),
        }
    }

    fn take(&mut self, node: Node) -> Option<Span> {
        let (key, key_span, is_merge) = self.key.take()?;
        if !is_merge {
            self.entries.push(Entry { key, key_span, value: node });
            return None;
        }
        let maps = if node.is_map() { std::slice::from_ref(&node) } else { node.items() };
        if maps.is_empty() || !maps.iter().all(Node::is_map) {
            return Some(key_span);
        }
        self.merged.extend(maps.iter().cloned());
        None
    }
}

impl Frame {
    /// Takes the next value; returns the place of a merge key whose value is no map.
    pub(super) fn take(&mut self, node: Node, weight: Weight) -> Option<Span> {
        match self {
            Self::List(list) => {
                list.weight.add(weight);
                list.items.push(node);
                None
            }
            Self::Map(map) => {
                map.weight.add(weight);
                map.take(node)
            }
        }
    }

    /// Closes the collection; the first of equal keys stays, and what is merged never replaces what is written.
    pub(super) fn close(
        self,
        end: Span,
        diagnostics: &mut Vec<Diagnostic>,
        duplicate: impl Fn(&str, Span, Span) -> Diagnostic,
    ) -> (Node, Weight, usize) {
        match self {
            Self::List(list) => {
                let span = Span::new(list.start.start, end.end.max(list.start.end));
                let weight = Weight { height: list.weight.height + 1, ..list.weight };
                (Node { span, value: Tree::List(list.items.into()) }, weight, list.anchor)
            }
            Self::Map(map) => {
                let mut seen: HashMap<Arc<str>, Span> = HashMap::with_capacity(map.entries.len());
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in map.entries {
                    if let Some(first) = seen.get(&entry.key) {
                        diagnostics.push(duplicate(&entry.key, entry.key_span, *first));
                    } else {
                        seen.insert(Arc::clone(&entry.key), entry.key_span);
                        entries.push(entry);
                    }
                }
                for entry in map.merged.iter().flat_map(Node::entries) {
                    if seen.insert(Arc::clone(&entry.key), entry.key_span).is_none() {
                        entries.push(entry.clone());
                    }
                }
                let span = Span::new(map.start.start, end.end.max(map.start.end));
                let weight = Weight { height: map.weight.height + 1, ..map.weight };
                (Node { span, value: Tree::Map(entries.into()) }, weight, map.anchor)
            }
        }
    }
}
