//! JavaScript and TypeScript.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Builder, children, fields};
use crate::unit::{Arg, ExprId, Function, Kind, Step};

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
    let args = argument.child_by_field_name("arguments").map(children).unwrap_or_default();
    Some(Step::Checked(args.into_iter().map(|arg| b.text(arg)).collect()))
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

fn group(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
    let parts = children(node);
    if let [only] = parts.as_slice() {
        return expr(b, *only);
    }
    let parts = exprs(b, parts);
    b.add(Kind::Group(parts), node)
}

fn expr(b: &mut Builder<'_>, node: Node<'_>) -> ExprId {
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
