use serde::{Deserialize, Deserializer, Serialize};

/// What kind of task it is. A type that this build does not know is a worker's task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskType {
    /// A worker polls for it by its name.
    #[default]
    Simple,
    /// Calls a URL.
    Http,
    /// Writes secrets.
    UpdateSecret,
    /// Starts branches.
    ForkJoin,
    /// Starts branches that are known only when it starts.
    ForkJoinDynamic,
    /// Waits for branches.
    Join,
    /// Repeats its tasks.
    DoWhile,
    /// Becomes the task that an input names.
    Dynamic,
    /// Takes one of several ways.
    Switch,
    /// Takes one of several ways, as older definitions write it.
    Decision,
    /// Computes with a script.
    Inline,
    /// Computes with a script, as older definitions write it.
    Lambda,
    /// Computes with a jq filter.
    JsonJqTransform,
    /// Goes on with the one way that was taken.
    ExclusiveJoin,
    /// Waits for somebody.
    Human,
    /// Sets variables of the execution.
    SetVariable,
    /// Ends the execution.
    Terminate,
    /// Waits for a time or for somebody.
    Wait,
    /// Does nothing.
    Noop,
    /// Runs another workflow and waits for its end.
    SubWorkflow,
    /// Starts another workflow and goes on.
    StartWorkflow,
    /// Tells an event to whoever handles it.
    Event,
    /// Reads another execution.
    GetWorkflow,
    /// Reports on a task, of this execution or another.
    UpdateTask,
    /// A type that this build leaves to workers, by its name.
    Other(Box<str>),
}

impl TaskType {
    /// Returns Conductor's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Http => "HTTP",
            Self::UpdateSecret => "UPDATE_SECRET",
            Self::ForkJoin => "FORK_JOIN",
            Self::ForkJoinDynamic => "FORK_JOIN_DYNAMIC",
            Self::Join => "JOIN",
            Self::DoWhile => "DO_WHILE",
            Self::Dynamic => "DYNAMIC",
            Self::Switch => "SWITCH",
            Self::Decision => "DECISION",
            Self::Inline => "INLINE",
            Self::Lambda => "LAMBDA",
            Self::JsonJqTransform => "JSON_JQ_TRANSFORM",
            Self::ExclusiveJoin => "EXCLUSIVE_JOIN",
            Self::Human => "HUMAN",
            Self::SetVariable => "SET_VARIABLE",
            Self::Terminate => "TERMINATE",
            Self::Wait => "WAIT",
            Self::Noop => "NOOP",
            Self::SubWorkflow => "SUB_WORKFLOW",
            Self::StartWorkflow => "START_WORKFLOW",
            Self::Event => "EVENT",
            Self::GetWorkflow => "GET_WORKFLOW",
            Self::UpdateTask => "UPDATE_TASK",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for TaskType {
    fn from(text: &str) -> Self {
        match text {
            "SIMPLE" | "" => Self::Simple,
            "HTTP" => Self::Http,
            "UPDATE_SECRET" => Self::UpdateSecret,
            "FORK_JOIN" | "FORK" => Self::ForkJoin,
            "FORK_JOIN_DYNAMIC" => Self::ForkJoinDynamic,
            "JOIN" => Self::Join,
            "DO_WHILE" => Self::DoWhile,
            "DYNAMIC" => Self::Dynamic,
            "SWITCH" => Self::Switch,
            "DECISION" => Self::Decision,
            "INLINE" => Self::Inline,
            "LAMBDA" => Self::Lambda,
            "JSON_JQ_TRANSFORM" => Self::JsonJqTransform,
            "EXCLUSIVE_JOIN" => Self::ExclusiveJoin,
            "HUMAN" => Self::Human,
            "SET_VARIABLE" => Self::SetVariable,
            "TERMINATE" => Self::Terminate,
            "WAIT" => Self::Wait,
            "NOOP" => Self::Noop,
            "SUB_WORKFLOW" => Self::SubWorkflow,
            "START_WORKFLOW" => Self::StartWorkflow,
            "EVENT" => Self::Event,
            "GET_WORKFLOW" => Self::GetWorkflow,
            "UPDATE_TASK" => Self::UpdateTask,
            other => Self::Other(other.into()),
        }
    }
}

impl Serialize for TaskType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TaskType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}
