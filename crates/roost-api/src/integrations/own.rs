use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use roost_domain::integration::{
    Access, ClientAuth, Integration, IntegrationName, OAuth, Placement, UrlTemplate,
};
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{IntegrationDetails, Place};
use crate::app::App;
use crate::envelope::Data;

/// A service of the account's own.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutIntegrationBody {
    /// What people call it; its name without one.
    title: Option<String>,
    categories: Option<Vec<String>>,
    /// Where its interface is explained.
    documentation: Option<String>,
    /// What the paths of its interface begin with, with blanks in braces; its OpenAPI description says it without one.
    #[schema(example = "https://{tenant}.example.com/api")]
    base: Option<String>,
    /// Where its OpenAPI description is published.
    openapi: Option<String>,
    /// Its OAuth; without it, it takes keys.
    oauth: Option<PutOAuth>,
    /// Where a request carries the credential: as its OpenAPI description says, or else `Authorization: Bearer`.
    placement: Option<Place>,
    /// Headers that it wants with every request.
    headers: Option<BTreeMap<String, String>>,
    /// What each blank in its URLs means.
    fields: Option<BTreeMap<String, String>>,
}

/// A service's OAuth 2, authorization code.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutOAuth {
    authorize: String,
    token: String,
    /// Where tokens are taken back.
    revoke: Option<String>,
    scopes: Option<Vec<String>>,
    /// What stands between two scopes; a space without it.
    separator: Option<String>,
    /// Whether it takes a PKCE challenge; true without it.
    pkce: Option<bool>,
    /// How the client shows who it is: `basic` or `body`; `body` without it.
    client_auth: Option<String>,
    /// What else stands in the authorization URL.
    parameters: Option<BTreeMap<String, String>>,
}

/// Add an integration
///
/// A service of the account's own, or changes it. The catalog's own names are taken.
#[utoipa::path(
    put, path = "/v1/integrations/{integration}", tag = "integrations", operation_id = "put_integration",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("integration" = String, Path, description = "Its name: up to 31 lower-case letters, digits and hyphens.")),
    request_body = PutIntegrationBody,
    responses((status = 200, description = "The integration.", body = Data<IntegrationDetails>)),
)]
pub(crate) async fn put(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(IntegrationName,)>,
    Json(body): Json<PutIntegrationBody>,
) -> Result<Answer<Data<IntegrationDetails>>, Failure> {
    let integration = body.into_integration(name)?;
    let view = app.core.integrations().put_own(&ctx, integration).await?;
    Ok(Answer(Data { data: IntegrationDetails::new(view) }))
}

/// An integration that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedIntegration {
    name: String,
    /// Always true.
    deleted: bool,
}

/// Delete an integration
///
/// One of the account's own, with its client and its description. Connections to it can be used no more.
#[utoipa::path(
    delete, path = "/v1/integrations/{integration}", tag = "integrations", operation_id = "delete_integration",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("integration" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedIntegration>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(String,)>,
) -> Result<Answer<Data<DeletedIntegration>>, Failure> {
    app.core.integrations().delete_own(&ctx, &name).await?;
    Ok(Answer(Data { data: DeletedIntegration { name, deleted: true } }))
}

fn template(field: &str, text: &str) -> Result<UrlTemplate, Failure> {
    text.parse().map_err(|error| Failure::invalid(field, error))
}

impl PutIntegrationBody {
    fn into_integration(self, name: IntegrationName) -> Result<Integration, Failure> {
        let access = match self.oauth {
            Some(oauth) => Access::OAuth(Box::new(oauth.into_oauth()?)),
            None => Access::Key,
        };
        Ok(Integration {
            title: self.title.unwrap_or_else(|| name.to_string()),
            name,
            categories: self.categories.unwrap_or_default(),
            documentation: self.documentation,
            base: self.base.map(|base| template("base", &base)).transpose()?,
            openapi: self.openapi,
            access,
            placement: self.placement.map_or_else(Placement::bearer, Place::into_placement),
            headers: self.headers.unwrap_or_default(),
            fields: self.fields.unwrap_or_default(),
        })
    }
}

impl PutOAuth {
    fn into_oauth(self) -> Result<OAuth, Failure> {
        Ok(OAuth {
            authorize: template("oauth.authorize", &self.authorize)?,
            token: template("oauth.token", &self.token)?,
            revoke: self.revoke.map(|revoke| template("oauth.revoke", &revoke)).transpose()?,
            scopes: self.scopes.unwrap_or_default(),
            known_scopes: Vec::new(),
            separator: self.separator.unwrap_or_else(|| " ".to_owned()),
            pkce: self.pkce.unwrap_or(true),
            client_auth: match self.client_auth.as_deref() {
                Some("basic") => ClientAuth::Basic,
                Some("body") | None => ClientAuth::Body,
                Some(_) => return Err(Failure::invalid("oauth.clientAuth", "must be basic or body")),
            },
            authorize_parameters: self.parameters.unwrap_or_default(),
        })
    }
}
