//! The policy's document, in and out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::document::given;
use super::{
    ApprovalTerms, Constraint, InvalidDocument, OnBlock, OnTimeout, Parameter, Place, Policy, Rule, Ruling,
    Test, ToolConstraints,
};
use crate::scan::Severity;
use crate::subject::Subject;

const KEYS: [&str; 15] = [
    "agent_id",
    "version",
    "default",
    "allow",
    "require_approval",
    "block",
    "constraints",
    "on_block",
    "on_violation_notify",
    "on_timeout",
    "approvals",
    "scan",
    "environment",
    "monitor",
    "sandbox",
];

/// The most rules that one policy may have, over its three lists.
const MOST_RULES: usize = 10_000;

impl Policy {
    /// Reads a policy's document.
    ///
    /// `agent_id` may be there and must then name `subject`; `version` may be there and is not looked at, since
    /// versions are counted where policies are kept.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for the first thing that cannot be used: an unknown key, a broken glob.
    pub fn read(document: &Value, subject: &Subject) -> Result<Self, InvalidDocument> {
        let top = Place::Top("the policy");
        let map = top.object(document)?;
        top.only(map, &KEYS)?;
        if let Some(named) = given(map, "agent_id")
            && named.as_str() != Some(subject.as_str())
        {
            return Err(top.below("agent_id").error(format!("must be {:?} or left out", subject.as_str())));
        }
        if let Some(version) = given(map, "version") {
            top.below("version").text(version, 50)?;
        }
        let named = |key: &'static str| given(map, key).map(|value| (top.below(key), value));
        let mut policy = Self {
            default: Ruling::Block,
            rules: rules(map, &top)?,
            constraints: constraints(map, &top)?,
            on_block: OnBlock::Raise,
            notify: None,
            on_timeout: OnTimeout::Block,
            approvals: ApprovalTerms::default(),
            scan_fails_on: Severity::Critical,
            kept: Map::new(),
        };
        policy.check_size(&top)?;
        if let Some((place, value)) = named("default") {
            policy.default = place.named(value, &Ruling::ALL, Ruling::name)?;
        }
        if let Some((place, value)) = named("on_block") {
            policy.on_block = place.named(value, &OnBlock::ALL, OnBlock::name)?;
        }
        if let Some((place, value)) = named("on_timeout") {
            policy.on_timeout = place.named(value, &OnTimeout::ALL, OnTimeout::name)?;
        }
        if let Some((place, value)) = named("on_violation_notify") {
            policy.notify = Some(place.text(value, 320)?.to_owned());
        }
        if let Some((place, value)) = named("approvals") {
            policy.approvals = terms(value, &place)?;
        }
        if let Some((place, value)) = named("scan") {
            policy.read_scan(value, &place)?;
        }
        for key in ["environment", "monitor", "sandbox"] {
            if let Some((place, value)) = named(key) {
                if value.to_string().len() > 10_000 {
                    return Err(place.error("is longer than 10,000 bytes"));
                }
                policy.kept.insert(key.to_owned(), value.clone());
            }
        }
        Ok(policy)
    }

    /// Refuses a policy that would take too much to hold.
    fn check_size(&self, top: &Place<'_>) -> Result<(), InvalidDocument> {
        const MOST_TESTS: usize = 20_000;
        const MOST_REGEXES: usize = 1_000;
        let conditions = self.rules.iter().flat_map(|rule| &rule.when);
        let constraints = self.constraints.iter().flat_map(|tool| &tool.parameters);
        let tests = || conditions.clone().chain(constraints.clone()).flat_map(|one| &one.constraint.tests);
        if tests().count() > MOST_TESTS {
            return Err(
                top.error(format!("has more than {MOST_TESTS} tests of parameters, which is the most"))
            );
        }
        if tests().filter(|test| matches!(test, Test::Regex(_))).count() > MOST_REGEXES {
            return Err(
                top.error(format!("has more than {MOST_REGEXES} regular expressions, which is the most"))
            );
        }
        Ok(())
    }

    fn read_scan(&mut self, value: &Value, place: &Place<'_>) -> Result<(), InvalidDocument> {
        let scan = place.object(value)?;
        place.only(scan, &["min_score", "fail_on"])?;
        if let Some(value) = given(scan, "fail_on") {
            let place = place.below("fail_on");
            let name = place.text(value, 20)?;
            self.scan_fails_on =
                name.to_ascii_uppercase().parse().map_err(|error| place.error(format!("{error}")))?;
        }
        if let Some(score) = given(scan, "min_score") {
            place.below("min_score").whole(score, 0, 100)?;
            self.kept.insert("scan.min_score".to_owned(), score.clone());
        }
        Ok(())
    }

