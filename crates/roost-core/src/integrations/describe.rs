use std::collections::BTreeMap;

use roost_domain::integration::{Integration, IntegrationName, Operation, Place, rank};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::integrations::DESCRIPTION_MAX_BYTES;
use roost_ports::store::{KeptDescription, OperationLine, Reader, Writer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Integrations, parsed};
use crate::connections::Places;
use crate::{Ctx, Error, Kind};

/// What an account is to know of a service's interface.
#[derive(Debug, Clone)]
pub struct DescribeService {
    /// The service.
    pub name: String,
    /// Where the OpenAPI document comes from.
    pub from: DocumentSource,
}

/// Where an OpenAPI document comes from.
#[derive(Debug, Clone)]
pub enum DocumentSource {
    /// It was sent.
    Text(String),
    /// It is fetched from there.
    Url(String),
    /// It is fetched from where the service's maker publishes it.
    Published,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// What is kept of it.
    pub description: KeptDescription,
    /// What could not be used, a sentence each.
    pub problems: Vec<String>,
}

/// An operation that was found, with the tool that it is.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundOperation {
    /// The tool's name: `github__issues_create`.
    pub tool: String,
    /// The operation.
    pub line: OperationLine,
    /// JSON Schema of its arguments.
    pub schema: Value,
}

impl Integrations<'_> {
    /// Reads a service's OpenAPI document, so that agents that are connected to it can use its operations. What was
    /// known of it before is replaced, all of it or nothing. Connections that were shown to another server end.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` with the code `invalid_openapi` or names the field; `Unavailable` with the code
    /// `document_unreachable` if it cannot be fetched.
    pub async fn describe(&self, ctx: &Ctx, describe: DescribeService) -> Result<Described, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let (account, name) = (ctx.account(), parsed(&describe.name)?);
        let (core, of) = (self.0.clone(), name.clone());
        let integration =
            self.0.ports.store.read(move |reader| core.integration(reader, account, &of)).await?;
        // Few at a time: each may take much memory.
        let _place = self.0.reading.acquire().await.map_err(Error::internal)?;
        let (text, source) = self.document(&integration, describe.from).await?;
        let sha256 = Sha256::digest(text.as_bytes()).into();
        let read = self.0.ports.integrations.describe(&name, text).await;
        let read =
            read.map_err(|error| Error::new(Kind::InvalidInput, "invalid_openapi", error.to_string()))?;
        if integration.base.is_none() && read.base.is_none() {
            let message = "neither the integration nor the document says where the service is; give the integration a base";
            return Err(Error::new(Kind::InvalidInput, "invalid_openapi", message));
        }
        let kept = KeptDescription {
            title: read.title,
            version: read.version,
            base: read.base,
            placement: read.placement,
            sha256,
            source,
            operations: read.operations.len() as u64,
            at: ctx.now,
        };
        let mut operations = read.operations;
        operations.iter_mut().for_each(|operation| without_headers(operation, &integration));
        let written = kept.clone();
        let core = self.0.clone();
        let write = move |writer: &mut dyn Writer| {
            let before = writer.api_description(account, &name)?.and_then(|known| known.base);
            let integration = core.integration(writer, account, &name)?;
            let place = |described: &Option<String>, fields: &BTreeMap<String, String>| {
                Places::of(&integration, described.as_deref(), fields)
            };
            let why = format!("the document of {} names another server now", integration.title);
            // Before the first document nothing was shown anywhere.
            core.end_moved(writer, account, &name, &why, written.at, |_, fields| {
                before.is_some() && place(&before, fields) != place(&written.base, fields)
            })?;
            Ok::<_, Error>(writer.put_api_description(account, &name, &written, &operations)?)
        };
        self.0.ports.store.write(write).await?;
        Ok(Described { description: kept, problems: read.problems })
    }

    async fn document(
        &self,
        integration: &Integration,
        from: DocumentSource,
    ) -> Result<(String, Option<String>), Error> {
        let url = match from {
            DocumentSource::Text(text) if text.len() > DESCRIPTION_MAX_BYTES => {
                let message = format!("the document is larger than {DESCRIPTION_MAX_BYTES} bytes");
                return Err(Error::new(Kind::TooLarge, "body_too_large", message));
            }
            DocumentSource::Text(text) => return Ok((text, None)),
            DocumentSource::Url(url) => url,
            DocumentSource::Published => integration.openapi.clone().ok_or_else(|| {
                let problem = format!("is needed: it is not known where {} publishes one", integration.title);
                Error::invalid("url", problem)
            })?,
        };
        let fetched = self.0.ports.integrations.fetch(&url).await;
        let text = fetched
            .map_err(|error| Error::new(Kind::Unavailable, "document_unreachable", error.to_string()))?;
        Ok((text, Some(url)))
    }

    /// Returns the operations of a service that fit a query, best first, or in the document's order without one; and
    /// how many fit in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for the service, or if nothing is known of its interface.
    pub async fn operations(
        &self,
        ctx: &Ctx,
        name: &str,
        query: String,
        limit: Limit,
    ) -> Result<(Vec<FoundOperation>, u64), Error> {
        ctx.require(Scope::AgentsRead)?;
        let (core, account, name) = (self.0.clone(), ctx.account(), parsed(name)?);
        let read = move |reader: &dyn Reader| {
            core.integration(reader, account, &name)?;
            if reader.api_description(account, &name)?.is_none() {
                return Err(Error::not_found("OpenAPI description of", &name));
            }
            find(reader, account, &name, &query, limit)
        };
        self.0.ports.store.read(read).await
    }
}

/// Takes out of an operation what the integration sends with every request, such as its version: the model need not
/// know it.
fn without_headers(operation: &mut Operation, integration: &Integration) {
    let is_sent = |name: &str| integration.headers.keys().any(|header| header.eq_ignore_ascii_case(name));
    let mut gone = Vec::new();
    operation.parameters.retain(|one| {
        let keep = one.place != Place::Header || !is_sent(&one.name);
        if !keep {
            gone.push(one.argument.clone());
        }
        keep
    });
    for argument in gone {
        if let Some(properties) = operation.schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove(&argument);
        }
        if let Some(required) = operation.schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| *name != argument);
        }
    }
}

/// Returns the operations that fit a query, best first, and how many fit in all.
pub(crate) fn find(
    reader: &dyn Reader,
    account: roost_domain::id::AccountId,
    of: &IntegrationName,
    query: &str,
    limit: Limit,
) -> Result<(Vec<FoundOperation>, u64), Error> {
    let lines = reader.api_operations(account, of)?;
    let found = rank(&lines, query, |line| {
        vec![
            line.name.as_str(),
            line.summary.as_str(),
            line.path.as_str(),
            line.tags.as_str(),
            line.method.as_str(),
        ]
    });
    let total = found.len() as u64;
    let mut all = Vec::new();
    for line in found.into_iter().take(limit.get() as usize) {
        let Some(operation) = reader.api_operation(account, of, &line.name)? else { continue };
        let tool = format!("{}{}", of.tool_prefix(), line.name);
        all.push(FoundOperation { tool, line: line.clone(), schema: operation.schema });
    }
    Ok((all, total))
}
