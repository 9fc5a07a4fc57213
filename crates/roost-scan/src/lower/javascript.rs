//! JavaScript and TypeScript.

use tree_sitter::Node;

use super::{Builder, children};
use crate::unit::{ExprId, Function, Kind, Step};

mod expr;

use expr::{expr, group};

/// Lowers the statements of a program or a block.
pub(super) fn block<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for child in children(node) {
        b.deeper(|b| statement(b, child, &mut steps), |_| ());
    }
    steps
}

/// Lowers the body of something, which may be one statement without braces.
fn body<'a>(b: &mut Builder<'a>, node: Option<Node<'_>>) -> Vec<Step<'a>> {
    let Some(node) = node else { return Vec::new() };
    if matches!(node.kind(), "statement_block" | "else_clause" | "class_body") {
        return block(b, node);
    }
    let mut steps = Vec::new();
    b.deeper(|b| statement(b, node, &mut steps), |_| ());
    steps
}

fn statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    match node.kind() {
        "lexical_declaration" | "variable_declaration" | "using_declaration" => {
            for one in children(node) {
                let value = one.child_by_field_name("value").map(|value| expr(b, value));
                if let (Some(name), Some(value)) = (one.child_by_field_name("name"), value) {
                    set(b, name, value, steps);
                }
            }
        }
        "return_statement" => {
            let value = group(b, node);
            b.left();
            steps.extend([Step::Return(value), Step::Leave]);
        }
        "throw_statement" => {
            let value = group(b, node);
            b.left();
            steps.extend([Step::Eval(value), Step::Leave]);
        }
        "break_statement" => {
            b.broken_out();
            steps.push(Step::Leave);
        }
        "continue_statement" => steps.push(Step::Leave),
        "if_statement" => {
            let condition = node.child_by_field_name("condition");
            let lowered = condition.map(|condition| expr(b, condition));
            steps.extend(lowered.map(Step::Decide));
            let then = body(b, node.child_by_field_name("consequence"));
            let leaves = matches!(then.last(), Some(Step::Leave));
            let other = node.child_by_field_name("alternative");
            let mut arms = vec![then];
            arms.extend(other.map(|other| body(b, Some(other))));
            let branch = b.branch(arms, other.is_some());
            steps.push(branch);
            if leaves && let Some(condition) = condition {
                steps.extend(checked(b, condition));
            }
        }
        "while_statement" | "do_statement" => {
            let condition = node.child_by_field_name("condition");
            let forever = condition.is_some_and(|c| matches!(b.text(c), "(true)" | "(1)"));
            let condition = condition.map(|condition| expr(b, condition));
            steps.extend(condition.map(Step::Decide));
            b.branches += usize::from(!forever);
            steps.push(b.in_loop(forever, node.start_byte(), |b| body(b, node.child_by_field_name("body"))));
        }
        "for_statement" => {
            let forever = b.text(node).split_whitespace().collect::<String>().starts_with("for(;;)");
            steps.extend(
                node.child_by_field_name("initializer").into_iter().flat_map(|one| body(b, Some(one))),
            );
            b.branches += usize::from(!forever);
            steps.push(b.in_loop(forever, node.start_byte(), |b| body(b, node.child_by_field_name("body"))));
        }
        "for_in_statement" => {
            b.branches += 1;
            let value = node.child_by_field_name("right").map(|right| expr(b, right));
            let left = node.child_by_field_name("left");
            steps.push(b.in_loop(false, node.start_byte(), |b| {
                let mut steps = Vec::new();
                if let (Some(left), Some(value)) = (left, value) {
                    set(b, left, value, &mut steps);
                }
                steps.extend(body(b, node.child_by_field_name("body")));
                steps
            }));
        }
        "try_statement" => {
            steps.extend(body(b, node.child_by_field_name("body")));
            let handler = node.child_by_field_name("handler").and_then(|one| one.child_by_field_name("body"));
            let arms = vec![body(b, handler)];
            let branch = b.branch(arms, false);
            steps.push(branch);
            let last = node.child_by_field_name("finalizer").and_then(|one| one.child_by_field_name("body"));
            steps.extend(body(b, last));
        }
        "switch_statement" => {
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            steps.extend(value.map(Step::Eval));
            let cases = node.child_by_field_name("body").map(children).unwrap_or_default();
            b.loops.push(false);
            let arms: Vec<_> = cases.into_iter().map(|case| block(b, case)).collect();
            b.loops.pop();
            let branch = b.branch(arms, false);
            steps.push(branch);
        }
        "function_declaration" | "generator_function_declaration" | "method_definition" => {
            let id = function(b, node);
            steps.push(Step::Define(id));
        }
        "field_definition" | "public_field_definition" => {
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            steps.extend(value.map(Step::Eval));
        }
        "class_declaration" | "class" | "abstract_class_declaration" => {
            steps.extend(body(b, node.child_by_field_name("body")));
        }
        "export_statement" => {
            let inner = node.child_by_field_name("declaration");
            steps.extend(inner.map(|inner| body(b, Some(inner))).unwrap_or_default());
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            steps.extend(value.map(Step::Eval));
        }
        "import_statement" => import(b, node),
        "statement_block" | "class_static_block" | "labeled_statement" | "module" | "internal_module" => {
            steps.extend(block(b, node));
        }
        "expression_statement" => children(node).into_iter().for_each(|child| {
            let value = expr(b, child);
            steps.push(Step::Eval(value));
        }),
        "interface_declaration"
        | "type_alias_declaration"
        | "empty_statement"
        | "enum_declaration"
        | "function_signature"
        | "abstract_method_signature"
        | "ambient_declaration" => {}
        _ => {
            let value = expr(b, node);
            steps.push(Step::Eval(value));
        }
    }
}

