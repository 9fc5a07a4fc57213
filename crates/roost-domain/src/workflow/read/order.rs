//! What needs what: whether the steps of a list can be put in an order.

use std::collections::BTreeMap;

use super::place::{Notes, one_of};
use super::step::{Named, Steps};

/// Notes steps that need what is not in their list, and circles.
pub(super) fn check_order(steps: &Steps, notes: &Notes) {
    for list in &steps.lists {
        let ids: Vec<&str> = list.iter().map(|step| step.id.as_str()).collect();
        for step in list {
            for (path, needed) in step.needs.iter().flatten() {
                if needed == &step.id {
                    notes.add(path, "names the step itself".into());
                } else if !ids.contains(&needed.as_str()) {
                    notes.add(path, unknown(steps, step, needed, &ids));
                }
            }
        }
        if let Some((path, circle)) = circle(list) {
            notes.add(
                path,
                format!("makes a circle, so that none of them could begin: {}", circle.join(" → ")),
            );
        }
    }
}

fn unknown(steps: &Steps, step: &Named, needed: &str, ids: &[&str]) -> String {
    let elsewhere = steps.lists.iter().flatten().any(|other| other.id == needed);
    if elsewhere {
        return format!(
            "names {needed}, which is in another list of steps; a step needs steps of its own list"
        );
    }
    let others: Vec<_> = ids.iter().copied().filter(|id| *id != step.id).collect();
    match others.as_slice() {
        [] => format!("names {needed}, which is no step; there is no other step in this list"),
        others => format!("names {needed}, which is no step; it {}", one_of(needed, others)),
    }
}

/// Finds one circle: where it is written, and the steps in it, the first named again at the end.
fn circle(list: &[Named]) -> Option<(&str, Vec<&str>)> {
    let place: BTreeMap<&str, usize> =
        list.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    // A step without a list of needs comes after the one before it.
    let needs = |at: usize| -> Vec<usize> {
        match &list[at].needs {
            Some(needs) => needs.iter().filter_map(|(_, id)| place.get(id.as_str()).copied()).collect(),
            None => at.checked_sub(1).into_iter().collect(),
        }
    };
    let mut done = vec![false; list.len()];
    // Whatever needs nothing that is not done is done; what is left at the end is in a circle or behind one.
    while let Some(next) = (0..list.len()).find(|at| !done[*at] && needs(*at).iter().all(|need| done[*need]))
    {
        done[next] = true;
    }
    let mut at = done.iter().position(|done| !done)?;
    let mut walked: Vec<usize> = Vec::new();
    while !walked.contains(&at) {
        walked.push(at);
        at = needs(at).into_iter().find(|need| !done[*need])?;
    }
    let begin = walked.iter().position(|step| *step == at)?;
    if walked[begin..] == [at] {
        // A step that names itself has been noted.
        return None;
    }
    let written = walked[begin..].iter().find_map(|step| list[*step].needs.as_ref()?.first())?;
    let circle = walked[begin..].iter().chain([&at]).map(|step| list[*step].id.as_str()).collect();
    Some((&written.0, circle))
}
