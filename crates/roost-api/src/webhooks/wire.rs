use roost_domain::webhook;
use roost_http::{iso, iso_if};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Where an account wants to be told of events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEndpoint {
    /// `we_…`
    id: String,
    /// Where messages are posted to.
    #[schema(example = "https://example.com/roost")]
    url: String,
    /// The kinds of events that are told, each by its name or as `approval.*`; empty is all.
    events: Vec<String>,
    description: String,
    /// Whether it is told anything.
    enabled: bool,
    created_at: String,
    /// When it was turned off: by you, or because it answered 410.
    disabled_at: Option<String>,
}

/// An endpoint with its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewWebhookEndpoint {
    #[serde(flatten)]
    endpoint: WebhookEndpoint,
    /// What signs the messages. Nobody will see it again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// One message to one endpoint, over all its tries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookDelivery {
    /// `msg_…`; the header `webhook-id` of every try.
    id: String,
    endpoint_id: String,
    /// What happened.
    #[schema(example = "approval.requested")]
    event: String,
    /// The body that is sent.
    #[schema(value_type = Object)]
    payload: Value,
    /// `pending`, `delivered` or `failed`, which is given up
    status: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next; null when it is over.
    next_attempt_at: Option<String>,
    /// The status of the last answer; null if there was none.
    last_status: Option<u16>,
    /// Why the last try failed.
    last_error: Option<String>,
    created_at: String,
    delivered_at: Option<String>,
}

impl WebhookEndpoint {
    pub(super) fn new(endpoint: webhook::Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            events: endpoint.kinds.iter().map(ToString::to_string).collect(),
            description: endpoint.description,
            enabled: endpoint.disabled_at.is_none(),
            created_at: iso(endpoint.created_at),
            disabled_at: iso_if(endpoint.disabled_at),
        }
    }
}

impl NewWebhookEndpoint {
    pub(super) fn new(made: roost_core::NewWebhookEndpoint) -> Self {
        let secret = made.secret.expose().to_owned();
        Self { endpoint: WebhookEndpoint::new(made.endpoint), secret }
    }
}

impl WebhookDelivery {
    pub(super) fn new(delivery: webhook::Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            endpoint_id: delivery.endpoint.to_string(),
            event: delivery.kind,
            // silent-ok: the core writes nothing but JSON there.
            payload: serde_json::from_str(&delivery.payload).unwrap_or_default(),
            status: delivery.status.name(),
            attempts: delivery.attempts,
            next_attempt_at: iso_if(delivery.next_at),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            created_at: iso(delivery.created_at),
            delivered_at: iso_if(delivery.delivered_at),
        }
    }
}
