//! Expressions of Python.

use std::borrow::Cow;

use tree_sitter::Node;

use super::super::{Builder, children};
use super::fill;
use crate::unit::{Arg, ExprId, Kind, Step};

pub(super) fn group<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let parts = children(node);
    if let [only] = parts.as_slice() {
        return expr(b, *only);
    }
    let parts = parts.into_iter().map(|part| expr(b, part)).collect();
    b.add(Kind::Group(parts), node)
}

pub(super) fn expr<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    b.deeper(|b| expr_here(b, node), |b| b.add(Kind::Group(Vec::new()), node))
}

fn exprs<'a>(b: &mut Builder<'a>, nodes: Vec<Node<'_>>) -> Vec<ExprId> {
    nodes.into_iter().map(|node| expr(b, node)).collect()
}

fn expr_here<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let kind = match node.kind() {
        "identifier" => Kind::Name(b.text(node)),
        "integer" | "float" | "true" | "false" | "none" | "ellipsis" => Kind::Constant,
        "attribute" => {
            let base = node.child_by_field_name("object").map(|object| expr(b, object));
            let name = node.child_by_field_name("attribute").map_or("", |name| b.text(name));
            base.map_or(Kind::Constant, |base| Kind::Member { base, name })
        }
        "subscript" => {
            let base = node.child_by_field_name("value").map(|value| expr(b, value));
            let index = node.child_by_field_name("subscript").map(|index| expr(b, index));
            base.zip(index).map_or(Kind::Constant, |(base, index)| Kind::Index { base, index })
        }
        "call" => call(b, node),
        "string" => string(b, node),
        "concatenated_string" => {
            let parts = exprs(b, children(node));
            let texts: Option<String> =
                parts.iter().map(|part| b.unit.literal(*part).map(str::to_owned)).collect();
            texts.map_or(Kind::Join(parts), |text| Kind::Text(Cow::Owned(text)))
        }
        "binary_operator" => binary(b, node),
        "boolean_operator" => {
            b.branches += 1;
            return group(b, node);
        }
        "comparison_operator" | "not_operator" => Kind::Test(exprs(b, children(node))),
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
            Kind::List(exprs(b, children(node)))
        }
        "dictionary" => Kind::Dict(children(node).into_iter().map(|pair| entry(b, pair)).collect()),
        "conditional_expression" => {
            b.branches += 1;
            let parts = children(node);
            let values = parts.iter().step_by(2).map(|part| expr(b, *part)).collect();
            Kind::Group(values)
        }
        "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
            b.branches += 1;
            comprehension(b, node)
        }
        "lambda" => Kind::Function(b.function(node, "", |b, function| {
            fill(b, node, function);
            let value = node.child_by_field_name("body").map(|body| expr(b, body));
            function.body.extend(value.map(Step::Return));
        })),
        "named_expression" => {
            let target = node.child_by_field_name("name").map(|name| expr(b, name));
            let value = node.child_by_field_name("value").map(|value| expr(b, value));
            target.zip(value).map_or(Kind::Constant, |(target, value)| Kind::Set { target, value })
        }
        "yield" => {
            b.left();
            Kind::Yield(group(b, node))
        }
        "await" => {
            b.left();
            return group(b, node);
        }
        "type" | "comment" | "lambda_parameters" => Kind::Constant,
        _ => return group(b, node),
    };
    b.add(kind, node)
}

fn entry(b: &mut Builder<'_>, pair: Node<'_>) -> (Option<ExprId>, ExprId) {
    let key = pair.child_by_field_name("key").map(|key| expr(b, key));
    let value = pair.child_by_field_name("value").unwrap_or(pair);
    (key, if value == pair { group(b, pair) } else { expr(b, value) })
}

fn comprehension<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let mut parts = Vec::new();
    for clause in children(node) {
        if clause.kind() == "for_in_clause" {
            let value = clause.child_by_field_name("right").map(|right| expr(b, right));
            let target = clause.child_by_field_name("left").map(|left| expr(b, left));
            let set = target.zip(value).map(|(target, value)| Kind::Set { target, value });
            parts.extend(set.map(|set| b.add(set, clause)));
        }
    }
    if let Some(body) = node.child_by_field_name("body") {
        let body = if body.kind() == "pair" { entry(b, body).1 } else { expr(b, body) };
        parts.push(body);
    }
    Kind::Group(parts)
}

