//! What a route is for, what it takes and what it answers: what `/openapi.json` says of it.

/// What is said of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it does, as a sentence without its point.
    pub summary: &'static str,
    /// What may stand in its query.
    pub asks: Vec<Parameter>,
    /// What its body is.
    pub takes: Option<Taken>,
    /// What it answers where all is well, by status.
    pub gives: Vec<(u16, Content)>,
    /// How else it may end, beside what [`Need`](super::Need) and the method say already.
    pub fails: &'static [u16],
}

/// A body that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What is in it.
    pub content: Content,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// Text.
    Text,
    /// Server-sent events.
    Events,
    /// JSON of any kind.
    Json,
    /// JSON of a kind that has a name in `openapi/schemas.json`, or is a definition.
    One(&'static str),
    /// A list of such.
    List(&'static str),
    /// A map with such values.
    Map(&'static str),
    /// A map with lists of such.
    Lists(&'static str),
    /// One such, or a list of them.
    OneOrList(&'static str),
}

/// A parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ParameterKind,
    /// What it is for.
    pub about: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Text.
    Text,
    /// Text, any number of times.
    Texts,
    /// True or false.
    Flag,
    /// A whole number from 0 to this one.
    Number(u64),
    /// A moment, in milliseconds since 1970.
    Moment,
    /// A word out of a few.
    Word(&'static [&'static str]),
}

/// Says what a route does.
pub(super) fn about(summary: &'static str) -> About {
    About { summary, asks: Vec::new(), takes: None, gives: Vec::new(), fails: &[] }
}

impl About {
    /// Says what may stand in the query.
    pub(super) fn asks(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.asks.extend(parameters);
        self
    }

    /// Says what the body is.
    pub(super) fn takes(self, content: Content) -> Self {
        Self { takes: Some(Taken { content, optional: false }), ..self }
    }

    /// Says what the body is where there is one.
    pub(super) fn may_take(self, content: Content) -> Self {
        Self { takes: Some(Taken { content, optional: true }), ..self }
    }

    /// Says what the answer is. A route of which nothing is said answers 200 with nothing.
    pub(super) fn gives(self, content: Content) -> Self {
        self.gives_with(200, content)
    }

    /// Says what the answer with this status is.
    pub(super) fn gives_with(mut self, status: u16, content: Content) -> Self {
        self.gives.push((status, content));
        self
    }

    /// Says how else it may end.
    pub(super) fn fails(self, fails: &'static [u16]) -> Self {
        Self { fails, ..self }
    }

    /// Returns what it answers where all is well.
    pub fn answers(&self) -> Vec<(u16, Content)> {
        if self.gives.is_empty() { vec![(200, Content::Nothing)] } else { self.gives.clone() }
    }
}

/// A parameter that is text.
pub(super) const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Text, about, required: false }
}

/// A parameter that is text, any number of times.
pub(super) const fn texts(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Texts, about, required: false }
}

/// A parameter that is true or false.
pub(super) const fn flag(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Flag, about, required: false }
}

/// A parameter that is a whole number from 0.
pub(super) const fn number(name: &'static str, max: u64, about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Number(max), about, required: false }
}

/// A parameter that is a moment, in milliseconds since 1970.
pub(super) const fn moment(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Moment, about, required: false }
}

/// A parameter that is a word out of a few.
pub(super) const fn word(name: &'static str, words: &'static [&'static str], about: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Word(words), about, required: false }
}

impl Parameter {
    /// The same, where it must be there.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}
