//! Shell commands: a command is a call, a pipe is an argument, a word is a text.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Builder, children, fields};
use crate::unit::{Arg, ExprId, Kind, Step};

/// Programs that run the program named after them.
const PREFIXES: [&str; 14] = [
    "sudo", "doas", "env", "nohup", "exec", "command", "time", "builtin", "xargs", "timeout", "setsid",
    "nice", "stdbuf", "busybox",
];

/// Lowers the commands of a script or a block.
pub(super) fn block<'a>(b: &mut Builder<'a>, node: Node<'_>) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for child in children(node) {
        b.deeper(|b| statement(b, child, &mut steps), |_| ());
    }
    steps
}

fn statement<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    match node.kind() {
        "if_statement" => {
            let arm = block(b, node);
            let branch = b.branch(vec![arm], false);
            steps.push(branch);
        }
        "case_statement" => {
            let arms = children(node).into_iter().filter(|child| child.kind() == "case_item");
            let arms = arms.map(|arm| block(b, arm)).collect();
            let branch = b.branch(arms, false);
            steps.push(branch);
        }
        "while_statement" | "for_statement" | "c_style_for_statement" => {
            let variable = node.child_by_field_name("variable");
            let values: Vec<_> = fields(node, "value").into_iter().map(|value| word(b, value)).collect();
            if let (Some(variable), false) = (variable, values.is_empty()) {
                let name = Kind::Name(b.text(variable));
                let target = b.add(name, variable);
                let value = b.add(Kind::Group(values), node);
                steps.push(Step::Set { target, value, adds: false });
            }
            let condition = node.child_by_field_name("condition");
            steps.push(b.in_loop(false, node.start_byte(), |b| {
                let mut inner = Vec::new();
                for part in condition.into_iter().chain(node.child_by_field_name("body")) {
                    b.deeper(|b| statement(b, part, &mut inner), |_| ());
                }
                inner
            }));
        }
        "function_definition" => {
            let name = node.child_by_field_name("name").map_or("", |name| b.text(name));
            let id = b.function(node, name, |b, function| {
                function.body =
                    node.child_by_field_name("body").map(|body| block(b, body)).unwrap_or_default();
            });
            steps.push(Step::Define(id));
        }
        "variable_assignment" => assign(b, node, steps),
        "declaration_command" | "variable_assignments" => {
            for part in children(node) {
                b.deeper(|b| statement(b, part, steps), |_| ());
            }
        }
        "list" | "program" | "compound_statement" | "subshell" | "do_group" | "else_clause"
        | "elif_clause" | "negated_command" | "test_command" => steps.extend(block(b, node)),
        "ERROR" => steps.extend(block(b, node)),
        _ => {
            let value = command(b, node, None);
            steps.push(Step::Eval(value));
            outputs(b, value, steps);
        }
    }
}

fn assign<'a>(b: &mut Builder<'a>, node: Node<'_>, steps: &mut Vec<Step<'a>>) {
    let (Some(name), Some(value)) = (node.child_by_field_name("name"), node.child_by_field_name("value"))
    else {
        return;
    };
    let target = Kind::Name(b.text(name));
    let target = b.add(target, name);
    let value = word(b, value);
    steps.push(Step::Set { target, value, adds: false });
}

