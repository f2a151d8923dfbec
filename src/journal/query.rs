use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

/// How many rows a page holds at most, as on Conductor.
pub const PAGE_ROWS_MAX: u64 = 5_000;

/// How many rows a page holds where nobody says.
const PAGE_ROWS_USUAL: u64 = 100;

/// What people search rows by.
pub trait Searchable: Copy + PartialEq + 'static {
    /// Every field, in the order that messages name them.
    const ALL: &'static [Self];
    /// The column that a page is sorted by, descending, where nobody says.
    const NEWEST: Self;
    /// The columns that free text looks into.
    const MENTIONING: &'static [&'static str];
    /// Returns the names that queries may use, the usual one first.
    fn names(self) -> &'static [&'static str];
    /// Returns the column.
    fn column(self) -> &'static str;
    /// Returns what the field's values are.
    fn kind(self) -> Kind;
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// A moment: epoch milliseconds or RFC 3339.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// What executions are searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The execution's id.
    Id,
    /// The correlation id.
    CorrelationId,
    /// The workflow's name.
    Name,
    /// The workflow's version.
    Version,
    /// Where it stands.
    Status,
    /// The schedule that started it.
    Schedule,
    /// The execution that waits for it.
    Parent,
    /// When it started.
    Started,
    /// When it last changed.
    Updated,
    /// When it ended.
    Ended,
}

impl Searchable for Field {
    const ALL: &'static [Self] = &[
        Self::Id,
        Self::CorrelationId,
        Self::Name,
        Self::Version,
        Self::Status,
        Self::Schedule,
        Self::Parent,
        Self::Started,
        Self::Updated,
        Self::Ended,
    ];
    const NEWEST: Self = Self::Started;
    const MENTIONING: &'static [&'static str] = &["id", "name", "correlation", "schedule"];

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["workflowId"],
            Self::CorrelationId => &["correlationId"],
            Self::Name => &["workflowType", "workflowName"],
            Self::Version => &["version"],
            Self::Status => &["status"],
            Self::Schedule => &["scheduleName"],
            Self::Parent => &["parentWorkflowId"],
            Self::Started => &["startTime", "createTime"],
            Self::Updated => &["modifiedTime", "updateTime"],
            Self::Ended => &["endTime"],
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CorrelationId => "correlation",
            Self::Name => "name",
            Self::Version => "version",
            Self::Status => "status",
            Self::Schedule => "schedule",
            Self::Parent => "parent",
            Self::Started => "started",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Id | Self::CorrelationId | Self::Name | Self::Schedule | Self::Parent => Kind::Text,
            Self::Version => Kind::Number,
            Self::Status => Kind::Word(&["RUNNING", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED", "PAUSED"]),
            Self::Started | Self::Updated | Self::Ended => Kind::Moment,
        }
    }
}

/// What slots are searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotField {
    /// The slot's id.
    Id,
    /// The schedule.
    Schedule,
    /// The workflow.
    Workflow,
    /// What became of it.
    State,
    /// When it was due.
    Due,
    /// When it was dealt with.
    At,
}

impl Searchable for SlotField {
    const ALL: &'static [Self] = &[Self::Schedule, Self::Workflow, Self::State, Self::Id, Self::Due, Self::At];
    const NEWEST: Self = Self::Due;
    const MENTIONING: &'static [&'static str] = &["schedule", "workflow", "id"];

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["executionId", "workflowId"],
            Self::Schedule => &["scheduleName"],
            Self::Workflow => &["workflowType", "workflowName"],
            Self::State => &["status", "state"],
            Self::Due => &["scheduledTime", "startTime"],
            Self::At => &["executionTime"],
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Schedule => "schedule",
            Self::Workflow => "workflow",
            Self::State => "state",
            Self::Due => "due",
            Self::At => "at",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Id | Self::Schedule | Self::Workflow => Kind::Text,
            Self::State => Kind::Word(&["EXECUTED", "FAILED", "SKIPPED", "POLLED"]),
            Self::Due | Self::At => Kind::Moment,
        }
    }
}

/// A value that a column is compared with; moments are epoch milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

impl ToSql for Operand {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

/// What a row must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<F> {
    /// The field has one of the values.
    OneOf(F, Vec<Operand>),
    /// The field is on this side of the value.
    Bounded(F, Bound, Operand),
    /// The field is a text that begins with this one.
    Begins(F, String),
    /// The field has no value.
    Missing(F),
    /// A text that people search by contains this one.
    Mentions(String),
    /// It is not like this; a field without a value is not like anything.
    Not(Box<Condition<F>>),
    /// All of these hold.
    All(Vec<Condition<F>>),
    /// One of these holds.
    Any(Vec<Condition<F>>),
}

