//! Rust.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Builder, children};
use crate::unit::{Arg, ExprId, Kind, Step};

/// Lowers the items and statements of a file or a block; the last expression of a block is what it returns.
pub(super) fn block<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for child in children(node) {
        b.deeper(|b| statement(b, child, &mut steps), |_| ());
    }
    steps
}

fn statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    match node.kind() {
        "function_item" => {
            let name = node.child_by_field_name("name").map_or("", |name| b.text(name));
            let id = b.function(node, name, |b, function| {
                for parameter in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
                    let pattern = parameter.child_by_field_name("pattern").unwrap_or(parameter);
                    function.params.push(b.text(pattern));
                }
                function.body =
                    node.child_by_field_name("body").map(|body| block(b, body)).unwrap_or_default();
            });
            steps.push(Step::Define(id));
        }
        "impl_item" | "mod_item" | "trait_item" => {
            steps.extend(node.child_by_field_name("body").map(|body| block(b, body)).unwrap_or_default());
        }
        "let_declaration" | "const_item" | "static_item" => {
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            let name = node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("name"));
            let target = name.map(|name| pattern(b, name));
            steps.extend(target.zip(value).map(|(target, value)| Step::Set { target, value, adds: false }));
        }
        "use_declaration" => {
            if let Some(argument) = node.child_by_field_name("argument") {
                import(b, argument, "");
            }
        }
        "expression_statement" => children(node).into_iter().for_each(|child| flow(b, child, steps)),
        "struct_item" | "enum_item" | "type_item" | "attribute_item" | "macro_definition" => {}
        _ => flow(b, node, steps),
    }
}

/// Lowers an expression that stands as a statement.
fn flow<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    match node.kind() {
        "return_expression" => {
            let value = group(b, node);
            b.left();
            steps.extend([Step::Return(value), Step::Leave]);
        }
        "break_expression" => {
            b.broken_out();
            steps.push(Step::Leave);
        }
        "continue_expression" => steps.push(Step::Leave),
        "if_expression" => {
            let condition = node.child_by_field_name("condition").map(|condition| expr(b, condition));
            steps.extend(condition.map(Step::Decide));
            let then = node.child_by_field_name("consequence").map(|then| block(b, then)).unwrap_or_default();
            let other = node.child_by_field_name("alternative").map(|other| block(b, other));
            let exhaustive = other.is_some();
            let branch = b.branch(std::iter::once(then).chain(other).collect(), exhaustive);
            steps.push(branch);
        }
        "loop_expression" => {
            steps.push(b.in_loop(true, node.start_byte(), |b| inner(b, node)));
        }
        "while_expression" | "for_expression" => {
            b.branches += 1;
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            let target = node.child_by_field_name("pattern").map(|name| pattern(b, name));
            let set = target.zip(value).map(|(target, value)| Step::Set { target, value, adds: false });
            steps.push(
                b.in_loop(false, node.start_byte(), |b| set.into_iter().chain(inner(b, node)).collect()),
            );
        }
        "match_expression" => {
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            steps.extend(value.map(Step::Eval));
            let arms = node.child_by_field_name("body").map(children).unwrap_or_default();
            let arms = arms.into_iter().map(|arm| {
                let mut steps = Vec::new();
                if let Some(value) = arm.child_by_field_name("value") {
                    b.deeper(|b| flow(b, value, &mut steps), |_| ());
                }
                steps
            });
            let arms = arms.collect();
            let branch = b.branch(arms, true);
            steps.push(branch);
        }
        "block" | "unsafe_block" | "async_block" => steps.extend(block(b, node)),
        _ => {
            let value = expr(b, node);
            let is_last = node.parent().is_some_and(|parent| parent.kind() == "block");
            steps.push(if is_last { Step::Return(value) } else { Step::Eval(value) });
        }
    }
}

fn inner<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Vec<Step<'a>> {
    node.child_by_field_name("body").map(|body| block(b, body)).unwrap_or_default()
}

fn pattern(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    match node.kind() {
        "identifier" => {
            let name = Kind::Name(b.text(node));
            b.add(name, node)
        }
        _ => {
            let parts = children(node);
            let parts =
                parts.into_iter().map(|part| b.deeper(|b| pattern(b, part), |b| b.add(Kind::Constant, part)));
            let parts = parts.collect();
            b.add(Kind::List(parts), node)
        }
    }
}

