//! What the tests share: a whole application in process, with a real store and a real runtime, and doubles for
//! the model, the machines, the clock and chance.
//!
//! Start at [`TestApp`]. Tests tell the model what to say ([`TestModels`]), post messages, and wait for what they
//! expect in the log; every wait has a deadline.

mod app;
mod clock;
mod embedder;
mod integrations;
mod machines;
mod models;
mod random;
mod reader;
mod runtimes;
mod scanner;
mod skills;
mod tools;
mod wasm;
mod webhooks;

pub use app::{Builder, TestApp};
pub use clock::TestClock;
pub use embedder::TestEmbedder;
pub use integrations::TestIntegrations;
pub use machines::TestMachines;
pub use models::{Reply, TestModels};
pub use random::SeededRandom;
pub use reader::TestReader;
pub use runtimes::TestRuntimes;
pub use scanner::TestScanner;
pub use skills::TestSkills;
pub use tools::TestTools;
pub use wasm::TestWasm;
pub use webhooks::{TakenWebhook, TestWebhooks};

/// Why a model does not answer, for [`Reply::Fail`].
pub use roost_ports::model::Error as ModelError;
