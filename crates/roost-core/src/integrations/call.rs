//! A call of a service's operation becomes a request that carries the agent's connection.
//!
//! The model names the operation and gives its arguments. What is sent is one `http_request`, which the gate decides
//! about as it is: method, whole URL, and by its hash also headers and body. The credential is added where the request
//! leaves the server and is in no call, event or machine.

use roost_domain::agent::Agent;
use roost_domain::connection::{Connection, Status};
use roost_domain::effect::{Action, Script};
use roost_domain::integration::{Fault, Integration, IntegrationName, Operation, Placement, Request};
use roost_domain::secret::Secret;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{Added, BadCall, Injections};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::connections::{access_place, basic};
use crate::{Core, Error};

/// The tool that calls any operation by its name.
pub(crate) const CALL_OPERATION: &str = "call_operation";

/// How many operations an agent's configuration may name to be offered each as a tool of its own.
const MOST_NAMED: usize = 64;

/// A shorter credential could not be told from other text of an answer, from which it is taken out.
const SHORTEST: usize = 8;

/// A call of an operation as it will be sent.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCall {
    /// The call of `http_request` that it is.
    pub(crate) request: ToolCall,
    /// Whose credential it carries.
    pub(crate) connection: Connection,
    /// The call as that of the operation's own tool: rules about that tool hold however it is called.
    pub(crate) operation: ToolCall,
    placement: Placement,
    /// Headers that the service wants with every request.
    headers: Vec<(String, String)>,
}

/// Tells whether a tool may be an operation of a service, without looking any up.
pub(crate) fn may_be_service_call(tool: &str) -> bool {
    tool == CALL_OPERATION
        || tool.split_once("__").is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
}

/// Returns the operations that an agent's configuration names, as tools; those that it cannot use are passed over.
pub(crate) fn tools_of(reader: &dyn Reader, agent: &Agent) -> Result<Vec<ToolSpec>, Error> {
    let named = agent.config.get("operations").and_then(Value::as_array);
    let named = named.into_iter().flatten().filter_map(Value::as_str).take(MOST_NAMED);
    let mut specs = Vec::new();
    for tool in named {
        let Some((connection, operation)) = split(reader, agent, tool)? else { continue };
        if let Some(operation) = reader.api_operation(agent.account, &connection.integration, &operation)? {
            specs.push(spec(tool, &operation));
        }
    }
    Ok(specs)
}

fn spec(tool: &str, operation: &Operation) -> ToolSpec {
    let mut description = operation.summary.clone();
    if !operation.description.is_empty() && operation.description != operation.summary {
        description = format!("{description}\n{}", operation.description);
    }
    let end = description.char_indices().nth(600).map_or(description.len(), |(end, _)| end);
    description.truncate(end);
    ToolSpec {
        name: tool.to_owned(),
        description,
        parameters: operation.schema.clone(),
        idempotent: operation.is_safe(),
    }
}

/// Returns the services that an agent can use now, by name: those that it is connected to and whose interface is known.
pub(crate) fn described(reader: &dyn Reader, agent: &Agent) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for connection in reader.connections_of(agent.id)? {
        if connection.status == Status::Active
            && reader.api_description(agent.account, &connection.integration)?.is_some()
        {
            names.push(connection.integration.to_string());
        }
    }
    Ok(names)
}

/// Takes a tool's name apart: which of the agent's connections, which operation.
fn split(reader: &dyn Reader, agent: &Agent, tool: &str) -> Result<Option<(Connection, String)>, Error> {
    for connection in reader.connections_of(agent.id)? {
        if let Some(operation) = tool.strip_prefix(&connection.integration.tool_prefix()) {
            return Ok(Some((connection, operation.to_owned())));
        }
    }
    Ok(None)
}

impl Core {
    /// Returns the request that a call is, if its tool is an operation of a service; or a sentence for the model that
    /// says why there can be none.
    pub(crate) fn service_call(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        call: &ToolCall,
    ) -> Result<Option<Result<ServiceCall, BadCall>>, Error> {
        if !may_be_service_call(&call.tool) {
            return Ok(None);
        }
        let (connection, operation, arguments) = if call.tool == CALL_OPERATION {
            match named_in(reader, agent, &call.arguments)? {
                Ok(named) => named,
                Err(problem) => return Ok(Some(Err(problem))),
            }
        } else {
            match split(reader, agent, &call.tool)? {
                Some((connection, operation)) => (connection, operation, call.arguments.clone()),
                // Some other tool with underscores, or a service that the agent is not connected to.
                None => return Ok(None),
            }
        };
        let asked = Asked { core: self, reader, agent, connection, operation: &operation };
        Ok(Some(asked.bind(call, &arguments)?))
    }

