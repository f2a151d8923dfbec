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
    /// The field is less than the value.
    Below(F, Operand),
    /// The field is greater than the value.
    Above(F, Operand),
    /// A text that people search by contains this one.
    Mentions(String),
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
        let tests: Vec<String> = self.conditions.iter().map(Condition::sql).collect();
        let filter = if tests.is_empty() { String::new() } else { format!("WHERE {}", tests.join(" AND ")) };
        let last = self.sort.first().map_or(Direction::Descending, |(_, direction)| *direction);
        let mut order: Vec<String> =
            self.sort.iter().map(|(field, direction)| format!("{} {}", field.column(), direction.sql())).collect();
        order.push(format!("{tie} {}", last.sql()));
        let start = i64::try_from(self.start).unwrap_or(i64::MAX);
        let page = format!("ORDER BY {} LIMIT {} OFFSET {start}", order.join(", "), self.size.min(PAGE_ROWS_MAX));
        Statement { filter, page, values: self.conditions.iter().flat_map(Condition::values).collect() }
    }
}

impl<F> Condition<F> {
    /// Returns that the field is one of these texts; where there is none, no row is like that.
    pub fn one_of(field: F, texts: impl IntoIterator<Item = String>) -> Self {
        Self::OneOf(field, texts.into_iter().map(Operand::Text).collect())
    }
}

impl<F: Searchable> Condition<F> {
    fn sql(&self) -> String {
        match self {
            Self::OneOf(field, operands) => format!("{} IN ({})", field.column(), vec!["?"; operands.len()].join(", ")),
            Self::Below(field, _) => format!("{} < ?", field.column()),
            Self::Above(field, _) => format!("{} > ?", field.column()),
            Self::Mentions(_) => {
                let tests: Vec<String> = F::MENTIONING.iter().map(|column| format!("instr({column}, ?) > 0")).collect();
                format!("({})", tests.join(" OR "))
            }
        }
    }

    /// Returns what the marks in the condition's SQL stand for, in order.
    fn values(&self) -> Vec<Operand> {
        match self {
            Self::OneOf(_, operands) => operands.clone(),
            Self::Below(_, operand) | Self::Above(_, operand) => vec![operand.clone()],
            Self::Mentions(text) => vec![Operand::Text(text.clone()); F::MENTIONING.len()],
        }
    }
}

impl Direction {
    const fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}
