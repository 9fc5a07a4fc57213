//! API keys: shown once, stored hashed.

use roost_domain::id::{AccountId, KeyId};
use roost_domain::key::{Key, Scope, Style};
use roost_domain::plan::Feature;
use roost_domain::secret::Secret;
use roost_ports::store::Reader;

use crate::{Core, Ctx, Error, Kind, Principal, accounts};

/// The use cases of API keys.
pub struct Keys<'a>(pub(crate) &'a Core);

/// A key to be made.
#[derive(Debug, Clone)]
pub struct CreateKey {
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Which product's keys it looks like.
    pub style: Style,
    /// What it may do; empty gives what keys of its style can have.
    pub scopes: Vec<Scope>,
}

/// A key that was just made.
pub struct NewKey {
    /// What is kept of it.
    pub key: Key,
    /// Its text, which nobody will see again.
    pub text: Secret,
}

impl Keys<'_> {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `Forbidden` if the caller would give away scopes it has not got itself.
    pub async fn create(&self, ctx: &Ctx, new: CreateKey) -> Result<NewKey, Error> {
        ctx.require(Scope::Admin)?;
        if !(1..=100).contains(&new.name.trim().chars().count()) {
            return Err(Error::invalid("name", "must have 1 to 100 characters"));
        }
        let mut scopes = if new.scopes.is_empty() { new.style.default_scopes().to_vec() } else { new.scopes };
        scopes.sort();
        scopes.dedup();
        if let Principal::Key(own) = &ctx.principal
            && let Some(missing) = scopes.iter().find(|scope| !own.allows(**scope))
        {
            return Err(Error::forbidden(
                "missing_scope",
                format!("a key cannot give the scope {missing}, which it lacks itself"),
            ));
        }
        let text = self.text(new.style);
        let key = Key {
            id: self.0.ports.random.id::<KeyId>(ctx.now),
            account: ctx.account(),
            name: new.name.trim().to_owned(),
            style: new.style,
            scopes,
            hint: text.expose()[text.expose().len() - 4..].to_owned(),
            created_at: ctx.now,
            revoked_at: None,
        };
        let (hash, stored) = (self.0.ports.vault.key_hash(&text), key.clone());
        self.0.ports.store.write(move |writer| Ok::<_, Error>(writer.insert_key(&stored, &hash)?)).await?;
        Ok(NewKey { key, text })
    }

    /// Returns the account's keys, newest first.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<Key>, Error> {
        ctx.require(Scope::Admin)?;
        let account = ctx.account();
        self.0.ports.store.read(move |reader| Ok(reader.keys(account)?)).await
    }

    /// Makes a key useless, at once and for good.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn revoke(&self, ctx: &Ctx, id: KeyId) -> Result<(), Error> {
        ctx.require(Scope::Admin)?;
        let (account, now) = (ctx.account(), ctx.now);
        let revoke = move |writer: &mut dyn roost_ports::store::Writer| {
            Ok::<_, Error>(writer.revoke_key(account, id, now)?)
        };
        if self.0.ports.store.write(revoke).await? { Ok(()) } else { Err(Error::not_found("key", id)) }
    }

    /// Returns who holds a key.
    ///
    /// # Errors
    ///
    /// `Unauthenticated` if there is no such key or it is revoked; which of the two is not told. `Forbidden` if the
    /// account's plan has no access by keys.
    pub async fn authenticate(&self, text: &Secret) -> Result<Principal, Error> {
        let hash = self.0.ports.vault.key_hash(text);
        let core = self.0.clone();
        let read = move |reader: &dyn Reader| {
            let key = reader.key_by_hash(&hash)?.filter(|key| key.revoked_at.is_none());
            if let Some(key) = &key
                && let Some(account) = reader.account(key.account)?
            {
                core.chosen_plans.learn(&account);
                accounts::require(core.settings.plans.of(account.plan.as_deref()), Feature::ApiAccess)?;
            }
            Ok::<_, Error>(key)
        };
        match self.0.ports.store.read(read).await? {
            Some(key) => Ok(Principal::Key(key)),
            None => Err(Error::new(Kind::Unauthenticated, "unauthorized", "Invalid or missing API key")),
        }
    }

    /// Returns the account that the server's owner acts for: the first one, made now if there is none.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn owner_account(&self, name: &str) -> Result<AccountId, Error> {
        let (name, now) = (name.to_owned(), self.0.now());
        let id = self.0.ports.random.id::<AccountId>(now);
        self.0
            .ports
            .store
            .write(move |writer| {
                if let Some(account) = writer.first_account()? {
                    return Ok(account.id);
                }
                let account = roost_domain::account::Account { id, name, plan: None, created_at: now };
                writer.insert_account(&account)?;
                Ok(id)
            })
            .await
    }

    /// Makes the text of a key: 128 random bits in hexadecimal digits after the style's prefix.
    fn text(&self, style: Style) -> Secret {
        let mut random = [0; 16];
        self.0.ports.random.fill(&mut random);
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Secret::new(format!("{}{digits}", style.prefix()))
    }
}
