//! Randomness, and the ids made from it.

use jiff::Timestamp;
use roost_domain::id::{
    AccountId, AgentId, ApprovalId, ArtifactId, ConnectionId, DeliveryId, EndpointId, FileId, FormId,
    InstalledSkillId, JobId, KeyId, KnowledgeId, ModelCallId, ResponseId, RunId, SandboxId, SandboxRunId,
    ScanId, SessionId, SnapshotId, SwarmId, TriggerId, TurnId,
};
use uuid::Uuid;

/// Gives unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`; cryptographically strong outside tests.
    fn fill(&self, bytes: &mut [u8]);
}

/// An id that can be made from a UUID.
pub trait Id: Sized {
    /// Wraps the UUID.
    fn from_uuid(uuid: Uuid) -> Self;
}

macro_rules! ids {
    ($($name:ident),+) => { $(impl Id for $name {
        fn from_uuid(uuid: Uuid) -> Self { $name::from_uuid(uuid) }
    })+ };
}
ids!(
    ConnectionId,
    AccountId,
    AgentId,
    ApprovalId,
    ArtifactId,
    DeliveryId,
    EndpointId,
    FileId,
    FormId,
    InstalledSkillId,
    JobId,
    KeyId,
    KnowledgeId,
    ModelCallId,
    ResponseId,
    RunId,
    SandboxId,
    SandboxRunId,
    ScanId,
    SessionId,
    SnapshotId,
    SwarmId,
    TriggerId,
    TurnId
);

impl dyn Random + '_ {
    /// Makes a new id: a UUIDv7, so that ids sort by the time they were made.
    pub fn id<I: Id>(&self, now: Timestamp) -> I {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        I::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}