    /// Gives a connection's credential out for exactly the request that a call makes, or says in a sentence for the
    /// model why not. Read in the transaction that decides about the call.
    pub(crate) fn give_out_connection(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        service: &ServiceCall,
        action: &Action,
    ) -> Result<Result<Injections, String>, Error> {
        let Action::SendHttp { method, url, host, port, carries: _ } = action else {
            return Ok(Err("it would send no request".to_owned()));
        };
        let to = &service.connection.integration;
        let now = reader.connection_to(agent.id, to)?.filter(|now| now.status == Status::Active);
        let Some(connection) = now.filter(|now| now.id == service.connection.id) else {
            return Ok(Err(not_connected(to)));
        };
        if !(url.starts_with("https://") || is_here(url)) {
            return Ok(Err(format!("{to} is not reached by https, so nothing is shown to it")));
        }
        let Some(secrets) = reader.connection_secrets(connection.id)? else {
            return Ok(Err(not_connected(to)));
        };
        let access = self.ports.vault.open(agent.account, &access_place(connection.id), &secrets.access)?;
        if access.expose().len() < SHORTEST {
            return Ok(Err(format!("the credential for {to} is too short to be carried")));
        }
        let mut values = vec![(format!("connection:{to}"), access.clone())];
        let mut added: Vec<Added> = Vec::new();
        for (name, value) in &service.headers {
            added.push(Added::Header { name: name.clone(), value: Secret::new(value.clone()) });
        }
        added.push(match &service.placement {
            Placement::Header { name, prefix } => {
                let value = Secret::new(format!("{prefix}{}", access.expose()));
                Added::Header { name: name.clone(), value }
            }
            Placement::Query { name } => Added::Query { name: name.clone(), value: access },
            Placement::Basic => {
                let (value, encoded) = basic(&access);
                // A service may repeat the password without the name.
                let password = access.expose().split_once(':').map(|(_, password)| password);
                if let Some(password) = password.filter(|password| password.len() >= SHORTEST) {
                    values.push((format!("connection:{to}"), Secret::new(password)));
                }
                values.push((format!("connection:{to}"), encoded));
                Added::Header { name: "Authorization".to_owned(), value }
            }
        });
        Ok(Ok(Injections::new(host.clone(), *port, method.clone(), values).adding(added)))
    }
}

/// Reads the arguments of `call_operation`.
fn named_in(
    reader: &dyn Reader,
    agent: &Agent,
    given: &Value,
) -> Result<Result<(Connection, String, Value), BadCall>, Error> {
    let text = |field: &str| given.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(service), Some(operation)) = (text("service"), text("operation")) else {
        let problem = "call_operation takes service, operation and arguments; find_operations names them";
        return Ok(Err(BadCall(problem.to_owned())));
    };
    let name = service.parse::<IntegrationName>().ok();
    let found = name.map(|name| reader.connection_to(agent.id, &name)).transpose()?.flatten();
    let Some(connection) = found else {
        let all = reader.connections_of(agent.id)?;
        let all: Vec<&str> = all.iter().map(|one| one.integration.as_str()).collect();
        let shown: String = service.chars().take(80).collect();
        let problem = format!("you are not connected to {shown:?}; you are to {}", all.join(", "));
        return Ok(Err(BadCall(problem)));
    };
    let bare = operation.strip_prefix(&connection.integration.tool_prefix()).unwrap_or(operation);
    let arguments = match given.get("arguments") {
        None | Some(Value::Null) => json!({}),
        // Some models write an object as the text of one.
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(value) => value.clone(),
    };
    Ok(Ok((connection, bare.to_owned(), arguments)))
}

fn not_connected(to: &IntegrationName) -> String {
    format!("you are not connected to {to}; a person has to connect it")
}

fn is_here(url: &str) -> bool {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

struct Asked<'a> {
    core: &'a Core,
    reader: &'a dyn Reader,
    agent: &'a Agent,
    connection: Connection,
    operation: &'a str,
}

