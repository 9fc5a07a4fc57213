//! From a syntax tree to the intermediate form. Each language has its own file; this one holds what they share.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::language::Language;
use crate::unit::{Expr, ExprId, Function, FunctionId, Kind, Step, Unit};

mod bash;
mod javascript;
mod python;
mod rust;

/// How deep expressions and statements may lie in each other. What lies deeper is left out.
const DEPTH_MAX: usize = 90;

/// How many brackets may be open at once, and how many commands in one pipeline. The parser takes time with the square of it.
const OPEN_MAX: usize = 2_000;

/// How many hundred steps of the parser are usual, for any text and for each kilobyte, with room to spare: real code
/// needs at most 20 for a kilobyte.
const EFFORT: (usize, usize) = (500, 40);

/// How long the parser may take for any text and for each megabyte. Recovering from errors can make single steps slow;
/// no code that people write comes near.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(3));

/// Parses a text and lowers it. A text that the parser gives up on comes back empty and broken.
pub(crate) fn lower(language: Language, source: &str) -> Unit<'_> {
    let too_deep = too_deep_at(language, source);
    let source = &source[..too_deep.unwrap_or(source.len())];
    let mut builder = Builder::new(source);
    builder.unit.gave_up_at = too_deep;
    let Some(tree) = parse(language, source) else {
        builder.unit.gave_up_at = Some(0);
        return builder.finish(Vec::new());
    };
    builder.unit.broken_at = broken_at(&tree);
    let root = tree.root_node();
    let body = match language {
        Language::Python => python::block(&mut builder, root),
        Language::Javascript | Language::Typescript | Language::Tsx => javascript::block(&mut builder, root),
        Language::Rust => rust::block(&mut builder, root),
        Language::Bash => bash::block(&mut builder, root),
        Language::Markdown | Language::Mcp | Language::Dependencies | Language::Text => Vec::new(),
    };
    builder.finish(body)
}

/// Returns where more brackets or pipes are open than the parser takes in reasonable time.
fn too_deep_at(language: Language, source: &str) -> Option<usize> {
    let (mut open, mut pipes): (usize, usize) = (0, 0);
    let mut before = b' ';
    source.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'|' if language == Language::Bash => pipes += 1,
            b'\n' if !matches!(before, b'|' | b'&' | b'\\') => pipes = 0,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
        open > OPEN_MAX || pipes > OPEN_MAX
    })
}

/// Counts the bytes that the grammar does not know; fewer is better.
pub(crate) fn strangeness(language: Language, source: &str) -> usize {
    let source = &source[..too_deep_at(language, source).unwrap_or(source.len())];
    let Some(tree) = parse(language, source) else { return usize::MAX };
    let mut strange = 0;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            strange += node.byte_range().len().max(1);
        } else if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return strange;
            }
        }
    }
}

fn parse(language: Language, source: &str) -> Option<Tree> {
    let grammar = match language {
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::Javascript => tree_sitter_javascript::LANGUAGE,
        Language::Typescript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
        Language::Rust => tree_sitter_rust::LANGUAGE,
        Language::Bash => tree_sitter_bash::LANGUAGE,
        Language::Markdown | Language::Mcp | Language::Dependencies | Language::Text => return None,
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar.into()).ok()?;
    let kilobytes = source.len() / 1_000;
    let mut effort = EFFORT.0 + kilobytes * EFFORT.1;
    let patience = PATIENCE.0 + PATIENCE.1.mul_f64(source.len() as f64 / 1e6);
    let start = Instant::now();
    let mut progress = |_: &tree_sitter::ParseState| {
        effort = effort.saturating_sub(1);
        if effort == 0 || start.elapsed() > patience {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = source.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or(&[]), None, Some(options))
}

/// Returns where the first piece lies that the grammar does not know.
fn broken_at(tree: &Tree) -> Option<usize> {
    if !tree.root_node().has_error() {
        return None;
    }
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node.start_byte());
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(tree.root_node().start_byte());
            }
        }
    }
}

