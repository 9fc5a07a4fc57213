//! Integrations that accounts made, and operations of services' interfaces:
//! `{"v":1,"name":"pets","title":"Pets","access":{"kind":"key"},…}`.

use std::collections::BTreeMap;

use roost_domain::integration::{
    Access, Body, ClientAuth, Integration, Media, OAuth, Operation, Parameter, Place, Placement, Style,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct IntegrationV1 {
    v: u32,
    name: String,
    title: String,
    categories: Vec<String>,
    documentation: Option<String>,
    base: Option<String>,
    openapi: Option<String>,
    access: AccessV1,
    placement: PlacementV1,
    headers: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum AccessV1 {
    Key,
    Oauth(OAuthV1),
}

#[derive(Serialize, Deserialize)]
struct OAuthV1 {
    authorize: String,
    token: String,
    revoke: Option<String>,
    scopes: Vec<String>,
    known_scopes: Vec<String>,
    separator: String,
    pkce: bool,
    /// Whether the client shows who it is in a header, and not in the body.
    basic: bool,
    parameters: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
enum PlacementV1 {
    Header { name: String, prefix: String },
    Query { name: String },
    Basic,
}

#[derive(Serialize, Deserialize)]
struct OperationV1 {
    v: u32,
    name: String,
    method: String,
    path: String,
    base: Option<String>,
    summary: String,
    description: String,
    tags: Vec<String>,
    parameters: Vec<ParameterV1>,
    body: Option<BodyV1>,
    schema: Value,
}

#[derive(Serialize, Deserialize)]
struct ParameterV1 {
    name: String,
    argument: String,
    place: String,
    style: String,
}

#[derive(Serialize, Deserialize)]
struct BodyV1 {
    argument: String,
    media: String,
    content_type: String,
    deep: Vec<String>,
}

fn known(v: u32) -> Result<(), String> {
    if v == VERSION {
        return Ok(());
    }
    Err(format!("version {v} of the record is not known, only {VERSION} is"))
}

/// Writes where requests carry a credential.
pub(crate) fn encode_placement(placement: &Placement) -> Result<String, serde_json::Error> {
    serde_json::to_string(&written(placement))
}

/// Reads where requests carry a credential.
pub(crate) fn decode_placement(text: &str) -> Result<Placement, String> {
    let placement: PlacementV1 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(placed(placement))
}

fn written(placement: &Placement) -> PlacementV1 {
    match placement.clone() {
        Placement::Header { name, prefix } => PlacementV1::Header { name, prefix },
        Placement::Query { name } => PlacementV1::Query { name },
        Placement::Basic => PlacementV1::Basic,
    }
}

fn placed(placement: PlacementV1) -> Placement {
    match placement {
        PlacementV1::Header { name, prefix } => Placement::Header { name, prefix },
        PlacementV1::Query { name } => Placement::Query { name },
        PlacementV1::Basic => Placement::Basic,
    }
}

/// Writes an integration.
pub(crate) fn encode(integration: &Integration) -> Result<String, serde_json::Error> {
    let access = match &integration.access {
        Access::Key => AccessV1::Key,
        Access::OAuth(oauth) => AccessV1::Oauth(OAuthV1 {
            authorize: oauth.authorize.to_string(),
            token: oauth.token.to_string(),
            revoke: oauth.revoke.as_ref().map(ToString::to_string),
            scopes: oauth.scopes.clone(),
            known_scopes: oauth.known_scopes.clone(),
            separator: oauth.separator.clone(),
            pkce: oauth.pkce,
            basic: oauth.client_auth == ClientAuth::Basic,
            parameters: oauth.authorize_parameters.clone(),
        }),
    };
    serde_json::to_string(&IntegrationV1 {
        v: VERSION,
        name: integration.name.to_string(),
        title: integration.title.clone(),
        categories: integration.categories.clone(),
        documentation: integration.documentation.clone(),
        base: integration.base.as_ref().map(ToString::to_string),
        openapi: integration.openapi.clone(),
        access,
        placement: written(&integration.placement),
        headers: integration.headers.clone(),
        fields: integration.fields.clone(),
    })
}

/// Reads an integration, as any version wrote it.
pub(crate) fn decode(text: &str) -> Result<Integration, String> {
    let kept: IntegrationV1 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    known(kept.v)?;
    let url = |text: String| text.parse().map_err(|error| format!("{error}"));
    let access = match kept.access {
        AccessV1::Key => Access::Key,
        AccessV1::Oauth(oauth) => Access::OAuth(Box::new(OAuth {
            authorize: url(oauth.authorize)?,
            token: url(oauth.token)?,
            revoke: oauth.revoke.map(url).transpose()?,
            scopes: oauth.scopes,
            known_scopes: oauth.known_scopes,
            separator: oauth.separator,
            pkce: oauth.pkce,
            client_auth: if oauth.basic { ClientAuth::Basic } else { ClientAuth::Body },
            authorize_parameters: oauth.parameters,
        })),
    };
    Ok(Integration {
        name: kept.name.parse().map_err(|error| format!("{error}"))?,
        title: kept.title,
        categories: kept.categories,
        documentation: kept.documentation,
        base: kept.base.map(url).transpose()?,
        openapi: kept.openapi,
        access,
        placement: placed(kept.placement),
        headers: kept.headers,
        fields: kept.fields,
    })
}

/// Writes an operation.
pub(crate) fn encode_operation(operation: &Operation) -> Result<String, serde_json::Error> {
    let parameter = |one: &Parameter| ParameterV1 {
        name: one.name.clone(),
        argument: one.argument.clone(),
        place: one.place.name().to_owned(),
        style: one.style.name().to_owned(),
    };
    serde_json::to_string(&OperationV1 {
        v: VERSION,
        name: operation.name.clone(),
        method: operation.method.clone(),
        path: operation.path.clone(),
        base: operation.base.clone(),
        summary: operation.summary.clone(),
        description: operation.description.clone(),
        tags: operation.tags.clone(),
        parameters: operation.parameters.iter().map(parameter).collect(),
        body: operation.body.as_ref().map(|body| BodyV1 {
            argument: body.argument.clone(),
            media: body.media.name().to_owned(),
            content_type: body.content_type.clone(),
            deep: body.deep.clone(),
        }),
        schema: operation.schema.clone(),
    })
}

/// Reads an operation, as any version wrote it.
pub(crate) fn decode_operation(text: &str) -> Result<Operation, String> {
    fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Result<T, String> {
        all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| format!("{text:?} is not known"))
    }
    let kept: OperationV1 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    known(kept.v)?;
    let parameter = |one: ParameterV1| {
        Ok(Parameter {
            place: named(&Place::ALL, Place::name, &one.place)?,
            style: named(&Style::ALL, Style::name, &one.style)?,
            name: one.name,
            argument: one.argument,
        })
    };
    let body = |body: BodyV1| {
        Ok::<_, String>(Body {
            media: named(&Media::ALL, Media::name, &body.media)?,
            argument: body.argument,
            content_type: body.content_type,
            deep: body.deep,
        })
    };
    Ok(Operation {
        name: kept.name,
        method: kept.method,
        path: kept.path,
        base: kept.base,
        summary: kept.summary,
        description: kept.description,
        tags: kept.tags,
        parameters: kept.parameters.into_iter().map(parameter).collect::<Result<_, String>>()?,
        body: kept.body.map(body).transpose()?,
        schema: kept.schema,
    })
}

#[cfg(test)]
mod tests;
