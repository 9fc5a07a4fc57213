use std::collections::BTreeMap;

use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::skill::{SkillId, SkillPath, TrustLevel};
use roost_ports::skills::CatalogSkill;
use roost_ports::store::{CustomVersion, KeptPackage, Reader};

use super::{AtHand, SkillView, Skills, whole};
use crate::{Ctx, Error};

/// Which skills a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSkills {
    /// Only those whose name or description has these words, whatever the case.
    pub search: Option<String>,
    /// Only those of this category.
    pub category: Option<String>,
    /// Only those from there; without it, the server's catalog and the account's own.
    pub trust: Option<TrustLevel>,
    /// How many come before the page.
    pub skip: u64,
    /// How many the page may hold.
    pub limit: Limit,
}

/// How many skills of the public registry can be looked through.
const MOST_OF_REGISTRY: u64 = 200;

impl Skills<'_> {
    /// Returns skills, sorted by name (those of the public registry: best first), and how many there are in all (of
    /// the registry: as many as it tells of at once).
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `Unavailable` if the catalog or the registry cannot be asked.
    pub async fn list(&self, ctx: &Ctx, list: ListSkills) -> Result<(Vec<SkillView>, u64), Error> {
        ctx.require(Scope::Skills)?;
        for (field, text) in [("search", &list.search), ("category", &list.category)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > 200) {
                return Err(Error::invalid(field, "must have at most 200 characters"));
            }
        }
        let skip = usize::try_from(list.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(list.limit.get()).unwrap_or(usize::MAX);
        if list.trust == Some(TrustLevel::Community) {
            if list.category.is_some() {
                return Err(Error::invalid("category", "cannot be asked of clawhub, which has none"));
            }
            let most = list.skip.saturating_add(u64::from(list.limit.get())).min(MOST_OF_REGISTRY);
            let words = list.search.unwrap_or_default();
            let found = self.0.ports.skills.search(&words, u32::try_from(most).unwrap_or(200)).await?;
            let total = found.len() as u64;
            let page = found.into_iter().skip(skip).take(limit).map(SkillView::of_registry).collect();
            return Ok((page, total));
        }
        let mut all = Vec::new();
        if list.trust != Some(TrustLevel::Custom) {
            all.extend(self.verified(ctx, &list).await?);
        }
        if list.trust != Some(TrustLevel::Verified) {
            let fits = |view: &SkillView| list.fits(&view.id, &view.listing.title, view);
            all.extend(self.made(ctx).await?.into_iter().filter(fits));
        }
        all.sort_by(|one, other| one.id.cmp(&other.id).then(one.trust.cmp(&other.trust)));
        let total = all.len() as u64;
        Ok((all.into_iter().skip(skip).take(limit).collect(), total))
    }

    /// Returns one skill; where nobody says from where, first of the catalog, then of the account's own.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Unavailable` if the catalog or the registry cannot be asked.
    pub async fn get(&self, ctx: &Ctx, id: &SkillId, trust: Option<TrustLevel>) -> Result<SkillView, Error> {
        ctx.require(Scope::Skills)?;
        if trust == Some(TrustLevel::Community) {
            let found = self.0.ports.skills.look_up(id).await?;
            return found.map(SkillView::of_registry).ok_or_else(|| Error::not_found("skill", id));
        }
        if trust != Some(TrustLevel::Custom)
            && let Some(skill) = self.of_catalog(id).await?
        {
            let report = self.report(&skill.package).await?;
            let installs = self.installs(ctx, TrustLevel::Verified).await?.remove(id).unwrap_or(0);
            return Ok(SkillView::of_catalog(&skill, report, installs));
        }
        if trust == Some(TrustLevel::Verified) {
            return Err(Error::not_found("skill", id));
        }
        let (account, wanted) = (ctx.account(), id.clone());
        let read = move |reader: &dyn Reader| {
            let versions = reader.custom_versions(account, &wanted)?;
            let installs = reader.skill_installs(TrustLevel::Custom, account)?.remove(&wanted).unwrap_or(0);
            view(reader, versions, installs)
        };
        self.0.ports.store.read(read).await?.ok_or_else(|| Error::not_found("skill", id))
    }

    /// Returns a file of a skill of the catalog or of the account's own.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn file(
        &self,
        ctx: &Ctx,
        id: &SkillId,
        trust: Option<TrustLevel>,
        path: &SkillPath,
    ) -> Result<Vec<u8>, Error> {
        let view = self.get(ctx, id, trust).await?;
        let missing = || Error::not_found("file", format!("{path} in the skill {id}"));
        if view.trust == TrustLevel::Verified {
            let skill = self.of_catalog(id).await?.ok_or_else(missing)?;
            let mut contents = skill.package.contents.into_iter();
            return contents.find(|(one, _)| one == path).map(|(_, content)| content).ok_or_else(missing);
        }
        let package = view.versions.first().ok_or_else(missing)?.package;
        let wanted = path.clone();
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.skill_file(package, &wanted)?);
        self.0.ports.store.read(read).await?.ok_or_else(missing)
    }

    async fn verified(&self, ctx: &Ctx, list: &ListSkills) -> Result<Vec<SkillView>, Error> {
        let installs = self.installs(ctx, TrustLevel::Verified).await?;
        let mut views = Vec::new();
        for skill in self.0.ports.skills.catalog().await?.iter() {
            let report = self.report(&skill.package).await?;
            let view = SkillView::of_catalog(skill, report, installs.get(&skill.id).copied().unwrap_or(0));
            if list.fits(&view.id, &view.listing.title, &view) {
                views.push(view);
            }
        }
        Ok(views)
    }

    async fn made(&self, ctx: &Ctx) -> Result<Vec<SkillView>, Error> {
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            let installs = reader.skill_installs(TrustLevel::Custom, account)?;
            let mut views = Vec::new();
            for version in reader.custom_skills(account)? {
                let installs = installs.get(&version.skill).copied().unwrap_or(0);
                views.extend(view(reader, vec![version], installs)?);
            }
            Ok::<_, Error>(views)
        };
        self.0.ports.store.read(read).await
    }

    async fn installs(&self, ctx: &Ctx, trust: TrustLevel) -> Result<BTreeMap<SkillId, u64>, Error> {
        let account = ctx.account();
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.skill_installs(trust, account)?);
        self.0.ports.store.read(read).await
    }

    pub(super) async fn of_catalog(&self, id: &SkillId) -> Result<Option<CatalogSkill>, Error> {
        let catalog = self.0.ports.skills.catalog().await?;
        Ok(catalog.iter().find(|skill| skill.id == *id).cloned())
    }

    /// Gets a skill's latest version with all its files, from wherever it is, and scans it.
    pub(super) async fn fetch(&self, ctx: &Ctx, id: &SkillId, trust: TrustLevel) -> Result<AtHand, Error> {
        let missing = || Error::not_found("skill", format!("{id} of the trust level {}", trust.name()));
        match trust {
            TrustLevel::Verified => {
                let skill = self.of_catalog(id).await?.ok_or_else(missing)?;
                let report = self.report(&skill.package).await?;
                let (title, version, package) = (skill.listing.title, skill.version, skill.package);
                Ok(AtHand { title, version, package, report, warning: None })
            }
            TrustLevel::Community => {
                let told = self.0.ports.skills.look_up(id).await?.ok_or_else(missing)?;
                let version = told.latest.ok_or_else(missing)?;
                let package = self.0.ports.skills.download(id, &version).await?.ok_or_else(missing)?;
                let report = self.report(&package).await?;
                Ok(AtHand { title: told.title, version, package, report, warning: told.warning })
            }
            TrustLevel::Custom => {
                let (account, wanted) = (ctx.account(), id.clone());
                let read = move |reader: &dyn Reader| {
                    let Some(latest) = reader.custom_versions(account, &wanted)?.into_iter().next() else {
                        return Ok(None);
                    };
                    let (package, kept) = whole(reader, latest.package)?;
                    Ok::<_, Error>(Some((latest, package, kept)))
                };
                let (latest, package, kept) = self.0.ports.store.read(read).await?.ok_or_else(missing)?;
                let known = kept.rules == self.0.ports.scanner.version();
                let report = if known { kept.report } else { self.report(&package).await? };
                let (title, version) = (latest.title, latest.version);
                Ok(AtHand { title, version, package, report, warning: None })
            }
        }
    }
}

fn view(
    reader: &dyn Reader,
    versions: Vec<CustomVersion>,
    installs: u64,
) -> Result<Option<SkillView>, Error> {
    let Some(latest) = versions.first() else { return Ok(None) };
    let package: Option<KeptPackage> = reader.skill_package(latest.package)?;
    Ok(package.and_then(|package| SkillView::of_custom(versions, package, installs)))
}

impl ListSkills {
    fn fits(&self, id: &SkillId, title: &str, view: &SkillView) -> bool {
        let text = format!("{id} {title} {}", view.description).to_lowercase();
        let words = self.search.as_deref().unwrap_or_default().to_lowercase();
        let category = self.category.as_ref();
        words.split_whitespace().all(|word| text.contains(word))
            && category.is_none_or(|wanted| {
                view.listing.category.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(wanted))
            })
    }
}
