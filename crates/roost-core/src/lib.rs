//! The core: use cases, the gate's facts, transactions, events. One folder per noun, one file per use case.
//!
//! Imports `roost-domain` and `roost-ports`; knows no HTTP, no SQL, no provider. Faces and the runtime hold a
//! [`Core`] and never a port. Start at [`Messages`] (a message comes in) and [`Turns`] (what the runtime then
//! drives).

mod accounts;
mod agents;
mod approvals;
mod artifacts;
mod connections;
mod conversations;
mod core;
mod ctx;
mod documents;
mod error;
mod events;
mod forms;
mod gate;
mod guard;
mod hub;
mod integrations;
mod keys;
mod knowledge;
mod links;
mod log;
mod memory;
mod messages;
mod models;
mod notices;
mod quota;
mod regions;
mod runs;
mod runtimes;
mod sandboxes;
mod scans;
mod secrets;
mod sessions;
mod skills;
mod snapshots;
mod swarms;
mod triggers;
mod turns;
mod usage;
mod webhooks;
mod workflows;

pub use accounts::{AccountView, Accounts};
pub use agents::{
    AgentView, Agents, CreateAgent, ListAgents, LogLines, LogStream, MachineView, StatusView, UpdateAgent,
};
pub use approvals::{Approvals, DecideApproval, EscalateApproval, ListApprovals, ListEntries};
pub use artifacts::{ArtifactContent, ArtifactLink, Artifacts, ListArtifacts};
pub use connections::{
    Answer, Begun, ConnectionUrl, Connections, ConnectionsView, Finished, Followed, LinkView, Proof,
    PutConnectionKey, Revoked, StartConnection, Started,
};
pub use conversations::{Answered, Ask, Asked, Conversations, Follow, Kept, Over, Talk, Told};
pub use core::{Core, Health, Ports, Settings};
pub use ctx::{Ctx, Principal};
pub use documents::{Diff, Documents, Personality, PutDocument, RestoreDocument, Workflow, Written};
pub use error::{Error, Kind};
pub use events::{Events, Live, ProgressOf, Subscription};
pub use forms::{FormFile, FormPage, FormState, Forms, Submitted, UploadFile};
pub use guard::{
    Backtest, Change, ChangePermissions, Evaluate, Evaluation, Gate, ListDecisions, PermissionSets, Policies,
    PolicyView, PutPolicy, TestPolicy,
};
pub use integrations::{
    ClientView, DescribeService, Described, DocumentSource, FoundOperation, IntegrationView, Integrations,
    Item, ListIntegrations, Poll, PutClient,
};
pub use keys::{CreateKey, Keys, NewKey};
pub use knowledge::{
    DeleteKnowledge, EmbedderView, Found, Hit, Ingest, Knowledge, KnowledgeChunk, KnowledgeStatus,
    ListKnowledge, SearchKnowledge, Stored, Upload, Uploaded,
};
pub use memory::{ForgetMemories, ListMemories, Memories, MemoryView, MemoryWork};
pub use messages::{History, Messages, PostMessage, Posted};
pub use models::{Asker, Complete, Completion, Embed, Embeddings, ListedModel, ListedModels, ModelCalls};
pub use regions::Regions;
pub use runs::{
    Advance, Again, AnswerRun, Answered as AnsweredForm, CreateRun, FormView, ListRuns, PageRuns, RunLink,
    RunPage, RunSubscription, RunView, Runs, StepView,
};
pub use runtimes::HostedRuntimes;
pub use sandboxes::{CreateSandbox, ListSandboxes, RunCode, SandboxWork, Sandboxes, Wait};
pub use scans::{Code, ScanCode, Scans};
pub use secrets::{ModelKey, PutSecrets, Secrets, SecretsChanged};
pub use sessions::{NewSession, Sessions, TurnTree};
pub use skills::{InstallSkill, ListSkills, PutSkill, SkillContent, SkillView, Skills, UpdateInstalledSkill};
pub use snapshots::{
    DocumentChange, ForkAgent, Forked, ListSnapshots, Moment, Restored, SnapshotDiff, Snapshots,
};
pub use swarms::{CreateSwarm, SwarmDetails, SwarmView, Swarms, UpdateSwarm};
pub use triggers::{
    Challenge, HookRequest, NewSecret, Received, RotateTrigger, TriggerUrl, TriggerView, Triggers,
};
pub use turns::{Claim, Parked, Turns, Work};
pub use usage::{ListUsage, UsageView, Usages};
pub use webhooks::{
    CreateWebhookEndpoint, ListDeliveries, NewWebhookEndpoint, UpdateWebhookEndpoint, Webhooks,
};
pub use workflows::{
    ConfigChange, Connect, CreateWorkflowAgent, ListWorkflowAgents, PutWorkflow, WorkflowView, Workflows,
};

// What use cases take and give that a port defines: faces may not import the ports.
pub use roost_ports::model::Chunk;
pub use roost_ports::store::{
    AgentCursor, AgentFilter, Amounts, ApprovalCursor, ApprovalFilter, ArtifactCursor, ArtifactFilter,
    ChatMessage, ConnectionCursor, CustomVersion, DecisionEntry, DecisionFilter, DeliveryCursor,
    DeliveryFilter, Dimension, DocumentEntry, Edition, EntryFilter, KeptDescription, OperationLine, Part,
    Remembered, Removed, Role, RunCursor, RunFilter, SandboxCursor, Scan, SecretEntry, SecretUse,
    SnapshotCursor, TurnPhase, UsageKey, UsageRow, VersionEntry, WorkflowVersion,
};