/// A string is text, or text and what is put into it.
fn string<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let mut parts = Vec::new();
    let (mut start, mut end, mut interpolated) = (None, node.end_byte(), false);
    for child in children(node) {
        match child.kind() {
            "string_start" => {}
            "string_end" => end = child.start_byte(),
            "interpolation" => {
                interpolated = true;
                let value = child.child_by_field_name("expression").map(|value| expr(b, value));
                parts.extend(value);
            }
            _ => {
                start.get_or_insert(child.start_byte());
                let text = Kind::Text(Cow::Borrowed(b.text(child)));
                let text = b.add(text, child);
                parts.push(text);
            }
        }
    }
    if interpolated {
        return Kind::Join(parts);
    }
    let text = start.and_then(|start| b.unit.source.get(start..end)).unwrap_or("");
    Kind::Text(Cow::Borrowed(text))
}

fn binary<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let mut parts = Vec::new();
    let (mut at, mut joins) = (node, false);
    while at.kind() == "binary_operator" {
        let operator = at.child_by_field_name("operator").map_or("", |operator| b.text(operator));
        joins |= operator == "+";
        if operator == "%"
            && at.child_by_field_name("left").is_some_and(|left| left.kind().contains("string"))
        {
            joins = true;
        }
        parts.extend(at.child_by_field_name("right"));
        match at.child_by_field_name("left") {
            Some(left) => at = left,
            None => break,
        }
    }
    parts.push(at);
    parts.reverse();
    let parts = exprs(b, parts);
    if joins { Kind::Join(parts) } else { Kind::Group(parts) }
}

fn call<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Kind<'a> {
    let Some(function) = node.child_by_field_name("function") else { return Kind::Constant };
    let args = node.child_by_field_name("arguments");
    let mut lowered = Vec::new();
    match args {
        Some(args) if args.kind() == "argument_list" => {
            for arg in children(args) {
                let name = arg.child_by_field_name("name").filter(|_| arg.kind() == "keyword_argument");
                let value =
                    if name.is_some() { arg.child_by_field_name("value").unwrap_or(arg) } else { arg };
                let value = expr(b, value);
                lowered.push(Arg { name: name.map(|name| b.text(name)), value });
            }
        }
        Some(other) => lowered.push(Arg { name: None, value: expr(b, other) }),
        None => {}
    }
    let is_format = function.kind() == "attribute"
        && function
            .child_by_field_name("attribute")
            .is_some_and(|name| matches!(b.text(name), "format" | "format_map"));
    if is_format && let Some(template) = function.child_by_field_name("object") {
        // psycopg's own composition of queries quotes what is put in.
        let quotes = ["sql.SQL(", "SQL("].iter().any(|start| b.text(template).starts_with(start));
        let template = expr(b, template);
        if quotes {
            return Kind::Group(vec![template]);
        }
        return Kind::Join(
            std::iter::once(template).chain(lowered.into_iter().map(|arg| arg.value)).collect(),
        );
    }
    if ends_or_waits(b.text(function)) {
        b.left();
    }
    let target = expr(b, function);
    Kind::Call { target, args: lowered }
}

/// Tells whether a call ends the program or waits for something: a loop around it does not run hot for ever.
fn ends_or_waits(function: &str) -> bool {
    let name = function.rsplit('.').next().unwrap_or(function);
    name.contains("input")
        || matches!(
            name,
            "exit"
                | "_exit"
                | "quit"
                | "abort"
                | "sleep"
                | "wait"
                | "accept"
                | "recv"
                | "recvfrom"
                | "select"
                | "poll"
                | "input"
                | "readline"
                | "serve_forever"
                | "join"
                | "get_message"
                | "next"
                | "fail"
                | "error"
        )
}
