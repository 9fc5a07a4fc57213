use axum::Json as Answer;
use axum::extract::State;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, iso, read_cursor, write_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::agents::secrets::stored_name;
use crate::app::App;
use crate::envelope::{Listed, Pagination};

/// Names the list that a cursor is for.
const LIST: &str = "secret-uses";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsesQuery {
    /// At most so many; 50 by default, 200 at most.
    limit: Option<u32>,
    /// `nextCursor` of the part before.
    cursor: Option<String>,
}

/// One use of a secret in a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretUse {
    at: String,
    /// Where it went, with the port.
    #[schema(example = "api.github.com:443")]
    host: String,
    method: String,
    /// The status of the answer; null where there was none, or is none yet.
    status: Option<u16>,
    session_id: String,
    turn_id: String,
    /// The tool call, as the session's events name it.
    call_id: String,
}

/// List the uses of a secret
///
/// The latest first; the latest 1,000 are kept, also of secrets that were removed.
#[utoipa::path(
    get, path = "/v1/agents/{id}/secrets/{name}/uses", tag = "secrets", operation_id = "list_uses",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "The secret."),
        UsesQuery,
    ),
    responses((status = 200, description = "The uses.", body = Listed<SecretUse>)),
)]
pub(crate) async fn list_uses(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
    Query(query): Query<UsesQuery>,
) -> Result<Answer<Listed<SecretUse>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let before = match &query.cursor {
        Some(cursor) => {
            let [before] = read_cursor(LIST, cursor)?;
            let not_ours = || Failure::invalid("cursor", "is not one that this list gave; begin without one");
            Some(before.parse().map_err(|_| not_ours())?)
        }
        None => None,
    };
    let page = app.core.secrets().uses(&ctx, id, stored_name("name", &name)?, before, limit).await?;
    let shown = |used: roost_core::SecretUse| SecretUse {
        at: iso(used.at),
        host: used.host,
        method: used.method,
        status: used.status,
        session_id: used.session.to_string(),
        turn_id: used.turn.to_string(),
        call_id: used.call.as_str().to_owned(),
    };
    let next = page.next.map(|number| write_cursor(LIST, &[&number]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(shown).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}
