//! Changing single entries of permissions.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Compute, Permissions, flag};
use crate::policy::{InvalidDocument, Place};

/// A change of single entries.
///
/// Shape: `tools.{add_allow,remove_allow,add_block,remove_block}`,
/// `data.{add_read,remove_read,add_write,remove_write,add_deny,remove_deny}`,
/// `network.{add_allow,remove_allow,add_deny,remove_deny}` (lists), `network.block_outbound`, and the keys of
/// `compute`, where null takes a limit away. Adding what is there and removing what is not changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    document: Value,
}

impl Patch {
    /// Takes a patch's document, whose form is checked when it is applied.
    pub const fn new(document: Value) -> Self {
        Self { document }
    }

    /// Returns the permissions with the change made, all of it.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for the first thing that cannot be used.
    pub fn apply(&self, mut permissions: Permissions) -> Result<Permissions, InvalidDocument> {
        let top = Place::Top("the change");
        let map = top.object(&self.document)?;
        top.only(map, &["tools", "data", "network", "compute"])?;
        for (key, value) in map {
            let place = top.below(key);
            let section = place.object(value)?;
            match key.as_str() {
                "tools" => {
                    only_changes(&place, section, &["allow", "block"], &[])?;
                    change(&place, section, "allow", &mut permissions.tools.allow)?;
                    change(&place, section, "block", &mut permissions.tools.block)?;
                }
                "data" => {
                    only_changes(&place, section, &["read", "write", "deny"], &[])?;
                    change(&place, section, "read", &mut permissions.data.read)?;
                    change(&place, section, "write", &mut permissions.data.write)?;
                    change(&place, section, "deny", &mut permissions.data.deny)?;
                }
                "network" => {
                    only_changes(&place, section, &["allow", "deny"], &["block_outbound"])?;
                    change(&place, section, "allow", &mut permissions.network.allow)?;
                    change(&place, section, "deny", &mut permissions.network.deny)?;
                    if let Some(block) = flag(&place, section, "block_outbound")? {
                        permissions.network.block_outbound = block;
                    }
                }
                _ => {
                    place.only(section, &Compute::KEYS)?;
                    permissions.compute = permissions.compute.changed(&place, section)?;
                }
            }
        }
        Ok(permissions)
    }
}

fn only_changes(
    place: &Place<'_>,
    section: &Map<String, Value>,
    lists: &[&str],
    others: &[&str],
) -> Result<(), InvalidDocument> {
    let changes: Vec<_> =
        lists.iter().flat_map(|list| [format!("add_{list}"), format!("remove_{list}")]).collect();
    let known: Vec<_> = changes.iter().map(String::as_str).chain(others.iter().copied()).collect();
    place.only(section, &known)
}

fn change<T: FromStr<Err: Display> + PartialEq>(
    place: &Place<'_>,
    section: &Map<String, Value>,
    list: &str,
    entries: &mut Vec<T>,
) -> Result<(), InvalidDocument> {
    let removed: Vec<T> = place.parsed(section, &format!("remove_{list}"))?;
    let restricted = !entries.is_empty() && matches!(list, "allow" | "read" | "write");
    entries.retain(|entry| !removed.contains(entry));
    for added in place.parsed(section, &format!("add_{list}"))? {
        if !entries.contains(&added) {
            entries.push(added);
        }
    }
    // An empty list restricts nothing, which is hardly what taking its last entry out is meant for.
    if restricted && entries.is_empty() {
        let problem = "would leave the list empty, which allows everything; PUT permissions that say so";
        return Err(place.below(list).error(problem));
    }
    Ok(())
}
