use std::sync::Arc;

use serde_json::Value;

use super::state::StepStatus;
use super::{State, StepKey};
use crate::workflow::{Scope, StepKind};

impl State {
    /// Returns what templates of a step see: `input` (also as `event`), `run`, the outputs of the steps that are done
    /// as `steps.<id>.output`, and within a for-each the thing under its name and its place as `index`. `None` is
    /// what the whole run's templates see.
    pub fn scope(&self, step: Option<&StepKey>, run: Value) -> Scope {
        let mut scope = Scope::new().with("run", run);
        scope.set("input", Arc::clone(self.input()));
        scope.set("event", Arc::clone(self.input()));
        let key = step.and_then(|step| self.plan().key(step));
        let (loops, places) = key.as_ref().map_or((&[][..], &[][..]), |key| {
            (self.plan().node(key.node).loops.as_slice(), key.places.as_slice())
        });
        for (index, node) in self.plan().nodes().iter().enumerate() {
            if !loops.starts_with(&node.loops) {
                continue;
            }
            let at = super::plan::Key { node: index, places: places[..node.loops.len()].to_vec() };
            if let Some(StepStatus::Done { output }) = self.at(&at).map(|step| &step.status) {
                scope.set_output(&node.step.id, Arc::clone(output));
            }
        }
        for (depth, node) in loops.iter().enumerate() {
            let at = super::plan::Key { node: *node, places: places[..depth].to_vec() };
            if let StepKind::ForEach { item, .. } = &self.plan().node(*node).step.kind
                && let Some(thing) = self.item(&at, places[depth])
            {
                scope.set(item.clone(), thing.clone());
                scope.set("index", Value::from(places[depth]));
            }
        }
        scope
    }
}
