//! Names that stand in records, one enum per enum of the domain: a variant that is added there does not compile
//! here until it has a name.

use roost_domain::agent::FailureCategory;
use roost_domain::approval::{Question, Verdict};
use roost_domain::conversation::StopReason;
use roost_domain::session::Channel;
use roost_domain::tool::ToolStatus;
use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($record:ident = $domain:ident { $($variant:ident = $name:literal),+ })+) => { $(
        #[derive(Serialize, Deserialize)]
        pub(crate) enum $record { $(#[serde(rename = $name)] $variant),+ }

        impl From<$domain> for $record {
            fn from(one: $domain) -> Self {
                match one { $($domain::$variant => Self::$variant),+ }
            }
        }

        impl From<$record> for $domain {
            fn from(one: $record) -> Self {
                match one { $($record::$variant => Self::$variant),+ }
            }
        }
    )+ };
}

names! {
    CategoryV1 = FailureCategory {
        Auth = "auth", Provider = "provider", Quota = "quota", Machine = "machine", Config = "config",
        Internal = "internal"
    }
    ChannelV1 = Channel { Api = "api", Agent = "agent", Workflow = "workflow", Journal = "journal" }
    QuestionV1 = Question { MayAct = "may_act", RunAgain = "outcome_unknown" }
    VerdictV1 = Verdict { Approved = "approved", Denied = "denied", Expired = "expired", Withdrawn = "withdrawn" }
    StopV1 = StopReason {
        EndTurn = "end_turn", ToolUse = "tool_use", MaxOutput = "max_output", Refused = "refused"
    }
    StatusV1 = ToolStatus { Done = "done", Failed = "failed", Cancelled = "cancelled" }
}
