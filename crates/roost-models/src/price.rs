//! What models cost.

use std::sync::LazyLock;

use roost_domain::model::{ModelName, Price};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::model::Description;
use serde::Deserialize;

use crate::options::PriceEntry;

/// What is assumed of a model that no list knows.
const UNKNOWN: Description =
    Description { price: Price::FREE, priced: false, context: Tokens(128_000), max_output: Tokens(8_192) };

/// The built-in list.
static LISTED: LazyLock<Vec<PriceEntry>> = LazyLock::new(|| {
    let list: List = toml::from_str(include_str!("prices.toml")).expect("the built-in list is tested");
    list.model.into_iter().map(Listed::entry).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    model: Vec<Listed>,
}

/// One entry of the built-in list, in dollars per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    input: f64,
    cached: f64,
    cache_written: Option<f64>,
    output: f64,
    context: u64,
    max_output: u64,
}

impl Listed {
    fn entry(self) -> PriceEntry {
        PriceEntry {
            model: self.name,
            price: Price {
                input: micros(self.input),
                cached: micros(self.cached),
                cache_written: micros(self.cache_written.unwrap_or(self.input)),
                output: micros(self.output),
            },
            context: Tokens(self.context),
            max_output: Tokens(self.max_output),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "list prices are a few hundred dollars at most")]
fn micros(usd: f64) -> MicroUsd {
    MicroUsd((usd * 1_000_000.0).round() as i64)
}

/// Returns what is known of a model: from `extra` first, then from the built-in list.
pub(crate) fn describe(model: &ModelName, extra: &[PriceEntry]) -> Description {
    let entry = longest(model.as_str(), extra).or_else(|| longest(model.as_str(), &LISTED));
    entry.map_or(UNKNOWN, |entry| Description {
        price: entry.price,
        priced: true,
        context: entry.context,
        max_output: entry.max_output,
    })
}

/// Returns the models that a list has a price of.
pub(crate) fn names(extra: &[PriceEntry]) -> Vec<ModelName> {
    let entries = extra.iter().chain(LISTED.iter());
    // silent-ok: an entry may also be the beginning of names and none itself.
    entries.filter_map(|entry| entry.model.parse().ok()).collect()
}

/// Returns what holds for models that are known to cost nothing.
pub(crate) const fn free() -> Description {
    Description { priced: true, ..UNKNOWN }
}

fn longest<'a>(name: &str, entries: &'a [PriceEntry]) -> Option<&'a PriceEntry> {
    entries.iter().filter(|entry| covers(&entry.model, name)).max_by_key(|entry| entry.model.len())
}

fn covers(beginning: &str, name: &str) -> bool {
    name.strip_prefix(beginning)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '.'))
}

#[cfg(test)]
mod tests;