/// Returns what is known after `if (!ALLOWED.includes(x)) return`.
fn checked<'a>(b: &Builder<'a>, condition: Node<'_>) -> Option<Step<'a>> {
    let inner = children(condition).first().copied()?;
    let argument = inner.child_by_field_name("argument").filter(|_| inner.kind() == "unary_expression")?;
    let function = argument.child_by_field_name("function").map_or("", |function| b.text(function));
    let args = argument.child_by_field_name("arguments").map(children).unwrap_or_default();
    super::is_check(function).then(|| Step::Checked(args.into_iter().map(|arg| b.text(arg)).collect()))
}

/// Assigns to a name or takes an object or a list apart.
fn set<'a>(b: &mut Builder<'a>, pattern: Node<'_>, value: ExprId, steps: &mut Vec<Step<'a>>) {
    if pattern.kind() != "object_pattern" {
        let target = expr(b, pattern);
        steps.push(Step::Set { target, value, adds: false });
        return;
    }
    for part in children(pattern) {
        let (key, target) = match part.kind() {
            "pair_pattern" => (part.child_by_field_name("key"), part.child_by_field_name("value")),
            "object_assignment_pattern" => {
                (part.child_by_field_name("left"), part.child_by_field_name("left"))
            }
            _ => (Some(part), Some(part)),
        };
        if let (Some(key), Some(target)) = (key, target) {
            let name = b.text(key);
            let member = b.add(Kind::Member { base: value, name }, part);
            b.deeper(|b| set(b, target, member, steps), |_| ());
        }
    }
}

fn function(b: &mut Builder<'_>, node: Node<'_>) -> usize {
    let name = node.child_by_field_name("name").map_or("", |name| b.text(name));
    b.function(node, name, |b, function| {
        fill(b, node, function);
        let Some(inner) = node.child_by_field_name("body") else { return };
        if inner.kind() == "statement_block" {
            function.body.extend(block(b, inner));
        } else {
            let value = expr(b, inner);
            function.body.push(Step::Return(value));
        }
    })
}

fn fill<'a>(b: &mut Builder<'a>, node: Node<'_>, function: &mut Function<'a>) {
    if let Some(only) = node.child_by_field_name("parameter") {
        function.params.push(b.text(only));
    }
    for parameter in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let pattern = parameter.child_by_field_name("pattern").unwrap_or(parameter);
        let pattern = pattern.child_by_field_name("left").unwrap_or(pattern);
        function.params.push(b.text(pattern));
        if pattern.kind() == "object_pattern" {
            let whole = b.add(Kind::Name(b.text(pattern)), pattern);
            let mut steps = Vec::new();
            set(b, pattern, whole, &mut steps);
            function.body.extend(steps);
        }
    }
}

fn import(b: &mut Builder<'_>, node: Node<'_>) {
    let Some(source) = node.child_by_field_name("source") else { return };
    let module = b.text(source).trim_matches(['"', '\'']).trim_start_matches("node:").to_owned();
    let clauses = children(node).into_iter().filter(|child| child.kind() == "import_clause");
    for part in clauses.flat_map(children) {
        match part.kind() {
            "identifier" => {
                b.unit.imports.insert(b.text(part), module.clone());
            }
            "namespace_import" => {
                let name = children(part).first().map(|name| b.text(*name));
                b.unit.imports.extend(name.map(|name| (name, module.clone())));
            }
            _ => {
                for one in children(part) {
                    let name = one.child_by_field_name("name").map_or("", |name| b.text(name));
                    let alias = one.child_by_field_name("alias").map_or(name, |alias| b.text(alias));
                    b.unit.imports.insert(alias, format!("{module}.{name}"));
                }
            }
        }
    }
}