impl Asked<'_> {
    fn bind(self, call: &ToolCall, arguments: &Value) -> Result<Result<ServiceCall, BadCall>, Error> {
        let (to, account) = (self.connection.integration.clone(), self.agent.account);
        if self.connection.status != Status::Active {
            let problem = format!("{to} no longer accepts the connection; a person has to connect it again");
            return Ok(Err(BadCall(problem)));
        }
        let known = self.core.in_catalog(&to).cloned();
        let Some(integration) =
            known.map_or_else(|| self.reader.own_integration(account, &to), |one| Ok(Some(one)))?
        else {
            return Ok(Err(BadCall(format!("there is no integration {to} any more"))));
        };
        let Some(operation) = self.reader.api_operation(account, &to, self.operation)? else {
            let shown: String = self.operation.chars().take(80).collect();
            let problem = format!("{to} has no operation {shown:?}; find_operations tells which there are");
            return Ok(Err(BadCall(problem)));
        };
        let description = self.reader.api_description(account, &to)?;
        // Who adds an integration need not say what its document says.
        let told = description.as_ref().and_then(|one| one.placement.clone());
        let is_unsaid = self.core.in_catalog(&to).is_none() && integration.placement == Placement::bearer();
        let placement = told.filter(|_| is_unsaid).unwrap_or_else(|| integration.placement.clone());
        let base =
            base(&integration, &self.connection, description.and_then(|one| one.base).as_deref(), &operation);
        let base = match base {
            Ok(base) => base,
            Err(problem) => return Ok(Err(BadCall(problem))),
        };
        let request = match self.checked(&operation, &base, arguments) {
            Ok(request) => request,
            Err(problem) => return Ok(Err(BadCall(problem))),
        };
        let request = ToolCall {
            id: call.id.clone(),
            tool: "http_request".to_owned(),
            arguments: as_arguments(&request),
        };
        let own = ToolCall {
            id: call.id.clone(),
            tool: format!("{}{}", to.tool_prefix(), operation.name),
            arguments: arguments.clone(),
        };
        let mut headers = vec![("Accept".to_owned(), "application/json, */*;q=0.5".to_owned())];
        for (name, value) in integration.headers {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        let connection = self.connection;
        Ok(Ok(ServiceCall { request, connection, operation: own, placement, headers }))
    }

    fn checked(&self, operation: &Operation, base: &str, arguments: &Value) -> Result<Request, String> {
        let told = |faults: &[Fault]| {
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            format!("{} cannot be called like this: {}", operation.name, all.join("; "))
        };
        let Value::Object(arguments) = arguments else {
            return Err(format!(
                "{} cannot be called like this: arguments must be an object",
                operation.name
            ));
        };
        // A null is what models write for what they leave out.
        let given: Map<String, Value> = arguments
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let checked = self.core.ports.integrations.check(&operation.schema, &Value::Object(given.clone()));
        checked.map_err(|faults| told(&faults))?;
        operation.bind(base, &given).map_err(|fault| told(&[fault]))
    }
}

/// Returns what the path of an operation begins with: where the integration is, with what the document says where both
/// speak of the same service. The credential goes nowhere else.
fn base(
    integration: &Integration,
    connection: &Connection,
    described: Option<&str>,
    operation: &Operation,
) -> Result<String, String> {
    let own = match &integration.base {
        Some(base) => Some(base.fill(&connection.fields).map_err(|field| {
            format!(
                "the connection does not say what {field} is; a person has to connect {} again",
                integration.name
            )
        })?),
        None => None,
    };
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let path = |text: &str| {
        Url::parse(text).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
    };
    let general = match (own, described) {
        (None, None) => return Err(format!("nobody said where {} is", integration.name)),
        (None, Some(described)) => described.to_owned(),
        (Some(own), None) => own,
        (Some(own), Some(described)) if origin(&own) == origin(described) => described.to_owned(),
        (Some(own), Some(described)) => {
            let below = path(described);
            match origin(&own) {
                Some(origin) if !below.is_empty() && path(&own).is_empty() => {
                    format!("{}{below}", origin.ascii_serialization())
                }
                Some(_) | None => own,
            }
        }
    };
    match &operation.base {
        Some(special) if origin(special) == origin(&general) => Ok(special.clone()),
        Some(special) if described.is_none_or(|described| origin(special) != origin(described)) => {
            Err(format!(
                "{} is asked at {special}, which is not where {} is; its credential is not shown there",
                operation.name, integration.name
            ))
        }
        Some(_) | None => Ok(general),
    }
}

/// Returns the arguments of `http_request`.
fn as_arguments(request: &Request) -> Value {
    let headers: Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let mut arguments = json!({"method": request.method, "url": request.url});
    if !headers.is_empty() {
        arguments["headers"] = Value::Object(headers);
    }
    if let Some(body) = &request.body {
        arguments["body"] = Value::from(body.as_str());
    }
    arguments
}

impl ServiceCall {
    /// Returns it with the connection as it stands now.
    pub(crate) fn renewed(self, reader: &dyn Reader) -> Result<Self, Error> {
        let now = reader.connection(self.connection.account, self.connection.id)?;
        Ok(Self { connection: now.unwrap_or(self.connection), ..self })
    }

    /// Returns what leave for the call is bound to beside its arguments: the whole request, so that a description that
    /// changed meanwhile makes it another act.
    pub(crate) fn bound(&self) -> Script {
        let hash = Sha256::digest(self.request.arguments.to_string().as_bytes());
        Script { path: format!("request to {}", self.connection.integration), sha256: hash.into() }
    }
}
