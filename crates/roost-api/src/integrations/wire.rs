use std::collections::BTreeMap;

use roost_core::IntegrationView;
use roost_domain::integration::{Access, ClientAuth, Integration, Placement};
use roost_http::iso;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A service that agents can be connected to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationEntry {
    /// Its name.
    #[schema(example = "github")]
    name: String,
    /// What people call it.
    title: String,
    /// What it is for.
    categories: Vec<String>,
    /// How it lets others in: `oauth` or `key`.
    access: &'static str,
    /// Where its interface is explained.
    documentation: Option<String>,
    /// What the paths of its interface begin with, with blanks in braces.
    base: Option<String>,
    /// Where its maker publishes an OpenAPI description.
    openapi: Option<String>,
    /// What has to be known before it can be reached: names, and what each means.
    fields: BTreeMap<String, String>,
    /// Its OAuth endpoints.
    oauth: Option<OAuthEndpoints>,
    placement: Place,
    /// Headers that it wants with every request.
    headers: BTreeMap<String, String>,
}

/// A service's OAuth 2.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OAuthEndpoints {
    authorize: String,
    token: String,
    revoke: Option<String>,
    /// What is asked for if nobody says otherwise.
    scopes: Vec<String>,
    /// Others that can be asked for; not all there are.
    known_scopes: Vec<String>,
    /// Whether it takes a PKCE challenge.
    pkce: bool,
    /// How the client shows who it is: `basic` or `body`.
    client_auth: &'static str,
}

/// Where a request carries the credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "in", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Place {
    /// In a header, after a prefix.
    Header {
        /// The header.
        name: String,
        /// What stands before the credential: `Bearer `.
        #[serde(default)]
        prefix: String,
    },
    /// In the query.
    Query {
        /// The parameter.
        name: String,
    },
    /// As HTTP Basic.
    Basic,
}

/// A service, and what the account has made of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntegrationDetails {
    #[serde(flatten)]
    entry: IntegrationEntry,
    /// Whether it is the account's own, and not one of the catalog.
    own: bool,
    /// The account's OAuth client there; null without one.
    client: Option<OAuthClientView>,
    /// What is known of its interface; null without a description.
    description: Option<DescriptionView>,
    /// What the service has to be told as the redirect URI of the client.
    redirect_uri: String,
}

/// An OAuth client; its secret is shown to nobody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OAuthClientView {
    client_id: String,
    has_secret: bool,
    /// What it asks for; null is what the service's entry says.
    scopes: Option<Vec<String>>,
    fields: BTreeMap<String, String>,
}

/// What is known of a service's interface.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescriptionView {
    title: String,
    version: String,
    /// How many operations it has.
    operations: u64,
    /// Where the document came from; null if it was sent.
    source: Option<String>,
    /// When it was read.
    read_at: String,
}

impl IntegrationEntry {
    pub(super) fn new(integration: Integration) -> Self {
        let oauth = match integration.access {
            Access::Key => None,
            Access::OAuth(oauth) => Some(OAuthEndpoints {
                authorize: oauth.authorize.to_string(),
                token: oauth.token.to_string(),
                revoke: oauth.revoke.as_ref().map(ToString::to_string),
                scopes: oauth.scopes,
                known_scopes: oauth.known_scopes,
                pkce: oauth.pkce,
                client_auth: match oauth.client_auth {
                    ClientAuth::Basic => "basic",
                    ClientAuth::Body => "body",
                },
            }),
        };
        Self {
            name: integration.name.to_string(),
            title: integration.title,
            categories: integration.categories,
            access: if oauth.is_some() { "oauth" } else { "key" },
            documentation: integration.documentation,
            base: integration.base.as_ref().map(ToString::to_string),
            openapi: integration.openapi,
            fields: integration.fields,
            oauth,
            placement: Place::new(integration.placement),
            headers: integration.headers,
        }
    }
}

impl Place {
    fn new(placement: Placement) -> Self {
        match placement {
            Placement::Header { name, prefix } => Self::Header { name, prefix },
            Placement::Query { name } => Self::Query { name },
            Placement::Basic => Self::Basic,
        }
    }

    pub(super) fn into_placement(self) -> Placement {
        match self {
            Self::Header { name, prefix } => Placement::Header { name, prefix },
            Self::Query { name } => Placement::Query { name },
            Self::Basic => Placement::Basic,
        }
    }
}

impl IntegrationDetails {
    pub(super) fn new(view: IntegrationView) -> Self {
        Self {
            entry: IntegrationEntry::new(view.integration),
            own: view.own,
            client: view.client.map(|client| OAuthClientView {
                client_id: client.client_id,
                has_secret: client.has_secret,
                scopes: client.scopes,
                fields: client.fields,
            }),
            description: view.description.as_ref().map(DescriptionView::new),
            redirect_uri: view.redirect,
        }
    }
}

impl DescriptionView {
    pub(super) fn new(kept: &roost_core::KeptDescription) -> Self {
        Self {
            title: kept.title.clone(),
            version: kept.version.clone(),
            operations: kept.operations,
            source: kept.source.clone(),
            read_at: iso(kept.at),
        }
    }
}
