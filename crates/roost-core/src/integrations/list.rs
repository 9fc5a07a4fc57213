use roost_domain::integration::{Integration, rank};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::store::Reader;

use super::Integrations;
use crate::{Ctx, Error};

/// Which integrations a list holds.
#[derive(Debug, Clone, Default)]
pub struct ListIntegrations {
    /// What is looked for in names, titles and categories; nothing finds all.
    pub search: Option<String>,
    /// Only those of this category.
    pub category: Option<String>,
}

impl Integrations<'_> {
    /// Returns integrations, the best first where something is looked for and by name otherwise, and how many there
    /// are in all. `skip` is how many come before.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field.
    pub async fn list(
        &self,
        ctx: &Ctx,
        list: ListIntegrations,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Integration>, u64), Error> {
        ctx.require(Scope::AgentsRead)?;
        let search = list.search.unwrap_or_default();
        if search.chars().count() > 200 {
            return Err(Error::invalid("search", "must have at most 200 characters"));
        }
        let account = ctx.account();
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.own_integrations(account)?);
        let mut all = self.0.ports.store.read(read).await?;
        all.extend_from_slice(self.0.ports.integrations.catalog());
        if let Some(category) = &list.category {
            all.retain(|one| one.categories.contains(category));
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let found = rank(&all, &search, |one| {
            let mut texts = vec![one.name.as_str(), one.title.as_str()];
            texts.extend(one.categories.iter().map(String::as_str));
            texts
        });
        let total = found.len() as u64;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok((found.into_iter().skip(skip).take(limit.get() as usize).cloned().collect(), total))
    }
}
