use jiff::tz::TimeZone;
use roost_domain::id::{AgentId, ModelCallId};
use roost_domain::key::Scope;
use roost_domain::knowledge::Vector;
use roost_domain::model::{ModelName, Usage};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::embedder::{Description, Purpose};
use roost_ports::store::{self, Amounts, Writer};

use super::ModelCalls;
use super::intent::{Intent, refused};
use crate::{Core, Ctx, Error, Kind};

/// How many texts can be embedded at once.
const MOST_TEXTS: usize = 2_048;
/// How long one text may be, by estimate.
const MOST_TOKENS: Tokens = Tokens(8_192);
/// How long all texts together may be, by estimate.
const MOST_TOKENS_TOGETHER: Tokens = Tokens(300_000);

/// Texts to be embedded.
#[derive(Debug, Clone)]
pub struct Embed {
    /// With which model: `provider/model`, or the model's name alone.
    pub model: String,
    /// 1 to 2,048 texts, none of them empty, each of at most 8,192 tokens and all of at most 300,000, by estimate.
    pub texts: Vec<String>,
    /// How many numbers a vector is to have. Only what the model's vectors have anyway.
    pub dimensions: Option<u64>,
}

/// What texts mean to the server's embedder.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// The model.
    pub model: ModelName,
    /// One vector for each text, in their order.
    pub vectors: Vec<Vector>,
    /// About how many tokens the texts have.
    pub tokens: Tokens,
}

impl ModelCalls<'_> {
    /// Says what texts mean, with the model that the server's knowledge is embedded with. Policies and permissions of
    /// the subject `account` hold, in which it is the tool `call_model`, as for [`ModelCalls::complete`]. Usage is
    /// booked under the account with the estimated tokens and without a cost, which nobody knows here.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for texts that cannot be embedded and for dimensions that the model does not have; `NotFound`
    /// with the code `model_not_found` for another model; `Forbidden` with the gate's code if it is not allowed;
    /// `Unavailable` with the code `embedder_unavailable`.
    ///
    /// # Cancel
    ///
    /// May be dropped; nothing is booked then, though a provider may have been paid.
    pub async fn embed(&self, ctx: &Ctx, embed: Embed) -> Result<Embeddings, Error> {
        ctx.require(Scope::Chat)?;
        let Embed { model, texts, dimensions } = embed;
        let tokens = check_texts(&texts)?;
        let own = self.0.ports.embedder.description().dimensions;
        let name = self.0.embedder_named(&model).ok_or_else(|| self.0.unknown_embedder(&model))?;
        if dimensions.is_some_and(|wanted| wanted != own as u64) {
            let problem =
                format!("must be {own} or be left out; vectors of {name} have no other number of them");
            return Err(Error::invalid("dimensions", problem));
        }
        let intent = Intent {
            core: self.0.clone(),
            ctx: ctx.clone(),
            agent: None,
            id: self.0.ports.random.id::<ModelCallId>(ctx.now),
            model: name.clone(),
            worst_case: MicroUsd(0),
            priced: false,
        };
        let ledger = match self.0.ports.store.write(move |writer| intent.decide(writer)).await? {
            Ok((_, ledger)) => ledger,
            Err(refusal) => return Err(refused(&refusal)),
        };
        let vectors = self.0.embed(&texts, Purpose::Document).await?;
        self.book(ctx, ledger, name.clone(), tokens).await?;
        Ok(Embeddings { model: name, vectors, tokens })
    }

    async fn book(&self, ctx: &Ctx, ledger: AgentId, model: ModelName, tokens: Tokens) -> Result<(), Error> {
        let (account, day) = (ctx.account(), self.0.now().to_zoned(TimeZone::UTC).date());
        let usage = Usage { input: tokens, ..Usage::default() };
        let amounts = Amounts { calls: 1, usage, ..Amounts::default() };
        let used = store::Used { account, agent: ledger, session: None, model, day, amounts };
        let book = move |writer: &mut dyn Writer| Ok::<_, Error>(writer.add_usage(&used)?);
        self.0.ports.store.write(book).await
    }
}

impl Core {
    /// Returns the embedder's name as a model's; `None` if it has none that can be written so.
    pub(super) fn embedder_name(&self) -> Option<ModelName> {
        name_of(self.ports.embedder.description())
    }

    /// Returns the embedder's whole name if a text names it, with its provider or without.
    pub(super) fn embedder_named(&self, text: &str) -> Option<ModelName> {
        self.embedder_name().filter(|name| name.as_str() == text || name.model() == text)
    }

    fn unknown_embedder(&self, text: &str) -> Error {
        let text: String = text.chars().take(100).collect();
        let there = self.embedder_name().map_or_else(
            || "the server's own has no name that can be written here".to_owned(),
            |name| format!("the server embeds with {name} and no other"),
        );
        Error::new(
            Kind::NotFound,
            "model_not_found",
            format!("there is no embedding model {text:?}; {there}"),
        )
    }
}

/// A model in a directory is named after it, which may hold what no model's name does.
fn name_of(description: &Description) -> Option<ModelName> {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '-' };
    let model: String = description.model.chars().map(plain).take(150).collect();
    format!("{}/{model}", description.provider).parse().ok() // silent-ok: its caller says that it has no name
}

/// Tells whether texts can be embedded, and about how many tokens they have.
fn check_texts(texts: &[String]) -> Result<Tokens, Error> {
    match texts.len() {
        0 => return Err(Error::invalid("input", "must hold at least one text")),
        count if count > MOST_TEXTS => {
            return Err(Error::invalid("input", format!("holds {count} texts; at most 2,048 are allowed")));
        }
        _ => {}
    }
    let mut all = Tokens(0);
    for (place, text) in texts.iter().enumerate() {
        let (tokens, field) = (Tokens::estimate(text), format!("input[{place}]"));
        if text.trim().is_empty() {
            return Err(Error::invalid(&field, "must not be empty"));
        }
        if tokens > MOST_TOKENS {
            let problem = format!("has about {} tokens; a text may have at most 8,192", tokens.0);
            return Err(Error::invalid(&field, problem));
        }
        all = all.saturating_add(tokens);
    }
    if all > MOST_TOKENS_TOGETHER {
        let problem = format!("has about {} tokens; all texts together may have at most 300,000", all.0);
        return Err(Error::invalid("input", problem));
    }
    Ok(all)
}
