//! The flow of values through one unit: from sources through assignments, containers, text and calls to sinks.
//!
//! Every function is walked in the order of its steps. A first walk over the whole unit learns what its functions
//! return and which of their parameters reach a sink; the second one tells what it finds.

use std::collections::{HashMap, HashSet};

use roost_domain::scan::Framework;

use crate::knowledge::{Knowledge, parameters};
use crate::label::{Label, Labels};
use crate::language::Language;
use crate::rule::{Check, rules};
use crate::unit::{ExprId, FunctionId, Kind, Step, Unit};

mod call;
mod checks;
mod eval;
mod scope;
mod sinks;
mod value;

use scope::Scopes;
use value::Value;

/// How often a loop in a loop is walked again; a value needs one more walk to come around.
const LOOPS_TWICE_MAX: usize = 2;

/// How deep an expression is followed: a long pipeline is one in the other.
const DEPTH_MAX: usize = 200;

/// How deep functions that stand in functions are walked.
const FUNCTIONS_DEEP_MAX: usize = 24;

/// Something found, still as a place in its unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hit {
    /// Which rule, by its place.
    pub(crate) rule: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What reaches the place and where it comes from.
    pub(crate) from: Option<(Label, usize)>,
}

/// A text in the unit that another language runs.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) language: Language,
    pub(crate) text: String,
    pub(crate) start: usize,
}

/// What a walk over a unit found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) hits: Vec<Hit>,
    pub(crate) inner: Vec<Inner>,
}

/// What is known of a function after it was walked.
#[derive(Debug, Clone, Default)]
struct Summary {
    returns: Value,
    /// Which parameter reaches which sink, and what must be in it for that to matter.
    sinks: Vec<ParamSink>,
}

#[derive(Debug, Clone, PartialEq)]
struct ParamSink {
    params: u64,
    from: Labels,
    mixed: bool,
    rule: usize,
    start: usize,
    end: usize,
}

/// The function that is being walked.
#[derive(Debug, Clone, Copy)]
struct Frame {
    function: FunctionId,
    is_tool: bool,
}

/// What a function without a name is called with.
#[derive(Debug, Clone, Default)]
struct Closure {
    value: Value,
    is_tool: bool,
}

pub(crate) struct Flow<'u, 'a> {
    unit: &'u Unit<'a>,
    language: Language,
    known: &'static Knowledge,
    framework: Option<Framework>,
    scopes: Scopes<'a>,
    /// What the members of objects hold, whichever method put it there.
    fields: HashMap<&'a str, Value>,
    /// What files hold that the unit itself wrote, by name.
    files: HashMap<String, Value>,
    by_name: HashMap<&'a str, FunctionId>,
    summaries: HashMap<FunctionId, Summary>,
    frames: Vec<Frame>,
    /// What the function so far returns.
    returned: Value,
    param_sinks: Vec<ParamSink>,
    gated: HashMap<FunctionId, bool>,
    loops: usize,
    depth: usize,
    /// What a function without a name is called with, where one is an argument.
    closure: Closure,
    telling: bool,
    found: Found,
    seen: HashSet<(usize, usize)>,
    seen_origins: HashSet<(usize, usize)>,
}

/// Walks a unit.
pub(crate) fn walk(unit: &Unit<'_>, language: Language, framework: Option<Framework>) -> Found {
    let Some(known) = Knowledge::about(language) else { return Found::default() };
    let mut by_name = HashMap::new();
    for (id, function) in unit.functions.iter().enumerate().skip(1) {
        if !function.name.is_empty() {
            by_name.insert(function.name, id);
        }
    }
    let mut flow = Flow {
        unit,
        language,
        known,
        framework: framework.or_else(|| framework_of(unit)),
        scopes: Scopes::default(),
        fields: HashMap::new(),
        files: HashMap::new(),
        by_name,
        summaries: HashMap::new(),
        frames: Vec::new(),
        returned: Value::default(),
        param_sinks: Vec::new(),
        gated: HashMap::new(),
        loops: 0,
        depth: 0,
        closure: Closure::default(),
        telling: false,
        found: Found::default(),
        seen: HashSet::new(),
        seen_origins: HashSet::new(),
    };
    flow.function_body(0);
    flow.telling = true;
    flow.function_body(0);
    flow.checks();
    flow.found
}

