//! Python.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Builder, children, fields};
use crate::unit::{ExprId, Function, Kind, Step};

mod expr;

use expr::{expr, group};

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

/// Returns what is known after `if x not in ALLOWED: return` and `if not is_allowed(x): return`.
fn checked<'a>(b: &Builder<'a>, condition: Node<'_>) -> Option<Step<'a>> {
    match condition.kind() {
        "comparison_operator" if b.text(condition).contains(" not in ") => {
            let tested = children(condition).first().copied()?;
            Some(Step::Checked(vec![b.text(tested)]))
        }
        "not_operator" => {
            let call =
                condition.child_by_field_name("argument").filter(|argument| argument.kind() == "call")?;
            let function = call.child_by_field_name("function").map_or("", |function| b.text(function));
            let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
            super::is_check(function)
                .then(|| Step::Checked(args.into_iter().map(|one| b.text(one)).collect()))
        }
        _ => None,
    }
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
        let body = field_block(b, node, "body");
        function.body.extend(body);
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
        if let (Some(name), Some(value)) = (name, parameter.child_by_field_name("value")) {
            let key = Kind::Text(Cow::Borrowed(b.text(name)));
            let key = b.add(key, name);
            let value = expr(b, value);
            let default = b.add(Kind::Dict(vec![(Some(key), value)]), parameter);
            function.body.push(Step::Eval(default));
        }
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
