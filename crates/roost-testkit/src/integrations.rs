use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::integration::{
    Access, ClientAuth, Description, Fault, Integration, IntegrationName, OAuth, Operation, Parameter, Place,
    Placement, Style,
};
use roost_domain::secret::Secret;
use roost_ports::integrations::{Ask, BadDescription, Error, Integrations, OAuthClient, Tokens};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A catalog of three: `petshop` (OAuth with PKCE), `safe` (a key), `shop` (OAuth with a field). Tokens are
/// `access-N` and `refresh-N` and last an hour, unless a test says what comes next.
pub struct TestIntegrations {
    catalog: Vec<Integration>,
    asked: Mutex<Vec<String>>,
    next: Mutex<VecDeque<Result<Option<Duration>, Error>>>,
    /// Whether renewals wait.
    holding: watch::Sender<bool>,
    /// How many have waited.
    waited: watch::Sender<u32>,
}

impl Default for TestIntegrations {
    fn default() -> Self {
        let none = BTreeMap::new();
        let shop = BTreeMap::from([("shop".to_owned(), "The name of your shop".to_owned())]);
        let oauth = |host: &str| Access::OAuth(Box::new(oauth(host)));
        Self {
            catalog: vec![
                integration("petshop", "Petshop", oauth("petshop.example"), &none),
                integration("safe", "Safe", Access::Key, &none),
                integration("shop", "Shop", oauth("{shop}.example"), &shop),
            ],
            asked: Mutex::default(),
            next: Mutex::default(),
            holding: watch::Sender::new(false),
            waited: watch::Sender::new(0),
        }
    }
}

fn oauth(host: &str) -> OAuth {
    let url = |path: &str| format!("https://{host}/{path}").parse().expect("is a URL");
    OAuth {
        authorize: url("authorize"),
        token: url("token"),
        revoke: Some(url("revoke")),
        scopes: vec!["read".to_owned()],
        known_scopes: vec!["write".to_owned()],
        separator: " ".to_owned(),
        pkce: true,
        client_auth: ClientAuth::Body,
        authorize_parameters: BTreeMap::new(),
    }
}

fn integration(name: &str, title: &str, access: Access, fields: &BTreeMap<String, String>) -> Integration {
    Integration {
        name: name.parse().expect("is a name"),
        title: title.to_owned(),
        categories: vec!["animals".to_owned()],
        documentation: None,
        base: Some(format!("https://{name}.example/v1").parse().expect("is a URL")),
        openapi: None,
        access,
        placement: Placement::bearer(),
        headers: BTreeMap::new(),
        fields: fields.clone(),
    }
}

impl TestIntegrations {
    /// Says what comes next: tokens that last so long, or an error.
    pub fn then(&self, next: Result<Option<Duration>, Error>) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(next);
    }

    /// Lets renewals wait until [`TestIntegrations::release`].
    pub fn hold(&self) {
        self.holding.send_replace(true);
    }

    /// Waits until a renewal waits.
    pub async fn held(&self) {
        let _ = self.waited.subscribe().wait_for(|waited| *waited > 0).await;
    }

    /// Lets renewals go on.
    pub fn release(&self) {
        self.holding.send_replace(false);
    }

    /// Returns what was asked of services, in order: `exchange CODE VERIFIER`, `refresh TOKEN`, `revoke TOKEN`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, asked: String) -> Result<Tokens, Error> {
        let number = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(asked);
            all.len()
        };
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let expires_in = next.unwrap_or(Ok(Some(Duration::from_secs(3_600))))?;
        Ok(Tokens {
            access: Secret::new(format!("access-{number}")),
            refresh: Some(Secret::new(format!("refresh-{number}"))),
            expires_in,
            scopes: None,
        })
    }
}

#[async_trait]
impl Integrations for TestIntegrations {
    fn catalog(&self) -> &[Integration] {
        &self.catalog
    }

    fn authorization(&self, client: &OAuthClient, ask: &Ask<'_>) -> Result<String, Error> {
        let authorize = client.oauth.authorize.fill(&client.fields).map_err(Error::Field)?;
        let challenge = if ask.verifier.is_some() { "&challenge=yes" } else { "" };
        Ok(format!("{authorize}?scope={}&state={}{challenge}", ask.scopes.join("+"), ask.state))
    }

    async fn exchange(
        &self,
        _client: &OAuthClient,
        code: &Secret,
        verifier: Option<&Secret>,
    ) -> Result<Tokens, Error> {
        let verifier = verifier.map_or(0, |verifier| verifier.expose().len());
        self.answer(format!("exchange {} {verifier}", code.expose()))
    }

    async fn refresh(&self, _client: &OAuthClient, refresh: &Secret) -> Result<Tokens, Error> {
        self.waited.send_if_modified(|waited| {
            let holds = *self.holding.borrow();
            *waited += u32::from(holds);
            holds
        });
        let _ = self.holding.subscribe().wait_for(|holds| !*holds).await;
        self.answer(format!("refresh {}", refresh.expose()))
    }

    async fn revoke(&self, client: &OAuthClient, token: &Secret) -> Result<bool, Error> {
        self.answer(format!("revoke {}", token.expose())).map(|_| client.oauth.revoke.is_some())
    }

    async fn fetch(&self, url: &str) -> Result<String, Error> {
        Err(Error::NoAnswer(format!("nobody is at {url}")))
    }

    async fn describe(&self, _name: &IntegrationName, text: String) -> Result<Description, BadDescription> {
        if text != "pets" {
            return Err(BadDescription("the test knows one document only: pets".to_owned()));
        }
        Ok(pets())
    }

    fn check(&self, schema: &Value, arguments: &Value) -> Result<(), Vec<Fault>> {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.filter(|name| arguments.get(name).is_none());
        let fault =
            |name: &str| Fault { path: format!("arguments.{name}"), problem: "is missing".to_owned() };
        let faults: Vec<Fault> = missing.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn pets() -> Description {
    let parameter = |name: &str, place| Parameter {
        name: name.to_owned(),
        argument: name.to_owned(),
        place,
        style: Style::Exploded,
    };
    let operation = |name: &str, method: &str, path: &str, parameters, schema| Operation {
        name: name.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        base: None,
        summary: name.replace('_', " "),
        description: String::new(),
        tags: vec!["pets".to_owned()],
        parameters,
        body: None,
        schema,
    };
    let limit = json!({"type": "object", "properties": {"limit": {"type": "integer"}}});
    let id = json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]});
    Description {
        title: "Pets".to_owned(),
        version: "1".to_owned(),
        base: None,
        placement: None,
        oauth: None,
        operations: vec![
            operation("list_pets", "GET", "/pets", vec![parameter("limit", Place::Query)], limit),
            operation("get_pet", "GET", "/pets/{id}", vec![parameter("id", Place::Path)], id.clone()),
            operation("delete_pet", "DELETE", "/pets/{id}", vec![parameter("id", Place::Path)], id),
        ],
        problems: Vec::new(),
    }
}