/// What a command writes to a file is what that file holds from then on.
fn outputs<'a>(b: &mut Builder<'a>, value: ExprId, steps: &mut Vec<Step<'a>>) {
    let Kind::Call { target, args } = &b.unit.exprs[value].kind else { return };
    let Some(program) = b.unit.name(*target) else { return };
    let redirected = args.iter().filter(|arg| matches!(arg.name, Some(">" | ">>" | ">|" | "&>")));
    let mut files: Vec<ExprId> = redirected.map(|arg| arg.value).collect();
    let words: Vec<ExprId> = args.iter().filter(|arg| arg.name.is_none()).map(|arg| arg.value).collect();
    let flags: &[&str] = match program {
        "curl" => &["-o", "--output", "-Lo", "-sLo", "-fsSLo", "-sSLo", "-so", "-sSo", "-fsSo", "-fLo"],
        "wget" => &["-O", "--output-document", "-qO"],
        _ => &[],
    };
    for pair in words.windows(2) {
        if b.unit.literal(pair[0]).is_some_and(|flag| flags.contains(&flag)) {
            files.push(pair[1]);
        }
    }
    if program == "tee" {
        files.extend(
            words.iter().filter(|word| b.unit.literal(**word).is_some_and(|text| !text.starts_with('-'))),
        );
    }
    let plain_wget = program == "wget" && files.is_empty();
    let remote_name = program == "curl"
        && words.iter().any(|word| {
            b.unit
                .literal(*word)
                .is_some_and(|text| text.starts_with('-') && !text.starts_with("--") && text.contains('O'))
        });
    if plain_wget || remote_name {
        let urls: Vec<&'a str> =
            words.iter().map(|word| b.unit.text(*word)).filter(|text| text.contains("://")).collect();
        for url in urls {
            let name = url.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or(url);
            let (start, end) = (b.unit.exprs[value].start, b.unit.exprs[value].end);
            files.push(b.add_at(Kind::Text(Cow::Borrowed(name)), start, end));
        }
    }
    steps.extend(files.into_iter().map(|target| Step::Set { target, value, adds: false }));
}

/// Lowers a command, with what is piped into it.
fn command<'a>(b: &mut Builder<'a>, node: Node<'_>, input: Option<ExprId>) -> ExprId {
    b.deeper(|b| command_here(b, node, input), |b| b.add(Kind::Group(Vec::new()), node))
}

fn command_here<'a>(b: &mut Builder<'a>, node: Node<'_>, input: Option<ExprId>) -> ExprId {
    match node.kind() {
        "command" => simple(b, node, input, Vec::new()),
        "pipeline" => {
            let mut input = input;
            for part in children(node) {
                input = Some(command(b, part, input));
            }
            input.unwrap_or_else(|| b.add(Kind::Constant, node))
        }
        "redirected_statement" => redirected(b, node, input),
        "variable_assignment" => node
            .child_by_field_name("value")
            .map(|value| word(b, value))
            .unwrap_or_else(|| b.add(Kind::Constant, node)),
        "subshell"
        | "compound_statement"
        | "list"
        | "program"
        | "while_statement"
        | "for_statement"
        | "if_statement"
        | "do_group"
        | "negated_command"
        | "case_statement"
        | "case_item"
        | "function_definition" => {
            let parts: Vec<_> = children(node).into_iter().map(|part| command(b, part, input)).collect();
            b.add(Kind::Group(parts), node)
        }
        _ => word(b, node),
    }
}

fn redirected<'a>(b: &mut Builder<'a>, node: Node<'_>, input: Option<ExprId>) -> ExprId {
    let mut extra = Vec::new();
    let mut input = input;
    for redirect in children(node) {
        match redirect.kind() {
            "file_redirect" => {
                let text = b.text(redirect);
                let sign = text.trim_start_matches(|c: char| c.is_ascii_digit());
                let name =
                    [">>", "&>", ">|", ">&", ">", "<&", "<"].into_iter().find(|name| sign.starts_with(name));
                let target = redirect.child_by_field_name("destination").map(|target| word(b, target));
                extra.extend(name.zip(target).map(|(name, value)| Arg { name: Some(name), value }));
            }
            "heredoc_redirect" => {
                let body = children(redirect).into_iter().find(|child| child.kind() == "heredoc_body");
                input = body.map(|body| word(b, body)).or(input);
                for part in children(redirect) {
                    if matches!(part.kind(), "pipeline" | "command") {
                        return command(b, part, input);
                    }
                }
            }
            "herestring_redirect" => input = children(redirect).first().map(|text| word(b, *text)).or(input),
            _ => {}
        }
    }
    let Some(body) = node.child_by_field_name("body") else {
        let parts = extra.into_iter().map(|arg| arg.value).collect();
        return b.add(Kind::Group(parts), node);
    };
    match body.kind() {
        "command" => simple(b, body, input, extra),
        "pipeline" => {
            let parts = children(body);
            let mut piped = input;
            for (at, part) in parts.iter().enumerate() {
                let is_last = at + 1 == parts.len() && part.kind() == "command";
                piped = Some(if is_last {
                    simple(b, *part, piped, std::mem::take(&mut extra))
                } else {
                    command(b, *part, piped)
                });
            }
            piped.unwrap_or_else(|| b.add(Kind::Constant, node))
        }
        _ => {
            let value = command(b, body, input);
            let target = b.add(Kind::Name("{}"), body);
            let mut args = vec![Arg { name: Some("stdin"), value }];
            args.extend(extra);
            b.add(Kind::Call { target, args }, node)
        }
    }
}