/// What is being lowered.
pub(super) struct Builder<'a> {
    unit: Unit<'a>,
    depth: usize,
    /// For each loop around this place, whether something breaks out of it.
    loops: Vec<bool>,
    /// How often the function so far has been left.
    leaves: usize,
    functions: usize,
    branches: usize,
    bases: Vec<ExprId>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str) -> Self {
        let unit = Unit {
            source,
            exprs: Vec::new(),
            functions: vec![Function::default()],
            imports: std::collections::HashMap::new(),
            broken_at: None,
            gave_up_at: None,
        };
        Self { unit, depth: 0, loops: Vec::new(), leaves: 0, functions: 0, branches: 0, bases: Vec::new() }
    }

    fn finish(mut self, body: Vec<Step<'a>>) -> Unit<'a> {
        let end = self.unit.source.len();
        self.unit.functions[0] = Function { body, end, ..Function::default() };
        self.unit
    }

    fn add(&mut self, kind: Kind<'a>, node: Node<'_>) -> ExprId {
        self.add_at(kind, node.start_byte(), node.end_byte())
    }

    fn add_at(&mut self, kind: Kind<'a>, start: usize, end: usize) -> ExprId {
        self.unit.exprs.push(Expr { kind, start, end });
        self.unit.exprs.len() - 1
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        self.unit.source.get(node.byte_range()).unwrap_or("")
    }

    /// Lowers something that lies within something else; what lies too deep is left out.
    fn deeper<T>(&mut self, lower: impl FnOnce(&mut Self) -> T, otherwise: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEPTH_MAX {
            return otherwise(self);
        }
        self.depth += 1;
        let lowered = lower(self);
        self.depth -= 1;
        lowered
    }

    /// Lowers the body of a loop. `forever` says that its own condition never ends it.
    fn in_loop(
        &mut self,
        forever: bool,
        start: usize,
        body: impl FnOnce(&mut Self) -> Vec<Step<'a>>,
    ) -> Step<'a> {
        let leaves = self.leaves;
        self.loops.push(false);
        let body = body(self);
        let broken = self.loops.pop().unwrap_or(false);
        Step::Loop { body, endless: forever && !broken && self.leaves == leaves, start }
    }

    fn broken_out(&mut self) {
        if let Some(last) = self.loops.last_mut() {
            *last = true;
        }
    }

    fn left(&mut self) {
        self.leaves += 1;
    }

    fn branch(&mut self, arms: Vec<Vec<Step<'a>>>, exhaustive: bool) -> Step<'a> {
        self.branches += 1;
        Step::Branch { arms, exhaustive }
    }

    /// Lowers a function; `body` fills in its parameters and steps.
    fn function(
        &mut self,
        node: Node<'_>,
        name: &'a str,
        fill: impl FnOnce(&mut Self, &mut Function<'a>),
    ) -> FunctionId {
        let id = self.unit.functions.len();
        self.unit.functions.push(Function::default());
        let mut function = Function {
            name,
            nested: self.functions > 0,
            start: node.start_byte(),
            end: node.end_byte(),
            bases: self.bases.clone(),
            ..Function::default()
        };
        let loops = std::mem::take(&mut self.loops);
        let (leaves, branches) = (self.leaves, std::mem::take(&mut self.branches));
        self.functions += 1;
        let exprs_from = self.unit.exprs.len();
        fill(self, &mut function);
        self.functions -= 1;
        function.exprs = exprs_from..self.unit.exprs.len();
        function.branches = self.branches > 0;
        self.branches = branches;
        self.leaves = leaves;
        self.loops = loops;
        self.unit.functions[id] = function;
        id
    }
}

/// Tells whether a function that must hold says anything about who may choose its argument: that a file is there, or
/// that a value is a list, does not.
fn is_check(function: &str) -> bool {
    let name = function.rsplit('.').next().unwrap_or(function);
    let asks_for_form = [
        "exists",
        "isfile",
        "is_file",
        "isdir",
        "is_dir",
        "isinstance",
        "isarray",
        "strip",
        "len",
        "bool",
        "hasattr",
    ];
    let name = name.to_ascii_lowercase();
    !name.is_empty() && !asks_for_form.iter().any(|form| name.starts_with(form))
}

/// Returns the named children without comments.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// Returns the children under a field.
fn fields<'t>(node: Node<'t>, name: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(name, &mut cursor).collect()
}