/// Returns the framework that a unit imports.
fn framework_of(unit: &Unit<'_>) -> Option<Framework> {
    let imports =
        |name: &str| unit.imports.values().any(|path| path.trim_start_matches('@').starts_with(name));
    [
        (Framework::Langchain, &["langchain", "langgraph"][..]),
        (Framework::Crewai, &["crewai"]),
        (Framework::Autogen, &["autogen", "pyautogen", "ag2"]),
        (Framework::Moltbook, &["moltbook"]),
    ]
    .into_iter()
    .find(|(_, names)| names.iter().any(|name| imports(name)))
    .map(|(framework, _)| framework)
}

impl<'u, 'a> Flow<'u, 'a> {
    fn function_body(&mut self, id: FunctionId) {
        let unit = self.unit;
        self.frames.push(Frame { function: id, is_tool: false });
        self.steps(&unit.functions[id].body);
        self.frames.pop();
    }

    fn steps(&mut self, steps: &'u [Step<'a>]) {
        steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &'u Step<'a>) {
        match step {
            Step::Eval(value) => {
                self.eval(*value);
            }
            Step::Decide(value) => {
                let decided = self.eval(*value);
                self.decided(*value, &decided);
            }
            Step::Set { target, value, adds } => {
                let value_now = self.eval(*value);
                self.named_value(*target, *value, &value_now);
                self.assign(*target, value_now, *adds);
            }
            Step::Return(value) => {
                let value = self.eval(*value);
                self.returned.join(&value);
            }
            Step::Leave => {}
            Step::Branch { arms, exhaustive } => self.branch(arms, *exhaustive),
            Step::Loop { body, .. } => {
                let walks = if self.loops < LOOPS_TWICE_MAX { 2 } else { 1 };
                self.loops += 1;
                for _ in 0..walks {
                    self.scopes.push();
                    self.steps(body);
                    let written = self.scopes.pop();
                    self.scopes.merge(vec![written], false);
                }
                self.loops -= 1;
            }
            Step::Define(id) => self.define(*id),
            Step::Checked(names) => names.iter().for_each(|name| self.scopes.clean(name)),
        }
    }

    fn branch(&mut self, arms: &'u [Vec<Step<'a>>], exhaustive: bool) {
        let mut written = Vec::new();
        let mut all_stay = exhaustive;
        for arm in arms {
            self.scopes.push();
            self.steps(arm);
            let arm_wrote = self.scopes.pop();
            if matches!(arm.last(), Some(Step::Leave)) {
                all_stay = exhaustive && arms.len() > 1;
            } else {
                written.push(arm_wrote);
            }
        }
        self.scopes.merge(written, all_stay);
    }

    /// Walks a named function where it is defined, with what is around it in sight.
    fn define(&mut self, id: FunctionId) {
        let unit = self.unit;
        let function = &unit.functions[id];
        let decorated = |flow: &Self, wanted: &crate::rule::Expression| {
            function
                .decorators
                .iter()
                .any(|decorator| wanted.is_match(flow.written_path(*decorator).trim_end_matches("()")))
        };
        let derived =
            function.bases.iter().any(|base| parameters().tools.is_match(&self.written_path(*base)));
        let is_tool = decorated(self, &parameters().tools)
            || (derived
                && matches!(function.name, "_run" | "_arun" | "run" | "forward" | "invoke" | "__call__"));
        let is_route = decorated(self, &parameters().routes);
        let follows = !function.nested;
        let mut args = Vec::new();
        for (at, name) in function.params.iter().enumerate() {
            let mut value = Value::default();
            if follows && at < 64 {
                value.params = 1 << at;
            }
            let label = match name {
                _ if at == 0 && matches!(*name, "self" | "cls") => None,
                _ if is_tool => Some(Label::Model),
                _ if is_route || parameters().user.is_match(name) => Some(Label::User),
                _ if parameters().asked.is_match(name) => Some(Label::Asked),
                _ => None,
            };
            if let Some(label) = label {
                value.labels = Labels::of(label);
                value.origin = function.start;
            }
            args.push(value);
        }
        if let (true, Some(Step::Eval(text))) = (is_tool, function.body.first()) {
            self.tool_text(*text);
        }
        let outer_sinks = std::mem::take(&mut self.param_sinks);
        let mut returns = self.enter(id, args, is_tool);
        let sinks = std::mem::replace(&mut self.param_sinks, outer_sinks);
        if !follows {
            returns.params = 0;
            self.param_sinks.extend(sinks.iter().cloned());
        }
        let sinks = if follows { sinks } else { Vec::new() };
        self.summaries.insert(id, Summary { returns, sinks });
    }

    /// Walks a function's body with these arguments and returns what it returns.
    fn enter(&mut self, id: FunctionId, args: Vec<Value>, is_tool: bool) -> Value {
        if self.frames.len() >= FUNCTIONS_DEEP_MAX {
            return Value::default();
        }
        let unit = self.unit;
        let function = &unit.functions[id];
        let inherited = self.frames.last().is_some_and(|frame| frame.is_tool);
        self.frames.push(Frame { function: id, is_tool: is_tool || inherited });
        self.scopes.push();
        for (name, value) in function.params.iter().zip(args) {
            self.scopes.set(name, value);
        }
        let outer = std::mem::take(&mut self.returned);
        self.steps(&function.body);
        let returned = std::mem::replace(&mut self.returned, outer);
        self.scopes.pop();
        self.frames.pop();
        returned
    }

    fn assign(&mut self, target: ExprId, value: Value, adds: bool) {
        let unit = self.unit;
        match &unit.exprs[target].kind {
            Kind::Name(name) => {
                if adds {
                    self.scopes.add(name, &value);
                } else {
                    self.scopes.set(name, value);
                }
            }
            Kind::Member { .. } => {
                let key = unit.text(target);
                if key.starts_with("self.") || key.starts_with("this.") {
                    self.fields.entry(key).or_default().join(&value);
                }
                self.scopes.set(key, value);
            }
            Kind::Index { base, .. } => self.assign(*base, value.within(), true),
            Kind::List(parts) => parts.iter().for_each(|part| self.assign(*part, value.within(), false)),
            Kind::Text(name) => {
                if !value.labels.is_empty() {
                    let name = name.trim_start_matches("./").to_owned();
                    self.files.entry(name).or_default().join(&value);
                }
            }
            Kind::Group(parts) => parts.iter().for_each(|part| self.assign(*part, value.within(), false)),
            Kind::Join(_) if self.language == Language::Bash => {
                let name = unit.text(target).trim_matches('"').to_owned();
                self.files.entry(name).or_default().join(&value);
            }
            Kind::Constant
            | Kind::Call { .. }
            | Kind::Join(_)
            | Kind::Dict(_)
            | Kind::Test(_)
            | Kind::Set { .. }
            | Kind::Yield(_)
            | Kind::Function(_) => {}
        }
    }

    /// Tells whether rules for a framework are on.
    fn rule_is_on(&self, rule: usize) -> bool {
        let wanted = rules()[rule].framework;
        wanted.is_none() || wanted == self.framework
    }

    fn tell(&mut self, rule: usize, id: ExprId, from: Option<(Label, usize)>) {
        let expr = &self.unit.exprs[id];
        let (start, end) = (expr.start, expr.end);
        self.tell_at(Hit { rule, start, end, from });
    }

    fn tell_at(&mut self, hit: Hit) {
        if self.telling && self.rule_is_on(hit.rule) && self.seen.insert((hit.rule, hit.start)) {
            self.found.hits.push(hit);
        }
    }

    fn has(&self, check: Check) -> Option<usize> {
        self.known.checks.iter().find(|(name, _)| *name == check).map(|(_, rule)| *rule)
    }
}

/// Appends a segment to a path; a long path keeps its end.
fn join_path(path: &str, name: &str) -> Box<str> {
    const LENGTH_MAX: usize = 160;
    let mut from = (path.len() + name.len()).saturating_sub(LENGTH_MAX).min(path.len());
    while !path.is_char_boundary(from) {
        from += 1;
    }
    format!("{}.{name}", &path[from..]).into()
}