/// A side of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Less than the value.
    Below,
    /// The value, or less.
    AtMost,
    /// Greater than the value.
    Above,
    /// The value, or greater.
    AtLeast,
}

impl Bound {
    const fn sql(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// Which way a page is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// A search: all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<F> {
    /// What the rows must be like.
    pub conditions: Vec<Condition<F>>,
    /// What they are sorted by, the first first.
    pub sort: Vec<(F, Direction)>,
    /// How many rows to pass over.
    pub start: u64,
    /// How many rows to give, at most [`PAGE_ROWS_MAX`].
    pub size: u64,
}

impl<F: Searchable> Default for Query<F> {
    fn default() -> Self {
        Self { conditions: Vec::new(), sort: vec![(F::NEWEST, Direction::Descending)], start: 0, size: PAGE_ROWS_USUAL }
    }
}

/// Some of the rows that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// How many there are in all.
    pub total: u64,
    /// These of them.
    pub rows: Vec<T>,
}

/// A search as SQL: text made of our own words only, and the values that it binds.
pub(super) struct Statement {
    /// `WHERE …`, or nothing.
    pub(super) filter: String,
    /// `ORDER BY … LIMIT … OFFSET …`.
    pub(super) page: String,
    /// What the filter binds, in order.
    pub(super) values: Vec<Operand>,
}

impl<F: Searchable> Query<F> {
    /// Returns the search as SQL; rows that are equal in what they are sorted by keep one order by `tie`.
    pub(super) fn statement(&self, tie: &str) -> Statement {
        let mut values = Vec::new();
        let filter = format!("WHERE {}", joined(&self.conditions, " AND ", "TRUE", &mut values));
        let last = self.sort.first().map_or(Direction::Descending, |(_, direction)| *direction);
        let mut order: Vec<String> =
            self.sort.iter().map(|(field, direction)| format!("{} {}", field.column(), direction.sql())).collect();
        order.push(format!("{tie} {}", last.sql()));
        let start = i64::try_from(self.start).unwrap_or(i64::MAX);
        let page = format!("ORDER BY {} LIMIT {} OFFSET {start}", order.join(", "), self.size.min(PAGE_ROWS_MAX));
        Statement { filter, page, values }
    }
}

impl<F> Condition<F> {
    /// Returns that the field is one of these texts; where there is none, no row is like that.
    pub fn one_of(field: F, texts: impl IntoIterator<Item = String>) -> Self {
        Self::OneOf(field, texts.into_iter().map(Operand::Text).collect())
    }
}

impl<F: Searchable> Condition<F> {
    /// Writes the condition as SQL, and adds what its marks stand for, in order.
    fn sql(&self, values: &mut Vec<Operand>) -> String {
        match self {
            Self::OneOf(field, operands) => {
                values.extend_from_slice(operands);
                format!("{} IN ({})", field.column(), vec!["?"; operands.len()].join(", "))
            }
            Self::Bounded(field, bound, operand) => {
                values.push(operand.clone());
                format!("{} {} ?", field.column(), bound.sql())
            }
            Self::Begins(field, prefix) => {
                values.push(Operand::Text(prefix.clone()));
                let column = field.column();
                match above(prefix) {
                    Some(end) => {
                        values.push(Operand::Text(end));
                        format!("({column} >= ? AND {column} < ?)")
                    }
                    None => format!("{column} >= ?"),
                }
            }
            Self::Missing(field) => format!("{} IS NULL", field.column()),
            Self::Mentions(text) => {
                values.extend(vec![Operand::Text(text.clone()); F::MENTIONING.len()]);
                let tests: Vec<String> = F::MENTIONING.iter().map(|column| format!("instr({column}, ?) > 0")).collect();
                format!("({})", tests.join(" OR "))
            }
            Self::Not(condition) => format!("({}) IS NOT TRUE", condition.sql(values)),
            Self::All(conditions) => joined(conditions, " AND ", "TRUE", values),
            Self::Any(conditions) => joined(conditions, " OR ", "FALSE", values),
        }
    }
}

fn joined<F: Searchable>(conditions: &[Condition<F>], by: &str, none: &str, values: &mut Vec<Operand>) -> String {
    let tests: Vec<String> = conditions.iter().map(|condition| condition.sql(values)).collect();
    if tests.is_empty() { none.to_owned() } else { format!("({})", tests.join(by)) }
}

/// Returns the least text that is above every text that begins with this one; above the greatest character is none.
fn above(prefix: &str) -> Option<String> {
    let mut head: Vec<char> = prefix.chars().collect();
    while let Some(last) = head.pop() {
        // What is no character between two that are is passed over.
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            return Some(head.into_iter().chain([next]).collect());
        }
    }
    None
}

impl Direction {
    const fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}
