use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::embedder::{Description, Purpose};
use roost_ports::store::{Embedded, Reader, Writer};

use super::Knowledge;
use crate::{Ctx, Error};

/// How many entries are embedded anew at once.
const BATCH: Limit = Limit::clamped(32, 32);

/// Who says what texts mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderView {
    /// `local`, `openai`, `gemini` or `lexical`.
    pub provider: &'static str,
    /// The model's name.
    pub model: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// What people should know of it.
    pub about: &'static str,
}

impl EmbedderView {
    pub(super) fn new(description: &Description) -> Self {
        Self {
            provider: description.provider,
            model: description.model.clone(),
            dimensions: description.dimensions,
            about: description.about,
        }
    }
}

/// How far an account's knowledge is embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeStatus {
    /// Who says what texts mean.
    pub embedder: EmbedderView,
    /// How far it is; memories count too. What is not embedded yet is found by its words.
    pub embedded: Embedded,
}

impl Knowledge<'_> {
    /// Returns who embeds, and how far the account's knowledge is embedded.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn status(&self, ctx: &Ctx) -> Result<KnowledgeStatus, Error> {
        ctx.require(Scope::KnowledgeRead)?;
        self.look_at(ctx).await
    }

    /// Has all entries of the account embedded anew, in the background. Until that is done they are found by their
    /// words, and by their meaning as far as it is done.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn reembed(&self, ctx: &Ctx) -> Result<KnowledgeStatus, Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        let account = ctx.account();
        let forget = move |writer: &mut dyn Writer| Ok::<_, Error>(writer.forget_vectors(account)?);
        self.0.ports.store.write(forget).await?;
        self.0.stale.notify_one();
        self.look_at(ctx).await
    }

    async fn look_at(&self, ctx: &Ctx) -> Result<KnowledgeStatus, Error> {
        let description = self.0.ports.embedder.description();
        let (account, model) = (ctx.account(), description.key());
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.embedded(account, &model)?);
        let embedded = self.0.ports.store.read(read).await?;
        Ok(KnowledgeStatus { embedder: EmbedderView::new(description), embedded })
    }

    /// Waits until there may be entries to embed anew since the last call. Safe to drop.
    pub async fn stale(&self) {
        self.0.stale.notified().await;
    }

    /// Embeds some entries, of whatever account, that have no vector of the model that is used now and whose numbers
    /// come after one. Returns the number to go on after; `None` when there were none.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the embedder is not there; `Internal` if the store fails.
    pub async fn embed_stale(&self, after: i64) -> Result<Option<i64>, Error> {
        let model = self.0.ports.embedder.description().key();
        let wanted = model.clone();
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.stale(&wanted, after, BATCH)?);
        let stale = self.0.ports.store.read(read).await?;
        let Some(last) = stale.last().map(|stale| stale.row) else { return Ok(None) };
        let texts: Vec<String> = stale.iter().map(|stale| stale.text.clone()).collect();
        let vectors = self.0.embed(&texts, Purpose::Document).await?;
        let vectors: Vec<_> =
            stale.into_iter().zip(vectors).map(|(stale, vector)| (stale.shelf, stale.row, vector)).collect();
        let put = move |writer: &mut dyn Writer| Ok::<_, Error>(writer.put_vectors(&model, &vectors)?);
        self.0.ports.store.write(put).await?;
        Ok(Some(last))
    }
}
