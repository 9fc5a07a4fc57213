//! Python.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Builder, children, fields};
use crate::unit::{Arg, ExprId, Function, Kind, Step};

/// Lowers the statements of a module or a block.
pub(super) fn block<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for child in children(node) {
        b.deeper(|b| statement(b, child, &mut steps), |_| ());
    }
    steps
}

fn field_block<'a>(b: &mut Builder<'a>, node: Node<'_>, name: &str) -> Vec<Step<'a>> {
    node.child_by_field_name(name).map(|body| block(b, body)).unwrap_or_default()
}

fn statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    match node.kind() {
        "expression_statement" => {
            children(node).into_iter().for_each(|child| expression_statement(b, child, steps))
        }
        "return_statement" => {
            let value = group(b, node);
            b.left();
            steps.extend([Step::Return(value), Step::Leave]);
        }
        "raise_statement" => {
            let value = group(b, node);
            b.left();
            steps.extend([Step::Eval(value), Step::Leave]);
        }
        "break_statement" => {
            b.broken_out();
            steps.push(Step::Leave);
        }
        "continue_statement" => steps.push(Step::Leave),
        "if_statement" => if_statement(b, node, steps),
        "while_statement" => {
            let condition = node.child_by_field_name("condition");
            let forever = condition.is_some_and(|c| matches!(b.text(c), "True" | "1"));
            if let Some(condition) = condition {
                let condition = expr(b, condition);
                steps.push(Step::Decide(condition));
            }
            b.branches += usize::from(!forever);
            steps.push(b.in_loop(forever, node.start_byte(), |b| field_block(b, node, "body")));
        }
        "for_statement" => {
            b.branches += 1;
            let value = node.child_by_field_name("right").map(|right| expr(b, right));
            let target = node.child_by_field_name("left").map(|left| expr(b, left));
            steps.push(b.in_loop(false, node.start_byte(), |b| {
                let set = target.zip(value).map(|(target, value)| Step::Set { target, value, adds: false });
                set.into_iter().chain(field_block(b, node, "body")).collect()
            }));
        }
        "try_statement" => try_statement(b, node, steps),
        "with_statement" => {
            let clauses = children(node).into_iter().filter(|child| child.kind() == "with_clause");
            for item in clauses.flat_map(children) {
                with_item(b, item, steps);
            }
            steps.extend(field_block(b, node, "body"));
        }
        "match_statement" => {
            let subject = node.child_by_field_name("subject").map(|subject| expr(b, subject));
            steps.extend(subject.map(Step::Eval));
            let cases = node.child_by_field_name("body").map(children).unwrap_or_default();
            let arms = cases.into_iter().map(|case| field_block(b, case, "consequence")).collect();
            let branch = b.branch(arms, false);
            steps.push(branch);
        }
        "function_definition" => function(b, node, Vec::new(), steps),
        "decorated_definition" => decorated(b, node, steps),
        "class_definition" => class(b, node, steps),
        "import_statement" | "import_from_statement" => import(b, node),
        "block" => steps.extend(block(b, node)),
        "pass_statement" | "global_statement" | "nonlocal_statement" | "future_import_statement" => {}
        _ => {
            let value = group(b, node);
            steps.push(Step::Eval(value));
        }
    }
}

fn expression_statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let adds = node.kind() == "augmented_assignment";
    if !adds && node.kind() != "assignment" {
        let value = expr(b, node);
        steps.push(if node.kind() == "yield" { Step::Return(value) } else { Step::Eval(value) });
        return;
    }
    let mut targets = Vec::new();
    let mut at = node;
    while matches!(at.kind(), "assignment" | "augmented_assignment") {
        targets.extend(at.child_by_field_name("left"));
        match at.child_by_field_name("right") {
            Some(right) => at = right,
            None => return,
        }
    }
    let value = expr(b, at);
    for target in targets {
        let target = expr(b, target);
        let value = if adds { b.add(Kind::Join(vec![target, value]), node) } else { value };
        steps.push(Step::Set { target, value, adds });
    }
}

fn if_statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let condition = node.child_by_field_name("condition");
    if let Some(condition) = condition {
        let condition = expr(b, condition);
        steps.push(Step::Decide(condition));
    }
    let first = field_block(b, node, "consequence");
    let leaves = matches!(first.last(), Some(Step::Leave));
    let mut arms = vec![first];
    let mut exhaustive = false;
    for other in fields(node, "alternative") {
        if other.kind() == "else_clause" {
            exhaustive = true;
            arms.push(field_block(b, other, "body"));
        } else {
            let condition = other.child_by_field_name("condition").map(|condition| expr(b, condition));
            let arm = condition.map(Step::Decide).into_iter().chain(field_block(b, other, "consequence"));
            arms.push(arm.collect());
        }
    }
    let branch = b.branch(arms, exhaustive);
    steps.push(branch);
    if leaves && let Some(condition) = condition {
        steps.extend(checked(b, condition));
    }
}

