use axum::Json as Answer;
use axum::extract::{FromRequest as _, Request, State};
use roost_core::{DescribeService, DocumentSource, FoundOperation};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Json, Query, Segment, allow_body};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::wire::DescriptionView;
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// The longest body: the largest document that is read, as a text with escapes.
const LONGEST: usize = 32 * 1024 * 1024;

/// Where an OpenAPI document comes from: one of `document` and `url`, or neither for the one that is published.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutOpenapiBody {
    /// The document itself: an object, or its text in JSON or YAML.
    #[schema(value_type = Option<Object>)]
    document: Option<Value>,
    /// Where it is fetched from.
    url: Option<String>,
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DescribedService {
    #[serde(flatten)]
    description: DescriptionView,
    /// What could not be used, a sentence each.
    problems: Vec<String>,
}

/// Describe a service
///
/// Reads its OpenAPI document (2.0, 3.0 or 3.1) and replaces what was known of it. From then on, agents that are
/// connected to the service can use its operations. Without a document and a URL, the one that the service's maker
/// publishes is fetched.
#[utoipa::path(
    put, path = "/v1/integrations/{integration}/openapi", tag = "integrations", operation_id = "put_openapi",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("integration" = String, Path, description = "The service.")),
    request_body = PutOpenapiBody,
    responses((status = 200, description = "What was read.", body = Data<DescribedService>)),
)]
pub(crate) async fn put_openapi(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(String,)>,
    mut request: Request,
) -> Result<Answer<Data<DescribedService>>, Failure> {
    // Before so long a body is read.
    ctx.require(Scope::AgentsWrite)?;
    allow_body(&mut request, LONGEST);
    let Json(body): Json<PutOpenapiBody> = Json::from_request(request, &()).await?;
    let from = match (body.document, body.url) {
        (Some(_), Some(_)) => return Err(Failure::invalid("url", "cannot be given beside document")),
        (Some(Value::String(text)), None) => DocumentSource::Text(text),
        (Some(document), None) => DocumentSource::Text(document.to_string()),
        (None, Some(url)) => DocumentSource::Url(url),
        (None, None) => DocumentSource::Published,
    };
    let described = app.core.integrations().describe(&ctx, DescribeService { name, from }).await?;
    let description = DescriptionView::new(&described.description);
    Ok(Answer(Data { data: DescribedService { description, problems: described.problems } }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindOperationsQuery {
    /// What is looked for, in a few words: `create an issue`.
    query: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
}

/// An operation of a service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceOperation {
    /// Its name.
    name: String,
    /// The tool that it is: name it in an agent's `config.operations`, or in a step of a workflow.
    #[schema(example = "github__issues_create")]
    tool: String,
    method: String,
    path: String,
    summary: String,
    /// JSON Schema of its arguments.
    #[schema(value_type = Object)]
    parameters: Value,
}

/// Find operations
///
/// Those of a service that fit, best first, or all in the order of its document.
#[utoipa::path(
    get, path = "/v1/integrations/{integration}/operations", tag = "integrations", operation_id = "find_operations",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("integration" = String, Path, description = "The service."), FindOperationsQuery),
    responses((status = 200, description = "What was found.", body = Listed<ServiceOperation>)),
)]
pub(crate) async fn operations(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(String,)>,
    Query(query): Query<FindOperationsQuery>,
) -> Result<Answer<Listed<ServiceOperation>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let words = query.query.unwrap_or_default();
    let (found, total) = app.core.integrations().operations(&ctx, &name, words, limit).await?;
    let one = |one: FoundOperation| ServiceOperation {
        name: one.line.name,
        tool: one.tool,
        method: one.line.method,
        path: one.line.path,
        summary: one.line.summary,
        parameters: one.schema,
    };
    Ok(Answer(Listed {
        data: found.into_iter().map(one).collect(),
        pagination: Pagination::new(total, limit, None),
    }))
}
