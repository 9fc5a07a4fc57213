//! Expressions of JavaScript and TypeScript.

use std::borrow::Cow;

use tree_sitter::Node;

use super::super::{Builder, children, fields};
use super::{function, statement};
use crate::unit::{Arg, ExprId, Kind};

pub(super) fn group(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    let parts = children(node);
    if let [only] = parts.as_slice() {
        return expr(b, *only);
    }
    let parts = exprs(b, parts);
    b.add(Kind::Group(parts), node)
}

pub(super) fn expr(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    b.deeper(|b| expr_here(b, node), |b| b.add(Kind::Group(Vec::new()), node))
}

fn exprs(b: &mut Builder<'_>, nodes: Vec<Node<'_>>) -> Vec<ExprId> {
    nodes.into_iter().map(|node| expr(b, node)).collect()
}

fn expr_here<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let kind = match node.kind() {
        "identifier"
        | "shorthand_property_identifier"
        | "shorthand_property_identifier_pattern"
        | "this"
        | "property_identifier"
        | "super"
        | "private_property_identifier" => Kind::Name(b.text(node)),
        "number" | "true" | "false" | "null" | "undefined" | "regex" | "type_annotation"
        | "type_arguments" => Kind::Constant,
        "member_expression" => {
            let base = node.child_by_field_name("object").map(|object| expr(b, object));
            let name = node.child_by_field_name("property").map_or("", |name| b.text(name));
            base.map_or(Kind::Constant, |base| Kind::Member { base, name })
        }
        "subscript_expression" => {
            let base = node.child_by_field_name("object").map(|object| expr(b, object));
            let index = node.child_by_field_name("index").map(|index| expr(b, index));
            base.zip(index).map_or(Kind::Constant, |(base, index)| Kind::Index { base, index })
        }
        "call_expression" | "new_expression" => call(b, node),
        "string" => {
            let text = b.text(node);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
            Kind::Text(Cow::Borrowed(inner))
        }
        "template_string" => template(b, node),
        "binary_expression" => binary(b, node),
        "unary_expression" | "update_expression" => Kind::Test(exprs(b, children(node))),
        "array" | "array_pattern" => Kind::List(exprs(b, children(node))),
        "object" => Kind::Dict(children(node).into_iter().map(|pair| entry(b, pair)).collect()),
        "assignment_expression" | "augmented_assignment_expression" => {
            let value = node.child_by_field_name("right").map(|right| expr(b, right));
            let target = node.child_by_field_name("left").map(|left| expr(b, left));
            match target.zip(value) {
                Some((target, value)) if node.kind() == "assignment_expression" => {
                    Kind::Set { target, value }
                }
                Some((target, value)) => {
                    let value = b.add(Kind::Join(vec![target, value]), node);
                    Kind::Set { target, value }
                }
                None => Kind::Constant,
            }
        }
        "ternary_expression" => {
            b.branches += 1;
            let values =
                ["consequence", "alternative"].iter().filter_map(|name| node.child_by_field_name(name));
            Kind::Group(exprs(b, values.collect()))
        }
        "arrow_function" | "function_expression" | "generator_function" | "method_definition" => {
            Kind::Function(function(b, node))
        }
        "class" => {
            let mut steps = Vec::new();
            statement(b, node, &mut steps);
            let id = b.function(node, "", |_, function| function.body = steps);
            Kind::Function(id)
        }
        "await_expression" | "yield_expression" => {
            b.left();
            return group(b, node);
        }
        "as_expression" | "satisfies_expression" | "non_null_expression" => {
            return match children(node).first() {
                Some(first) => expr(b, *first),
                None => b.add(Kind::Constant, node),
            };
        }
        "jsx_element" | "jsx_self_closing_element" | "jsx_opening_element" => jsx(b, node),
        _ => return group(b, node),
    };
    b.add(kind, node)
}

fn entry(b: &mut Builder<'_>, pair: Node<'_>) -> (Option<ExprId>, ExprId) {
    if pair.kind() != "pair" {
        return (None, expr(b, pair));
    }
    let key = pair.child_by_field_name("key").map(|key| {
        let name = b.text(key).trim_matches(['"', '\'']);
        b.add(Kind::Text(Cow::Borrowed(name)), key)
    });
    let value = pair.child_by_field_name("value").unwrap_or(pair);
    (key, expr(b, value))
}

/// An element is a call of its name whose keywords are its attributes.
fn jsx<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let opening = node.child_by_field_name("open_tag").unwrap_or(node);
    let name = opening.child_by_field_name("name").map(|name| expr(b, name));
    let mut args = Vec::new();
    for attribute in fields(opening, "attribute") {
        let parts = children(attribute);
        if let [name, value] = parts.as_slice() {
            let value = expr(b, *value);
            args.push(Arg { name: Some(b.text(*name)), value });
        }
    }
    for child in children(node) {
        if matches!(child.kind(), "jsx_element" | "jsx_self_closing_element" | "jsx_expression") {
            let value = expr(b, child);
            args.push(Arg { name: None, value });
        }
    }
    name.map_or(Kind::Constant, |target| Kind::Call { target, args })
}

fn template<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let parts = children(node);
    if !parts.iter().any(|part| part.kind() == "template_substitution") {
        let text = b.text(node);
        return Kind::Text(Cow::Borrowed(text.get(1..text.len().saturating_sub(1)).unwrap_or("")));
    }
    let mut joined = Vec::new();
    for part in parts {
        if part.kind() == "template_substitution" {
            joined.push(group(b, part));
        } else {
            let text = Kind::Text(Cow::Borrowed(b.text(part)));
            joined.push(b.add(text, part));
        }
    }
    Kind::Join(joined)
}

fn binary<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let mut parts = Vec::new();
    let (mut at, mut joins, mut tests) = (node, false, false);
    while at.kind() == "binary_expression" {
        let operator = at.child_by_field_name("operator").map_or("", |operator| b.text(operator));
        joins |= operator == "+";
        b.branches += usize::from(matches!(operator, "&&" | "||" | "??"));
        tests |=
            matches!(operator, "==" | "===" | "!=" | "!==" | "<" | ">" | "<=" | ">=" | "in" | "instanceof");
        parts.extend(at.child_by_field_name("right"));
        match at.child_by_field_name("left") {
            Some(left) => at = left,
            None => break,
        }
    }
    parts.push(at);
    parts.reverse();
    let parts = exprs(b, parts);
    match (tests, joins) {
        (true, _) => Kind::Test(parts),
        (false, true) => Kind::Join(parts),
        (false, false) => Kind::Group(parts),
    }
}

fn call<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let function = node.child_by_field_name("function").or_else(|| node.child_by_field_name("constructor"));
    let Some(function) = function else { return Kind::Constant };
    let args = node.child_by_field_name("arguments");
    let text = b.text(function);
    if matches!(text, "require" | "import")
        && let Some(module) = args.and_then(|args| children(args).first().copied())
        && module.kind() == "string"
    {
        let name = b.text(module).trim_matches(['"', '\'']);
        let name = name.strip_prefix("node:").unwrap_or(name);
        return Kind::Name(name);
    }
    if matches!(text, "process.exit" | "setTimeout") {
        b.left();
    }
    let args = match args {
        Some(args) if args.kind() == "template_string" => vec![expr(b, args)],
        Some(args) => exprs(b, children(args)),
        None => Vec::new(),
    };
    let target = expr(b, function);
    Kind::Call { target, args: args.into_iter().map(|value| Arg { name: None, value }).collect() }
}
