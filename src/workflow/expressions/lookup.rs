use std::borrow::Cow;

use serde_json::Value;

/// What references are read from: `{workflow: {…}, <task reference>: {…}, …}` without building it.
///
/// All values are in stored form.
pub trait Lookup {
    /// Returns `head.field`, as `workflow.input` or `<task reference>.output`, borrowed where it can be.
    fn part(&self, head: &str, field: &str) -> Option<Cow<'_, Value>>;

    /// Returns `head.field.name` alone, where the whole of `head.field` would be costly to build; `None` where it is not, `null` where there
    /// is no such field.
    fn leaf(&self, _head: &str, _field: &str, _name: &str) -> Option<Value> {
        None
    }

    /// Returns everything under `head`. `CPEWF_TASK_ID` is a head of its own.
    fn head(&self, head: &str) -> Option<Cow<'_, Value>>;

    /// Returns the whole document, for a path that starts with anything but a name.
    fn document(&self) -> Cow<'_, Value>;
}

/// A plain JSON document to look up in.
#[derive(Clone, Copy)]
pub struct DocumentLookup<'d>(pub &'d Value);

impl Lookup for DocumentLookup<'_> {
    fn part(&self, head: &str, field: &str) -> Option<Cow<'_, Value>> {
        self.0.get(head)?.get(field).map(Cow::Borrowed)
    }

    fn head(&self, head: &str) -> Option<Cow<'_, Value>> {
        self.0.get(head).map(Cow::Borrowed)
    }

    fn document(&self) -> Cow<'_, Value> {
        Cow::Borrowed(self.0)
    }
}
