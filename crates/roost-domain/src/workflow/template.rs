//! Templates are filled in with minijinja: no files, no time, no randomness; what one template may do and make is
//! bounded by fuel, so whoever writes a workflow cannot take the server's time or memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior};
use serde_json::{Map, Value};

use super::{Expression, StepId, Template};
use crate::event::Problem;
use crate::secret::placeholder;

/// What one template may do, shared evenly by its texts: about as many instructions, or 64 times as many bytes of texts made.
const FUEL: u64 = 400_000;

/// What any text may do, however many the template has.
const LEAST_FUEL: u64 = 2_000;

/// The most texts of one template that have something to be filled in.
const MAX_TEXTS: usize = 1_000;

/// The most that one template may come to, as JSON.
const MAX_BYTES: usize = 1 << 20;

/// The longest text that is read as a template.
const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// How deep lists and objects may lie in each other in what a template comes to.
const MAX_DEPTH: usize = 64;

/// What templates and expressions see, by name.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    values: BTreeMap<String, Arc<Value>>,
    steps: BTreeMap<String, Arc<Value>>,
}

/// What is wrong with a template or an expression before it is filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// Where in the template's JSON: `.headers.accept`, `[3]`; empty is the template itself.
    pub path: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Scope {
    /// Returns a scope in which nothing is seen.
    pub const fn new() -> Self {
        Self { values: BTreeMap::new(), steps: BTreeMap::new() }
    }

    /// Makes a value seen under a name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Arc<Value>>) -> Self {
        self.set(name, value);
        self
    }

    /// Makes a value seen under a name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Arc<Value>>) {
        self.values.insert(name.into(), value.into());
    }

    /// Makes a step's output seen as `steps.<id>.output`.
    pub fn set_output(&mut self, step: &StepId, output: impl Into<Arc<Value>>) {
        self.steps.insert(step.0.clone(), output.into());
    }
}

impl Template {
    /// Fills in every text of it. Names of objects stay as they are.
    ///
    /// # Errors
    ///
    /// A problem `template_failed` that names the text and what is wrong: a name that nothing has, a wrong type, too
    /// much work, or too much made.
    pub fn render(&self, scope: &Scope) -> Result<Value, Problem> {
        let context = minijinja::Value::from_object(scope.clone());
        let texts = texts(&self.0);
        if texts > MAX_TEXTS {
            return Err(failed("", &format!("it has {texts} texts to fill in, and may have {MAX_TEXTS}")));
        }
        let mut work = Work { environment: environment(texts), context, budget: MAX_BYTES };
        work.fill_in(&self.0)
    }

    /// Returns the dotted names that it reads: `input.topic`, `steps.research.output.title`. Of a name that is computed
    /// (`steps[name]`) only the beginning is known.
    ///
    /// # Errors
    ///
    /// The first text that is no template.
    pub fn names(&self) -> Result<BTreeSet<String>, Unreadable> {
        let mut names = BTreeSet::new();
        collect(&self.0, &mut String::new(), &mut names)?;
        Ok(names)
    }
}

impl Expression {
    /// Tells whether it is true.
    ///
    /// # Errors
    ///
    /// A problem `template_failed`, as [`Template::render`] has it.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Problem> {
        let context = minijinja::Value::from_object(scope.clone());
        let source = bounded(&self.0).map_err(|why| failed(&self.0, &why))?;
        let value = ENVIRONMENT.compile_expression(source).and_then(|expression| expression.eval(context));
        let value = value.map_err(|error| failed(&self.0, &said(&error)))?;
        if value.is_undefined() {
            return Err(failed(&self.0, "it reads something that is not there"));
        }
        Ok(value.is_true())
    }

    /// Returns the dotted names that it reads, as [`Template::names`] does.
    ///
    /// # Errors
    ///
    /// What is wrong with it, if it is no expression.
    pub fn names(&self) -> Result<BTreeSet<String>, Unreadable> {
        let fault = |message| Unreadable { path: String::new(), message };
        let source = bounded(&self.0).map_err(fault)?;
        let expression = ENVIRONMENT.compile_expression(source).map_err(|error| fault(said(&error)))?;
        Ok(expression.undeclared_variables(true).into_iter().filter(|name| is_not_built_in(name)).collect())
    }
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(write);
    environment.add_filter("tojson", to_json);
    environment.add_function("secret", |name: &str| placeholder(name));
    // It could build lists so deep that they cannot be put away any more.
    environment.remove_global("namespace");
    environment.remove_global("debug");
    environment
});

