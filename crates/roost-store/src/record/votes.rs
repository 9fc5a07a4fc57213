//! Who has said yes to an approval: `[{"by":"ann","key":"key_…","at":1764000000000000}]`, times in microseconds since 1970.

use jiff::Timestamp;
use roost_domain::approval::Vote;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct VoteV1 {
    by: String,
    key: String,
    at: i64,
}

/// Writes votes.
pub(crate) fn encode(votes: &[Vote]) -> Result<String, serde_json::Error> {
    let votes: Vec<_> = votes
        .iter()
        .map(|vote| VoteV1 { by: vote.by.clone(), key: vote.key.clone(), at: vote.at.as_microsecond() })
        .collect();
    serde_json::to_string(&votes)
}

/// Reads votes.
pub(crate) fn decode(text: &str) -> Result<Vec<Vote>, String> {
    let votes: Vec<VoteV1> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let vote = |vote: VoteV1| {
        let at = Timestamp::from_microsecond(vote.at).map_err(|error| error.to_string())?;
        Ok(Vote { by: vote.by, key: vote.key, at })
    };
    votes.into_iter().map(vote).collect()
}
