//! Swarms: groups of agents that share knowledge, memory and permissions, and may ask one another.

use jiff::Timestamp;

use crate::id::{AccountId, SwarmId};

/// One swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swarm {
    /// Its id.
    pub id: SwarmId,
    /// The account it belongs to.
    pub account: AccountId,
    /// What its people call it, 1 to 100 characters.
    pub name: String,
    /// Its name in addresses and in permissions (`swarm:growth`): unique in its account, made from the first name,
    /// never changed.
    pub slug: String,
    /// What it is for, at most 2,000 characters.
    pub description: Option<String>,
    /// An emoji or the name of an icon, at most 100 characters.
    pub icon: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The most characters of a slug, its number included.
const SLUG: usize = 60;

/// Returns the slug number `attempt` for a name: `growth`, then `growth-2`, `growth-3`, …
///
/// Letters and digits of ASCII stay, in lower case; whatever lies between them becomes one hyphen. A name without
/// any is `swarm`.
pub fn slug(name: &str, attempt: u32) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let number = if attempt > 1 { format!("-{attempt}") } else { String::new() };
    slug.truncate(SLUG - number.len());
    let slug = slug.trim_end_matches('-');
    format!("{}{number}", if slug.is_empty() { "swarm" } else { slug })
}

#[cfg(test)]
mod tests;