/// Writes a value into a text: texts as they are, everything else as JSON.
fn write(
    out: &mut minijinja::Output<'_>,
    _: &mut State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) => out.write_str(text)?,
        None => out.write_str(&to_json(value)?)?,
    }
    Ok(())
}

fn to_json(value: &minijinja::Value) -> Result<String, minijinja::Error> {
    let json = json(value, MAX_DEPTH, &mut MAX_BYTES.clone());
    json.map(|json| json.to_string()).map_err(|why| {
        let kind = if value.is_undefined() { ErrorKind::UndefinedError } else { ErrorKind::BadSerialization };
        minijinja::Error::new(kind, why)
    })
}

/// Returns where a template's texts are filled in, given how many there are.
fn environment(texts: usize) -> Cow<'static, Environment<'static>> {
    if texts <= 1 {
        return Cow::Borrowed(&ENVIRONMENT);
    }
    let mut environment = ENVIRONMENT.clone();
    environment.set_fuel(Some((FUEL / texts as u64).max(LEAST_FUEL)));
    Cow::Owned(environment)
}

/// Counts the texts in which something is to be filled in.
fn texts(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => usize::from(is_template(text)),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(fields) => fields.values().map(texts).sum(),
    }
}

/// A template that is filled in.
struct Work {
    environment: Cow<'static, Environment<'static>>,
    context: minijinja::Value,
    /// How many bytes it may still come to.
    budget: usize,
}

impl Work {
    fn fill_in(&mut self, value: &Value) -> Result<Value, Problem> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                spend(&mut self.budget, 8).map_err(|why| failed("", why)).map(|()| value.clone())
            }
            Value::String(text) => self.fill_in_text(text).map_err(|why| failed(text, &why)),
            Value::Array(items) => items.iter().map(|item| self.fill_in(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| {
                    spend(&mut self.budget, name.len()).map_err(|why| failed(name, why))?;
                    Ok((name.clone(), self.fill_in(value)?))
                })
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        }
    }

    fn fill_in_text(&mut self, text: &str) -> Result<Value, String> {
        if !is_template(text) {
            spend(&mut self.budget, text.len())?;
            return Ok(Value::String(text.to_owned()));
        }
        bounded(text)?;
        let Self { environment, context, budget } = self;
        if let Some(expression) = alone(environment, text) {
            let value = expression.eval(context.clone()).map_err(|error| said(&error))?;
            return json(&value, MAX_DEPTH, budget).map_err(str::to_owned);
        }
        let template = environment.template_from_str(text).map_err(|error| said(&error))?;
        let filled = template.render(context.clone()).map_err(|error| said(&error))?;
        spend(budget, filled.len())?;
        Ok(Value::String(filled))
    }
}

/// Tells whether anything in a text could be filled in.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Returns the expression that a text is, if it is one alone.
fn alone<'e>(environment: &'e Environment<'_>, text: &'e str) -> Option<minijinja::Expression<'e, 'e>> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    environment.compile_expression(inner).ok()
}

fn collect(value: &Value, path: &mut String, names: &mut BTreeSet<String>) -> Result<(), Unreadable> {
    let length = path.len();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) if is_template(text) => {
            let read = names_of(text).map_err(|message| Unreadable { path: path.clone(), message })?;
            names.extend(read.into_iter().filter(|name| is_not_built_in(name)));
        }
        Value::String(_) => {}
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                path.push_str(&format!("[{place}]"));
                collect(item, path, names)?;
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push_str(&format!(".{name}"));
                collect(value, path, names)?;
                path.truncate(length);
            }
        }
    }
    Ok(())
}

