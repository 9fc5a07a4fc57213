use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::CreateKey;
use roost_domain::id::KeyId;
use roost_domain::key::Style;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{KeySummary, NewKey};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// The list has all keys; no account has more.
const MOST: Limit = Limit::clamped(1_000, 1_000);

/// List keys
///
/// Newest first, revoked ones included.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    responses((status = 200, description = "The keys.", body = Listed<KeySummary>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<Answer<Listed<KeySummary>>, Failure> {
    let keys = app.core.keys().list(&ctx).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(keys.len() as u64, MOST, None),
        data: keys.into_iter().map(KeySummary::new).collect(),
    }))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateKeyBody {
    /// 1 to 100 characters.
    name: String,
    /// Which product's keys it looks like: `native` (default), `agento`, `gopilot`, `shinzo`, `fullpilot` or
    /// `agentcop`. Any key works on every API.
    r#as: Option<String>,
    /// What it may do, none of it more than the key that makes it; without any, what keys of its style can have.
    scopes: Option<Vec<String>>,
}

/// Create a key
///
/// Its text is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    request_body = CreateKeyBody,
    responses((status = 201, description = "The key.", body = Data<NewKey>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<CreateKeyBody>,
) -> Result<(StatusCode, Answer<Data<NewKey>>), Failure> {
    let made = app.core.keys().create(&ctx, body.into_params()?).await?;
    let data = NewKey { summary: KeySummary::new(made.key), key: made.text.expose().to_owned() };
    Ok((StatusCode::CREATED, Answer(Data { data })))
}

/// A key that no longer works.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Revoked {
    id: String,
    /// Always true.
    revoked: bool,
}

/// Revoke a key
///
/// It stops working at once and for good.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 200, description = "It no longer works.", body = Data<Revoked>)),
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(KeyId,)>,
) -> Result<Answer<Data<Revoked>>, Failure> {
    app.core.keys().revoke(&ctx, id).await?;
    Ok(Answer(Data { data: Revoked { id: id.to_string(), revoked: true } }))
}

impl CreateKeyBody {
    fn into_params(self) -> Result<CreateKey, Failure> {
        let style = self.r#as.map(|style| style.parse().map_err(|error| Failure::invalid("as", error)));
        let scope = |(index, text): (usize, String)| {
            text.parse().map_err(|error| Failure::invalid(&format!("scopes[{index}]"), error))
        };
        Ok(CreateKey {
            name: self.name,
            style: style.transpose()?.unwrap_or(Style::Native),
            scopes: self
                .scopes
                .unwrap_or_default()
                .into_iter()
                .enumerate()
                .map(scope)
                .collect::<Result<_, _>>()?,
        })
    }
}