/// Lowers one command with its words.
fn simple<'a>(b: &mut Builder<'a>, node: Node<'_>, input: Option<ExprId>, extra: Vec<Arg<'a>>) -> ExprId {
    let mut words = Vec::new();
    let mut args = extra;
    for part in children(node) {
        match part.kind() {
            "command_name" => words.extend(children(part)),
            "herestring_redirect" => {
                let value = children(part).first().map(|text| word(b, *text));
                args.extend(value.map(|value| Arg { name: Some("stdin"), value }));
            }
            "file_redirect" | "variable_assignment" => {}
            _ => words.push(part),
        }
    }
    let mut at = 0;
    while let Some(first) = words.get(at) {
        let name = b.text(*first);
        let is_prefix = PREFIXES.contains(&name.rsplit('/').next().unwrap_or(name));
        let mut next = at + 1;
        while words.get(next).is_some_and(|word| {
            let text = b.text(*word);
            text.starts_with('-') || text.contains('=') || text.starts_with(|c: char| c.is_ascii_digit())
        }) {
            next += 1;
        }
        if !is_prefix || words.get(next).is_none() || words[next].kind() != "word" {
            break;
        }
        at = next;
    }
    let Some(name) = words.get(at).copied() else { return b.add(Kind::Constant, node) };
    let program = b.text(name).trim_matches(['"', '\'']);
    let short = program.rsplit('/').next().unwrap_or(program);
    if program.contains('/') || program.contains('$') {
        let value = word(b, name);
        args.push(Arg { name: Some("program"), value });
    }
    let target = Kind::Name(short.trim_start_matches('\\'));
    let target = b.add(target, name);
    for one in words.into_iter().skip(at + 1) {
        let value = word(b, one);
        args.push(Arg { name: None, value });
    }
    args.extend(input.map(|value| Arg { name: Some("stdin"), value }));
    b.add(Kind::Call { target, args }, node)
}

fn word<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    b.deeper(|b| word_here(b, node), |b| b.add(Kind::Constant, node))
}

fn word_here<'a>(b: &mut Builder<'a>, node: Node<'_>) -> ExprId {
    let kind = match node.kind() {
        "word" | "number" => Kind::Text(Cow::Borrowed(b.text(node))),
        "raw_string" => Kind::Text(Cow::Borrowed(b.text(node).trim_matches('\''))),
        "ansi_c_string" => Kind::Text(Cow::Borrowed(b.text(node).trim_start_matches('$').trim_matches('\''))),
        "simple_expansion" | "expansion" => {
            let name = children(node).into_iter().find(|child| child.kind().ends_with("variable_name"));
            Kind::Name(name.map_or("", |name| b.text(name)))
        }
        "command_substitution" | "process_substitution" => {
            let parts: Vec<_> = children(node).into_iter().map(|part| command(b, part, None)).collect();
            Kind::Group(parts)
        }
        "string" | "concatenation" | "heredoc_body" | "array" | "translated_string" => {
            let parts = children(node);
            if parts
                .iter()
                .all(|part| matches!(part.kind(), "word" | "string_content" | "number" | "raw_string"))
            {
                let text = b.text(node).trim_matches('"');
                return b.add(Kind::Text(Cow::Borrowed(text)), node);
            }
            let parts = parts.into_iter().map(|part| word(b, part)).collect();
            Kind::Join(parts)
        }
        "string_content" | "heredoc_content" => Kind::Text(Cow::Borrowed(b.text(node))),
        "command" | "pipeline" | "redirected_statement" => return command(b, node, None),
        _ => {
            let parts = children(node);
            if parts.is_empty() {
                Kind::Text(Cow::Borrowed(b.text(node)))
            } else {
                Kind::Group(parts.into_iter().map(|part| word(b, part)).collect())
            }
        }
    };
    b.add(kind, node)
}
