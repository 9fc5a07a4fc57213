//! Models that are asked outside of any turn: by an account itself, or by something that acts for an agent. The same
//! gate, budget and usage hold as within turns.

use crate::Core;

mod abandoned;
mod complete;
mod embed;
mod intent;
mod list;
mod settle;

pub(crate) use abandoned::Live;
pub use complete::{Asker, Complete, Completion};
pub use embed::{Embed, Embeddings};
pub use list::{ListedModel, ListedModels};

/// The use cases of models.
pub struct ModelCalls<'a>(pub(crate) &'a Core);