    /// Writes the policy as a document that reads back as the same policy.
    pub fn to_document(&self) -> Value {
        let mut map = Map::new();
        map.insert("default".to_owned(), self.default.name().into());
        for ruling in [Ruling::Allow, Ruling::RequireApproval, Ruling::Block] {
            let list = self.rules.iter().filter(|rule| rule.ruling == ruling).map(rule_value);
            map.insert(ruling.name().to_owned(), list.collect::<Vec<_>>().into());
        }
        if !self.constraints.is_empty() {
            let tools = self
                .constraints
                .iter()
                .map(|tool| (tool.tool.as_str().to_owned(), parameters_value(&tool.parameters)));
            map.insert("constraints".to_owned(), tools.collect::<Map<_, _>>().into());
        }
        map.insert("on_block".to_owned(), self.on_block.name().into());
        if let Some(notify) = &self.notify {
            map.insert("on_violation_notify".to_owned(), notify.as_str().into());
        }
        map.insert("on_timeout".to_owned(), self.on_timeout.name().into());
        let mut approvals = json!({"quorum": self.approvals.quorum});
        if let Some(ttl) = self.approvals.ttl {
            approvals["timeout_seconds"] = ttl.as_secs().into();
        }
        if let Some(name) = &self.approvals.escalate_to {
            approvals["escalate_to"] = name.as_str().into();
        }
        if self.approvals.distinct_keys {
            approvals["distinct_keys"] = true.into();
        }
        map.insert("approvals".to_owned(), approvals);
        let mut scan = json!({"fail_on": self.scan_fails_on.name()});
        for (key, value) in &self.kept {
            match key.strip_prefix("scan.") {
                Some(key) => scan[key] = value.clone(),
                None => {
                    map.insert(key.clone(), value.clone());
                }
            }
        }
        map.insert("scan".to_owned(), scan);
        map.into()
    }
}

fn rules(map: &Map<String, Value>, top: &Place<'_>) -> Result<Vec<Rule>, InvalidDocument> {
    let mut rules = Vec::new();
    for ruling in [Ruling::Block, Ruling::RequireApproval, Ruling::Allow] {
        let Some(value) = given(map, ruling.name()) else { continue };
        let place = top.below(ruling.name());
        for (index, entry) in place.list(value)?.iter().enumerate() {
            if rules.len() == MOST_RULES {
                return Err(place.error(format!("makes more than {MOST_RULES} rules, which is the most")));
            }
            rules.push(rule(ruling, index, entry, &place.entry(index))?);
        }
    }
    Ok(rules)
}

fn rule(ruling: Ruling, index: usize, entry: &Value, place: &Place<'_>) -> Result<Rule, InvalidDocument> {
    let (tool, when) = match entry {
        Value::String(tool) => (tool.as_str(), Vec::new()),
        Value::Object(map) => {
            place.only(map, &["tool", "when"])?;
            let tool = given(map, "tool").ok_or_else(|| place.error("must name a tool"))?;
            let tool = place.below("tool").text(tool, 200)?;
            let when = given(map, "when")
                .map_or_else(|| Ok(Vec::new()), |when| parameters(when, &place.below("when")))?;
            (tool, when)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(place.error("must be a tool's name, or an object with tool and when"));
        }
    };
    let tool = tool.parse().map_err(|error| place.error(format!("{error}")))?;
    Ok(Rule { ruling, index, tool, when })
}

fn parameters(value: &Value, place: &Place<'_>) -> Result<Vec<Parameter>, InvalidDocument> {
    let read = |(name, value): (&String, &Value)| {
        let place = place.below(name);
        if !(1..=200).contains(&name.len()) {
            return Err(place.error("must be the name of a parameter, of 1 to 200 bytes"));
        }
        Ok(Parameter { name: name.clone(), constraint: Constraint::read(value, &place)? })
    };
    place.object(value)?.iter().map(read).collect()
}

fn constraints(map: &Map<String, Value>, top: &Place<'_>) -> Result<Vec<ToolConstraints>, InvalidDocument> {
    let place = top.below("constraints");
    let Some(value) = given(map, "constraints") else { return Ok(Vec::new()) };
    let tools = place.object(value)?;
    if tools.len() > MOST_RULES {
        return Err(place.error(format!("has more than {MOST_RULES} tools, which is the most")));
    }
    let read = |(tool, value): (&String, &Value)| {
        let place = place.below(tool);
        let parameters = parameters(value, &place)?;
        let tool = tool.parse().map_err(|error| place.error(format!("{error}")))?;
        Ok(ToolConstraints { tool, parameters })
    };
    tools.iter().map(read).collect()
}

fn terms(value: &Value, place: &Place<'_>) -> Result<ApprovalTerms, InvalidDocument> {
    let map = place.object(value)?;
    place.only(map, &["quorum", "timeout_seconds", "escalate_to", "distinct_keys"])?;
    let mut terms = ApprovalTerms::default();
    if let Some(value) = given(map, "quorum") {
        terms.quorum = u32::try_from(place.below("quorum").whole(value, 1, 10)?).unwrap_or(10);
    }
    if let Some(value) = given(map, "timeout_seconds") {
        let seconds = place.below("timeout_seconds").whole(value, 1, 2_592_000)?;
        terms.ttl = Some(Duration::from_secs(seconds));
    }
    if let Some(value) = given(map, "escalate_to") {
        let name = place.below("escalate_to").text(value, 100)?.trim().to_owned();
        if name.is_empty() {
            return Err(place.below("escalate_to").error("must name somebody"));
        }
        terms.escalate_to = Some(name);
    }
    terms.distinct_keys = match given(map, "distinct_keys") {
        None => false,
        Some(Value::Bool(distinct)) => *distinct,
        Some(_) => return Err(place.below("distinct_keys").error("must be true or false")),
    };
    Ok(terms)
}

fn rule_value(rule: &Rule) -> Value {
    if rule.when.is_empty() {
        rule.tool.as_str().into()
    } else {
        json!({"tool": rule.tool.as_str(), "when": parameters_value(&rule.when)})
    }
}

fn parameters_value(parameters: &[Parameter]) -> Value {
    let entry = |parameter: &Parameter| (parameter.name.clone(), parameter.constraint.to_value());
    parameters.iter().map(entry).collect::<Map<_, _>>().into()
}