/// Returns what is known after `if x not in ALLOWED: return`.
fn checked<'a>(b: &Builder<'a>, condition: Node<'_>) -> Option<Step<'a>> {
    let text = b.text(condition);
    let tests = text.contains(" not in ") || text.starts_with("not ");
    let mut names = Vec::new();
    for node in children(condition).into_iter().flat_map(|child| children(child).into_iter().chain([child])) {
        if node.kind() == "identifier" {
            names.push(b.text(node));
        } else if node.kind() == "argument_list" {
            names.extend(children(node).into_iter().map(|argument| b.text(argument)));
        }
    }
    tests.then_some(Step::Checked(names))
}

fn try_statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    steps.extend(field_block(b, node, "body"));
    let (mut arms, mut last) = (Vec::new(), Vec::new());
    for clause in children(node) {
        match clause.kind() {
            "except_clause" | "except_group_clause" => {
                let blocks = children(clause).into_iter().filter(|child| child.kind() == "block");
                let arm = blocks.flat_map(|child| block(b, child)).collect();
                arms.push(arm);
            }
            "else_clause" | "finally_clause" => {
                let blocks = children(clause).into_iter().filter(|child| child.kind() == "block");
                last.extend(blocks.flat_map(|child| block(b, child)).collect::<Vec<_>>());
            }
            _ => {}
        }
    }
    let branch = b.branch(arms, false);
    steps.push(branch);
    steps.extend(last);
}

fn with_item<'a>(b: &mut Builder<'a>, item: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let Some(value) = item.child_by_field_name("value") else { return };
    if value.kind() != "as_pattern" {
        let value = expr(b, value);
        steps.push(Step::Eval(value));
        return;
    }
    let parts = children(value);
    if let [made, target] = parts.as_slice() {
        let value = expr(b, *made);
        let target = children(*target).first().copied().unwrap_or(*target);
        let target = expr(b, target);
        steps.push(Step::Set { target, value, adds: false });
    }
}

fn decorated<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let parts = children(node);
    let decorators = parts.iter().filter(|child| child.kind() == "decorator");
    let decorators: Vec<_> =
        decorators.filter_map(|d| children(*d).first().copied()).map(|d| expr(b, d)).collect();
    steps.extend(decorators.iter().map(|decorator| Step::Eval(*decorator)));
    let Some(definition) = node.child_by_field_name("definition") else { return };
    if definition.kind() == "class_definition" {
        class(b, definition, steps);
    } else {
        function(b, definition, decorators, steps);
    }
}

fn class<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let bases = node.child_by_field_name("superclasses").map(children).unwrap_or_default();
    let bases = bases.into_iter().filter(|base| base.kind() != "keyword_argument");
    let bases = bases.map(|base| expr(b, base)).collect();
    let outer = std::mem::replace(&mut b.bases, bases);
    steps.extend(field_block(b, node, "body"));
    b.bases = outer;
}

fn function<'a>(b: &mut Builder<'a>, node: Node<'_>, decorators: Vec<ExprId>, steps: &mut Vec<Step<'a>>) {
    let name = node.child_by_field_name("name").map_or("", |name| b.text(name));
    let id = b.function(node, name, |b, function| {
        function.decorators = decorators;
        fill(b, node, function);
        function.body = field_block(b, node, "body");
    });
    steps.push(Step::Define(id));
}

fn fill<'a>(b: &mut Builder<'a>, node: Node<'_>, function: &mut Function<'a>) {
    for parameter in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let named = parameter.child_by_field_name("name").or_else(|| children(parameter).first().copied());
        let name = match parameter.kind() {
            "identifier" => Some(parameter),
            "typed_parameter" => named.map(|one| {
                if one.kind() == "identifier" { one } else { children(one).first().copied().unwrap_or(one) }
            }),
            _ => named,
        };
        function.params.extend(name.map(|name| b.text(name)));
    }
}

fn import(b: &mut Builder<'_>, node: Node<'_>) {
    let module = node.child_by_field_name("module_name").map(|module| b.text(module).trim_start_matches('.'));
    for name in fields(node, "name") {
        let full = name.child_by_field_name("name").unwrap_or(name);
        let full = b.text(full);
        let alias = name.child_by_field_name("alias").map(|alias| b.text(alias));
        match (module, alias) {
            (Some(module), alias) => {
                let path = if module.is_empty() { full.to_owned() } else { format!("{module}.{full}") };
                b.unit.imports.insert(alias.unwrap_or(full), path);
            }
            (None, Some(alias)) => {
                b.unit.imports.insert(alias, full.to_owned());
            }
            (None, None) => {
                let first = full.split('.').next().unwrap_or(full);
                b.unit.imports.insert(first, first.to_owned());
            }
        }
    }
}

fn group<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let parts = children(node);
    if let [only] = parts.as_slice() {
        return expr(b, *only);
    }
    let parts = parts.into_iter().map(|part| expr(b, part)).collect();
    b.add(Kind::Group(parts), node)
}

fn expr<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
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
            function.body = value.map(Step::Return).into_iter().collect();
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
        let template = expr(b, template);
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
    matches!(
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
