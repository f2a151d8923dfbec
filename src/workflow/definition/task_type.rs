use serde::{Deserialize, Deserializer, Serialize};

/// How tasks of a type come to their end, which is all that the flow of an execution must know of it; what else is special
/// about a type its operator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A worker polls for it.
    Worker,
    /// The executor does it, in the world.
    Call,
    /// Another execution is started, read or told.
    Kin,
    /// A script is evaluated.
    Script,
    /// It holds other tasks and starts them.
    Holder,
    /// It only leads the flow, and ends when the flow does.
    Flow,
    /// It is done in the step that begins it.
    Moment,
    /// It waits for a time, or to be told.
    Wait,
    /// It waits for somebody.
    Human,
}

/// Makes the enum and what is said of each type from one row a type.
macro_rules! task_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $nature:ident;)*) => {
        /// What kind of task it is. A type that this build does not know is a worker's task.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub enum TaskType {
            $($(#[$doc])* $name,)*
            /// A type that this build leaves to workers, by its name.
            Other(Box<str>),
        }

        impl TaskType {
            /// Every type that this build knows.
            pub const KNOWN: &[Self] = &[$(Self::$name,)*];

            /// Returns Conductor's text.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(name) => name,
                }
            }

            /// Returns how tasks of this type come to their end.
            pub const fn nature(&self) -> Nature {
                match self {
                    $(Self::$name => Nature::$nature,)*
                    Self::Other(_) => Nature::Worker,
                }
            }
        }

        impl From<&str> for TaskType {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    "" => Self::Simple,
                    "FORK" => Self::ForkJoin,
                    other => Self::Other(other.into()),
                }
            }
        }
    };
}

task_types! {
    /// A worker polls for it by its name.
    #[default]
    Simple = "SIMPLE", Worker;
    /// Calls a URL.
    Http = "HTTP", Call;
    /// Calls a URL until a condition holds of what it answers.
    HttpPoll = "HTTP_POLL", Call;
    /// Writes secrets.
    UpdateSecret = "UPDATE_SECRET", Call;
    /// Signs a JSON Web Token.
    GetSignedJwt = "GET_SIGNED_JWT", Call;
    /// Computes with a script.
    Inline = "INLINE", Script;
    /// Computes with a script, as older definitions write it.
    Lambda = "LAMBDA", Script;
    /// Computes with a jq filter.
    JsonJqTransform = "JSON_JQ_TRANSFORM", Script;
    /// Starts branches.
    ForkJoin = "FORK_JOIN", Holder;
    /// Starts branches that are known only when it starts.
    ForkJoinDynamic = "FORK_JOIN_DYNAMIC", Holder;
    /// Waits for branches.
    Join = "JOIN", Flow;
    /// Goes on with the one way that was taken.
    ExclusiveJoin = "EXCLUSIVE_JOIN", Flow;
    /// Repeats its tasks.
    DoWhile = "DO_WHILE", Holder;
    /// Becomes the task that an input names.
    Dynamic = "DYNAMIC", Flow;
    /// Takes one of several ways.
    Switch = "SWITCH", Holder;
    /// Takes one of several ways, as older definitions write it.
    Decision = "DECISION", Holder;
    /// Sets variables of the execution.
    SetVariable = "SET_VARIABLE", Moment;
    /// Ends the execution.
    Terminate = "TERMINATE", Moment;
    /// Waits for a time or for somebody.
    Wait = "WAIT", Wait;
    /// Waits for somebody.
    Human = "HUMAN", Human;
    /// Does nothing.
    Noop = "NOOP", Moment;
    /// Runs another workflow and waits for its end.
    SubWorkflow = "SUB_WORKFLOW", Kin;
    /// Starts another workflow and goes on.
    StartWorkflow = "START_WORKFLOW", Kin;
    /// Tells an event to whoever handles it.
    Event = "EVENT", Kin;
    /// Reads another execution.
    GetWorkflow = "GET_WORKFLOW", Kin;
    /// Reports on a task, of this execution or another.
    UpdateTask = "UPDATE_TASK", Kin;
}

impl TaskType {
    /// Returns whether workers poll for tasks of this type.
    pub const fn is_worker(&self) -> bool {
        matches!(self.nature(), Nature::Worker)
    }

    /// Returns whether the limits of a task definition hold for tasks of this type.
    pub const fn obeys_limits(&self) -> bool {
        let is_call = matches!(self, Self::Http | Self::HttpPoll | Self::GetSignedJwt);
        is_call || self.is_worker() || matches!(self, Self::SubWorkflow | Self::StartWorkflow)
    }

    /// Returns whether tasks of this type make calls.
    pub const fn is_http(&self) -> bool {
        matches!(self, Self::Http | Self::HttpPoll)
    }

    /// Returns whether tasks of this type do something outside of the engine.
    pub const fn has_effect(&self) -> bool {
        matches!(self.nature(), Nature::Worker | Nature::Call | Nature::Kin)
    }

    /// Returns whether Conductor tries tasks of this type again; what others decide is decided.
    pub const fn is_retried(&self) -> bool {
        matches!(self.nature(), Nature::Worker | Nature::Call | Nature::Kin | Nature::Script | Nature::Human)
    }

    /// Returns whether tasks of this type end within the step that begins them, but for scripts.
    pub const fn ends_at_once(&self) -> bool {
        matches!(self.nature(), Nature::Script | Nature::Holder | Nature::Moment)
    }

    /// Returns whether nobody outside of an execution reports on tasks of this type.
    pub const fn is_of_the_flow(&self) -> bool {
        matches!(self.nature(), Nature::Script | Nature::Holder | Nature::Flow | Nature::Moment)
    }

    /// Returns whether tasks of this type lead to other tasks, and mean nothing without the text of a definition.
    pub const fn is_structure(&self) -> bool {
        matches!(self.nature(), Nature::Holder | Nature::Flow)
    }

    /// Returns whether whoever works for tasks of this type is handed their whole input.
    pub const fn is_handed_over(&self) -> bool {
        matches!(self.nature(), Nature::Worker | Nature::Call | Nature::Script)
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