fn import(b: &mut Builder<'_>, node: Node<'_>, prefix: &str) {
    let join = |prefix: &str, name: &str| match prefix {
        "" => name.replace("::", "."),
        _ => format!("{prefix}.{}", name.replace("::", ".")),
    };
    match node.kind() {
        "identifier" | "scoped_identifier" => {
            let path = b.text(node);
            let name = path.rsplit("::").next().unwrap_or(path);
            let full = join(prefix, path);
            b.unit.imports.insert(name, full);
        }
        "use_as_clause" => {
            let path = node.child_by_field_name("path").map_or("", |path| b.text(path));
            let alias = node.child_by_field_name("alias").map_or("", |alias| b.text(alias));
            b.unit.imports.insert(alias, join(prefix, path));
        }
        "scoped_use_list" => {
            let path = node.child_by_field_name("path").map_or("", |path| b.text(path));
            let inner = join(prefix, path);
            for one in node.child_by_field_name("list").map(children).unwrap_or_default() {
                b.deeper(|b| import(b, one, &inner), |_| ());
            }
        }
        "use_list" => children(node).into_iter().for_each(|one| {
            b.deeper(|b| import(b, one, prefix), |_| ());
        }),
        _ => {}
    }
}

fn group(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    let parts = children(node);
    if let [only] = parts.as_slice() {
        return expr(b, *only);
    }
    let parts = parts.into_iter().map(|part| expr(b, part)).collect();
    b.add(Kind::Group(parts), node)
}

fn expr(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    b.deeper(|b| expr_here(b, node), |b| b.add(Kind::Group(Vec::new()), node))
}

fn expr_here<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let kind = match node.kind() {
        "identifier" | "self" | "field_identifier" | "shorthand_field_identifier" | "crate" | "super" => {
            Kind::Name(b.text(node))
        }
        "scoped_identifier" => {
            let base = node.child_by_field_name("path").map(|path| expr(b, path));
            let name = node.child_by_field_name("name").map_or("", |name| b.text(name));
            base.map_or(Kind::Name(name), |base| Kind::Member { base, name })
        }
        "field_expression" => {
            let base = node.child_by_field_name("value").map(|value| expr(b, value));
            let name = node.child_by_field_name("field").map_or("", |name| b.text(name));
            base.map_or(Kind::Constant, |base| Kind::Member { base, name })
        }
        "generic_function" => {
            let function = node.child_by_field_name("function").map(|function| expr(b, function));
            return function.unwrap_or_else(|| b.add(Kind::Constant, node));
        }
        "call_expression" => {
            let target = node.child_by_field_name("function").map(|function| expr(b, function));
            let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
            let args = args.into_iter().map(|arg| Arg { name: None, value: expr(b, arg) }).collect();
            target.map_or(Kind::Constant, |target| Kind::Call { target, args })
        }
        "macro_invocation" => macro_call(b, node),
        "string_literal" | "raw_string_literal" => {
            let text = b.text(node);
            let inner = text.trim_start_matches(['r', 'b', '#']).trim_end_matches('#').trim_matches('"');
            Kind::Text(Cow::Borrowed(inner))
        }
        "integer_literal" | "float_literal" | "boolean_literal" | "char_literal" | "unit_expression" => {
            Kind::Constant
        }
        "array_expression" | "tuple_expression" => {
            let parts = children(node).into_iter().map(|part| expr(b, part)).collect();
            Kind::List(parts)
        }
        "assignment_expression" | "compound_assignment_expr" => {
            let value = node.child_by_field_name("right").map(|right| expr(b, right));
            let target = node.child_by_field_name("left").map(|left| expr(b, left));
            target.zip(value).map_or(Kind::Constant, |(target, value)| Kind::Set { target, value })
        }
        "binary_expression" => {
            let parts = ["left", "right"].iter().filter_map(|name| node.child_by_field_name(name));
            let parts = parts.map(|part| expr(b, part)).collect();
            let operator = node.child_by_field_name("operator").map_or("", |operator| b.text(operator));
            if operator == "+" { Kind::Join(parts) } else { Kind::Test(parts) }
        }
        "closure_expression" => Kind::Function(b.function(node, "", |b, function| {
            for parameter in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
                function.params.push(b.text(parameter));
            }
            let body = node.child_by_field_name("body").map(|body| expr(b, body));
            function.body.extend(body.map(Step::Return));
        })),
        "block" | "unsafe_block" | "async_block" | "if_expression" | "match_expression"
        | "loop_expression" | "while_expression" | "for_expression" | "return_expression" => {
            let mut steps = Vec::new();
            flow(b, node, &mut steps);
            let id = b.function(node, "", |_, function| function.body = steps);
            Kind::Function(id)
        }
        _ => return group(b, node),
    };
    b.add(kind, node)
}

/// A macro's arguments are tokens: its strings and names are what is put together.
fn macro_call<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let name = node.child_by_field_name("macro").map_or("", |name| b.text(name));
    let tokens = children(node).into_iter().filter(|child| child.kind() == "token_tree").flat_map(children);
    let mut parts = Vec::new();
    for token in tokens {
        if matches!(token.kind(), "identifier" | "string_literal" | "raw_string_literal") {
            parts.push(expr(b, token));
        }
    }
    if matches!(name, "format" | "concat") {
        return Kind::Join(parts);
    }
    let target = Kind::Name(name);
    let target = b.add(target, node);
    Kind::Call { target, args: parts.into_iter().map(|value| Arg { name: None, value }).collect() }
}