fn names_of(text: &str) -> Result<impl IntoIterator<Item = String> + use<>, String> {
    let source = bounded(text)?;
    if let Some(expression) = alone(&ENVIRONMENT, source) {
        return Ok(expression.undeclared_variables(true));
    }
    let template = ENVIRONMENT.template_from_str(source).map_err(|error| said(&error))?;
    Ok(template.undeclared_variables(true))
}

fn is_not_built_in(name: &str) -> bool {
    !["range", "dict", "secret"].contains(&name)
}

fn bounded(source: &str) -> Result<&str, String> {
    if source.len() <= MAX_SOURCE_BYTES {
        Ok(source)
    } else {
        Err(format!("a template may have {MAX_SOURCE_BYTES} bytes, and this one has {}", source.len()))
    }
}

const TOO_LARGE: &str = "it comes to more than 1 MiB";

fn spend(budget: &mut usize, bytes: usize) -> Result<(), &'static str> {
    *budget = budget.checked_sub(bytes).ok_or(TOO_LARGE)?;
    Ok(())
}

/// Turns what an expression came to into JSON, within a budget of bytes: a list may hold the same large thing a
/// thousand times and cost next to nothing until it is written out.
fn json(value: &minijinja::Value, depth: usize, budget: &mut usize) -> Result<Value, &'static str> {
    const ODD: &str = "it comes to something that is no JSON";
    let depth = depth.checked_sub(1).ok_or("it comes to lists or objects that lie too deep in each other")?;
    spend(budget, 8)?;
    match value.kind() {
        ValueKind::Undefined => Err("it reads something that is not there"),
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => number(value).ok_or("it comes to a number that JSON does not have"),
        ValueKind::String => {
            let text = value.as_str().ok_or(ODD)?;
            spend(budget, text.len())?;
            Ok(Value::String(text.to_owned()))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| ODD)?;
            items.map(|item| json(&item, depth, budget)).collect()
        }
        ValueKind::Map => {
            let mut fields = Map::new();
            for key in value.try_iter().map_err(|_| ODD)? {
                let item = value.get_item(&key).map_err(|_| ODD)?;
                let name = key.to_string();
                spend(budget, name.len())?;
                fields.insert(name, json(&item, depth, budget)?);
            }
            Ok(Value::Object(fields))
        }
        ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => Err(ODD),
    }
}

fn number(value: &minijinja::Value) -> Option<Value> {
    if value.is_integer() {
        if let Ok(number) = i64::try_from(value.clone()) {
            return Some(number.into());
        }
        if let Ok(number) = u64::try_from(value.clone()) {
            return Some(number.into());
        }
    }
    let number = f64::try_from(value.clone()).ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

fn from_json(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => number.into(),
            (None, Some(number), _) => number.into(),
            (None, None, number) => number.unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_json).collect(),
        Value::Object(fields) => {
            minijinja::Value::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), from_json(value))))
        }
    }
}

fn failed(source: &str, why: &str) -> Problem {
    let mut shown: String = source.trim().chars().take(80).collect();
    if shown.len() < source.trim().len() {
        shown.push('…');
    }
    let code = "template_failed".to_owned();
    Problem { code, message: format!("The template `{shown}` cannot be filled in: {why}") }
}

fn said(error: &minijinja::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::OutOfFuel {
        "it does or makes too much".to_owned()
    } else if kind == ErrorKind::UndefinedError {
        "it reads something that is not there".to_owned()
    } else {
        error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}"))
    }
}

/// What templates see is turned into their values as they ask for it: most templates read a step or two of many.
impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let name = key.as_str()?;
        if name == "steps" {
            return Some(minijinja::Value::from_object(Outputs(self.steps.clone())));
        }
        self.values.get(name).map(|value| from_json(value))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.values.keys().map(String::as_str).chain(["steps"]);
        Enumerator::Values(names.map(minijinja::Value::from).collect())
    }
}

#[derive(Debug)]
struct Outputs(BTreeMap<String, Arc<Value>>);

impl Object for Outputs {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let output = self.0.get(key.as_str()?)?;
        Some(minijinja::Value::from_pairs([("output", from_json(output))]))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| minijinja::Value::from(name.as_str())).collect())
    }
}

#[cfg(test)]
mod tests;
