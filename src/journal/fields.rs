use crate::journal::{Head, Operand};
use crate::words::Timestamp;

/// What people name in searches.
pub trait Named: Copy + PartialEq + 'static {
    /// Every field, in the order that messages name them.
    const ALL: &'static [Self];
    /// The field that a page is sorted by, descending, where nobody says.
    const NEWEST: Self;
    /// Returns the names that queries may use, the usual one first.
    fn names(self) -> &'static [&'static str];
    /// Returns what the field's values are.
    fn kind(self) -> Kind;
}

/// What rows of a table are searched by.
pub trait Searchable: Named {
    /// The table of the rows.
    const TABLE: &'static str;
    /// The column that no two rows share, by which rows that are equal otherwise keep one order.
    const TIE: &'static str;
    /// What rows are found by, what usually leaves fewest rows first; the last has all of them, by [`Named::NEWEST`].
    const INDEXES: &'static [Index<Self>];
    /// The indexes that have, all of them together, every row with a value of a field, by that field: each with what its rows
    /// have in common.
    const PARTED: &'static [(Self, &'static [(&'static str, &'static str)])];
    /// The fields of few values, each the first of an index: free text is looked for in the values instead of the rows.
    const LISTED: &'static [Self];
    /// The fields, each the first of an index, that free text finds by how they begin.
    const BEGINNING: &'static [Self];
    /// The fields that free text is looked for in, row by row.
    const CONTAINING: &'static [Self];
    /// Returns the column.
    fn column(self) -> &'static str;
}

/// An index of the tables: rows by these fields, and those that are equal in them by another.
#[derive(Debug)]
pub struct Index<F: 'static> {
    /// Its name.
    pub(super) name: &'static str,
    /// The fields that must have known values.
    pub(super) leading: &'static [F],
    /// The field that sorts the rest.
    pub(super) sorted: Option<F>,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text of many words: it equals whatever is a part of it, as where words are indexed.
    Prose,
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
    /// The key under which it was started once.
    IdempotencyKey,
    /// When it started.
    Started,
    /// When it last changed.
    Updated,
    /// When it ended.
    Ended,
}

impl Named for Field {
    const ALL: &'static [Self] = &[
        Self::Id,
        Self::CorrelationId,
        Self::Name,
        Self::Version,
        Self::Status,
        Self::Schedule,
        Self::Parent,
        Self::IdempotencyKey,
        Self::Started,
        Self::Updated,
        Self::Ended,
    ];
    const NEWEST: Self = Self::Started;

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["workflowId"],
            Self::CorrelationId => &["correlationId"],
            Self::Name => &["workflowType", "workflowName"],
            Self::Version => &["version"],
            Self::Status => &["status"],
            Self::Schedule => &["scheduleName"],
            Self::Parent => &["parentWorkflowId"],
            Self::IdempotencyKey => &["idempotencyKey"],
            Self::Started => &["startTime", "createTime"],
            Self::Updated => &["modifiedTime", "updateTime"],
            Self::Ended => &["endTime"],
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Id | Self::CorrelationId | Self::Name | Self::Schedule | Self::Parent | Self::IdempotencyKey => {
                Kind::Text
            }
            Self::Version => Kind::Number,
            Self::Status => Kind::Word(&["RUNNING", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED", "PAUSED"]),
            Self::Started | Self::Updated | Self::Ended => Kind::Moment,
        }
    }
}

impl Searchable for Field {
    const TABLE: &'static str = "executions";
    const TIE: &'static str = "key";
    const INDEXES: &'static [Index<Self>] = &[
        Index { name: "sqlite_autoindex_executions_1", leading: &[Self::Id], sorted: None },
        Index { name: "executions_by_parent", leading: &[Self::Parent], sorted: None },
        Index { name: "executions_by_correlation", leading: &[Self::CorrelationId], sorted: Some(Self::Started) },
        Index { name: "executions_by_schedule", leading: &[Self::Schedule], sorted: Some(Self::Started) },
        Index { name: "executions_by_name", leading: &[Self::Name, Self::Status], sorted: Some(Self::Started) },
        Index { name: "executions_by_status", leading: &[Self::Status], sorted: Some(Self::Started) },
        Index { name: "executions_by_start", leading: &[], sorted: Some(Self::Started) },
    ];
    const PARTED: &'static [(Self, &'static [(&'static str, &'static str)])] = &[(
        Self::Ended,
        &[
            ("executions_to_archive", "ended IS NOT NULL AND archived IS NULL"),
            ("executions_archived", "archived IS NOT NULL"),
        ],
    )];
    const LISTED: &'static [Self] = &[Self::Name, Self::Schedule];
    const BEGINNING: &'static [Self] = &[Self::Id, Self::CorrelationId];
    const CONTAINING: &'static [Self] = &[];

    fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CorrelationId => "correlation",
            Self::Name => "name",
            Self::Version => "version",
            Self::Status => "status",
            Self::Schedule => "schedule",
            Self::Parent => "parent",
            Self::IdempotencyKey => "idempotency",
            Self::Started => "started",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }
}

impl Field {
    /// Returns what an execution has in the field.
    pub fn of(self, head: &Head) -> Option<Operand> {
        let moment = |at: Timestamp| Some(Operand::Number(at.as_millis()));
        let text = |text: &str| Some(Operand::Text(text.to_owned()));
        match self {
            Self::Id => text(&head.execution.to_string()),
            Self::CorrelationId => head.correlation_id.clone().map(Operand::Text),
            Self::Name => text(&head.name),
            Self::Version => Some(Operand::Number(head.version.into())),
            Self::Status => text(head.status.as_str()),
            Self::Schedule => head.schedule.clone().map(Operand::Text),
            Self::Parent => head.parent.map(|parent| Operand::Text(parent.to_string())),
            Self::IdempotencyKey => head.idempotency_key.clone().map(Operand::Text),
            Self::Started => moment(head.started),
            Self::Updated => moment(head.updated),
            Self::Ended => head.ended.and_then(moment),
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

impl Named for SlotField {
    const ALL: &'static [Self] = &[Self::Schedule, Self::Workflow, Self::State, Self::Id, Self::Due, Self::At];
    const NEWEST: Self = Self::Due;

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

    fn kind(self) -> Kind {
        match self {
            Self::Id | Self::Schedule | Self::Workflow => Kind::Text,
            Self::State => Kind::Word(&["EXECUTED", "FAILED", "SKIPPED", "POLLED"]),
            Self::Due | Self::At => Kind::Moment,
        }
    }
}

impl Searchable for SlotField {
    const TABLE: &'static str = "slots";
    const TIE: &'static str = "id";
    const INDEXES: &'static [Index<Self>] = &[
        Index { name: "sqlite_autoindex_slots_1", leading: &[Self::Id], sorted: None },
        Index { name: "slots_by_schedule", leading: &[Self::Schedule], sorted: Some(Self::Due) },
        Index { name: "slots_by_due", leading: &[], sorted: Some(Self::Due) },
    ];
    const PARTED: &'static [(Self, &'static [(&'static str, &'static str)])] = &[];
    const LISTED: &'static [Self] = &[Self::Schedule];
    const BEGINNING: &'static [Self] = &[Self::Id];
    const CONTAINING: &'static [Self] = &[Self::Workflow];

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
}
