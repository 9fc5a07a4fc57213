use proptest::prelude::*;
use serde_json::json;

use super::super::{ArtifactKind, Criterion, FieldKind, MissedFires, Step, StepId, StepKind, TriggerKind};
use super::*;

fn workflow(config: &Value) -> Workflow {
    Workflow::read(config).unwrap_or_else(|faults| panic!("{config}\n{faults}"))
}

/// Returns what is wrong with a configuration, one line for each.
fn wrong(config: &Value) -> Vec<String> {
    Configuration::read(config).unwrap_err().to_string().lines().map(str::to_owned).collect()
}

/// Returns what is wrong with a single step.
fn wrong_step(step: &Value) -> Vec<String> {
    wrong(&json!({"steps": [step]}))
}

fn ids(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.id.0.as_str()).collect()
}

#[test]
fn a_configuration_as_fullpilots_documents_name_its_parts_is_read() {
    let config = json!({
        "name": " Market research ",
        "description": "Finds out and reports",
        "model": "anthropic/claude-sonnet-4-6",
        "tags": ["sales"],
        "triggers": [
            {"type": "manual"},
            {"type": "cron", "cron": "0 9 * * mon", "timezone": "Europe/Berlin", "missed": "skip"},
            {"type": "webhook", "name": "orders"},
            {"type": "integration", "integration": "github", "event": "issue.opened"},
            {"type": "continuous", "delay_seconds": 30},
        ],
        "steps": [
            {
                "id": "research", "name": "Research", "type": "generate-text", "prompt": "Look at {{ input.topic }}",
                "outputs": ["summary", "sources"],
                "success_criteria": ["It names at least three sources", {"assert": "output.sources|length >= 3"}],
            },
            {
                "name": "Ask what matters", "type": "form", "inputs": ["summary", "topic", "research"],
                "fields": [
                    {"name": "focus", "label": "Focus", "type": "choice", "options": ["price", "quality"], "required": true},
                    {"name": "due_date", "type": "date"},
                ],
            },
            {"type": "generate-artifact", "name": "Report", "prompt": "Write a report", "integrations": ["slack"]},
        ],
        "integrations": ["notion"],
    });
    let read = Configuration::read(&config).unwrap();
    assert_eq!(read.name.as_deref(), Some("Market research"));
    assert_eq!(read.model.unwrap().as_str(), "anthropic/claude-sonnet-4-6");
    assert_eq!(read.tags, Some(vec!["sales".to_owned()]));
    let workflow = read.workflow;
    assert_eq!(workflow.integrations, ["notion", "github", "slack"], "whatever names a service needs it");
    let names: Vec<_> = workflow.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
    assert_eq!(names, ["manual", "cron", "orders", "integration", "continuous"]);
    let TriggerKind::Cron { missed: MissedFires::Skip, .. } = &workflow.triggers[1].kind else { panic!() };
    assert_eq!(workflow.triggers[4].kind, TriggerKind::Continuous { delay: Duration::from_secs(30) });
    assert_eq!(ids(&workflow.steps), ["research", "ask_what_matters", "report"]);
    let [research, ask, report] = workflow.steps.as_slice() else { panic!() };
    assert_eq!(research.output.as_ref().unwrap()["required"], json!(["summary", "sources"]));
    let [Criterion::Judged(_), Criterion::Assert(assert)] = research.success.as_slice() else { panic!() };
    assert_eq!(assert.0, "output.sources|length >= 3");
    let input = |name: &str| ask.inputs[name].0.as_str().unwrap();
    assert_eq!(input("summary"), "{{ steps.research.output.summary }}", "an output of an earlier step");
    assert_eq!(input("research"), "{{ steps.research.output }}", "an earlier step");
    assert_eq!(input("topic"), "{{ input.topic }}", "what the run is given");
    let StepKind::Form(form) = &ask.kind else { panic!() };
    assert_eq!(form.fields[1].label, "Due date", "a label is made of the name");
    assert!(matches!(&form.fields[0].kind, FieldKind::Choice { options } if options.len() == 2));
    let StepKind::GenerateArtifact { kind: ArtifactKind::Html, title, .. } = &report.kind else { panic!() };
    assert_eq!(title.0, json!("Report"));
}

#[test]
fn every_kind_of_step_is_read() {
    let config = json!({"steps": [
        {"type": "tool", "tool": "read_file", "arguments": {"path": "a"}},
        {"type": "http", "method": "post", "url": "https://example.com", "headers": {"X-A": "b"}, "body": {"a": 1}},
        {"type": "agent", "agent": "Helper", "task": "Do it"},
        {"type": "branch", "cases": [{"when": "input.a", "steps": [{"type": "wait", "until": "90s"}]}],
         "otherwise": [{"type": "wait", "seconds": 5}]},
        {"type": "for-each", "items": "{{ input.list }}", "item": "one", "at_once": 4,
         "steps": [{"type": "wait", "until": "2026-12-24T18:00:00Z"}]},
        {"type": "parallel", "branches": [[{"type": "wait", "until": "{{ input.when }}"}],
                                          {"steps": [{"type": "wait", "until": 1}]}]},
        {"type": "approve", "question": "Send it?", "expires_after": "2 days",
         "retry": {"attempts": 1}, "timeout": "PT2H", "needs": []},
    ]});
    let workflow = workflow(&config);
    assert_eq!(ids(&workflow.steps), ["tool", "http", "agent", "branch", "for_each", "parallel", "approve"]);
    let inner: Vec<_> = workflow.steps.iter().flat_map(Step::lists).flat_map(ids).collect();
    assert_eq!(inner, ["wait", "wait_2", "wait_3", "wait_4", "wait_5"], "ids are different over all lists");
    let [.., approve] = workflow.steps.as_slice() else { panic!() };
    assert_eq!(approve.timeout, Some(Duration::from_secs(7_200)));
    assert_eq!(approve.needs, Some(vec![]));
    assert_eq!((approve.retry.attempts, approve.retry.delay), (1, Duration::from_secs(1)));
    let tries: Vec<_> = workflow.steps.iter().map(|step| step.retry.attempts).collect();
    assert_eq!(tries, [1, 1, 1, 3, 3, 3, 1], "what acts on the world is done once where nothing is written");
    let StepKind::Approve { expires_after, .. } = approve.kind else { panic!() };
    assert_eq!(expires_after, Some(Duration::from_secs(2 * 86_400)));
    let StepKind::Http { method, .. } = &workflow.steps[1].kind else { panic!() };
    assert_eq!(method, "POST");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let config = json!({
        "nmae": "x",
        "model": "gpt",
        "triggers": [{"type": "corn", "cron": "* * * * *"}, {"type": "cron"}, {"type": "webhook", "url": "x"}],
        "steps": [
            {"type": "generate_text", "prompt": "x"},
            {"type": "generate-text"},
            {"type": "form", "fields": [
                {"name": "mail", "type": "e-mail"},
                {"name": "due date", "type": "date"},
                {"name": "colour", "type": "choice", "options": []},
                {"name": "code", "type": "text", "pattern": "(?=x)"},
                {"name": "n", "type": "number", "min": 2, "max": 1},
                {"name": "size", "type": "choice", "options": ["s", "m"], "default": "l"},
            ]},
            {"prompt": "x"},
            {"type": "wait", "until": "soon"},
            {"type": "tool", "tool": "t", "retry": {"attempts": 0}, "timeout": "1 month"},
            7,
        ],
    });
    assert_eq!(
        wrong(&config),
        [
            "nmae is not known here; did you mean name? the keys are $schema, name, description, model, tags, triggers, \
             steps, integrations, input_schema, output, budget_usd, timeout, timeout_seconds, concurrency",
            "triggers[0].type must be one of manual, webhook, cron, integration, continuous; did you mean cron?",
            "triggers[1].cron is required: five fields, such as \"0 9 * * mon-fri\"",
            "triggers[2].url is not known here; the keys are type, name, input, signed",
            "steps[0].type must be one of generate-text, generate-artifact, form, tool, http, agent, branch, for-each, \
             parallel, wait, approve; did you mean generate-text?",
            "steps[1].prompt is required: what the model is told",
            "steps[2].fields[0].type must be one of text, long-text, number, boolean, choice, multi-choice, date, email, \
             url, file; did you mean email?",
            "steps[2].fields[1].name must begin with a letter and hold letters, digits and _ only, such as due_date",
            "steps[2].fields[2].options must have at least one choice",
            "steps[2].fields[3].pattern is no regular expression that can be used; look-around and back-references cannot",
            "steps[2].fields[4] has a min of 2 above its max of 1",
            "steps[2].fields[5].default must be one of s, m",
            "steps[3].type is required: one of generate-text, generate-artifact, form, tool, http, agent, branch, \
             for-each, parallel, wait, approve",
            "steps[4].until must be a number of seconds or a text such as 90s, 5m, 2h, 1 day or PT2H",
            "steps[5].retry.attempts must be a whole number from 1 to 20",
            "steps[5].timeout must be a number of seconds or a text such as 90s, 5m, 2h, 1 day or PT2H",
            "steps[6] must be an object, not a number",
            "model is not right: \"gpt\" is not a model name; write provider/model, for example anthropic/claude-sonnet-4-6",
        ]
    );
}

#[test]
fn ids_are_different_and_a_step_needs_steps_of_its_own_list() {
    let wait = |id: &str, needs: &[&str]| json!({"id": id, "type": "wait", "until": 1, "needs": needs});
    let circle =
        json!({"steps": [wait("a", &["c"]), wait("b", &["a"]), wait("c", &["b"]), wait("d", &["c"])]});
    assert_eq!(
        wrong(&circle),
        ["steps[0].needs[0] makes a circle, so that none of them could begin: a → c → b → a"]
    );
    let own = json!({"steps": [wait("a", &["a"])]});
    assert_eq!(wrong(&own), ["steps[0].needs[0] names the step itself"]);
    let first = json!({"steps": [wait("a", &["b"]), {"id": "b", "type": "wait", "until": 1}]});
    assert_eq!(
        wrong(&first),
        ["steps[0].needs[0] makes a circle, so that none of them could begin: a → b → a"],
        "a step without needs comes after the one before it"
    );
    let inner = json!({"id": "all", "type": "parallel", "branches": [[wait("x", &["y"]), wait("a", &[])], [wait("y", &[])]]});
    let config = json!({"steps": [wait("a", &[]), wait("bee", &["be"]), inner]});
    assert_eq!(
        wrong(&config),
        [
            "steps[2].branches[0][1].id is a, as another step's is; ids are different, within other steps too",
            "steps[2].branches[0][0].needs[0] names y, which is in another list of steps; a step needs steps of its own \
             list",
            "steps[1].needs[0] names be, which is no step; it must be one of a, all",
        ]
    );
    let diamond = [wait("a", &["d"]), wait("b", &["d"]), wait("c", &["a", "b"]), wait("d", &[])];
    let needs = workflow(&json!({"steps": diamond})).steps[2].needs.clone();
    assert_eq!(
        needs,
        Some(vec![StepId("a".into()), StepId("b".into())]),
        "order in the list does not matter"
    );
}

#[test]
fn a_made_id_keeps_out_of_the_way_of_given_ones() {
    let config = json!({"steps": [
        {"name": "Ask", "type": "wait", "until": 1},
        {"name": "Größe: 3!", "type": "wait", "until": 1},
        {"name": "42", "type": "wait", "until": 1},
        {"id": "ask", "type": "wait", "until": 1},
    ]});
    assert_eq!(ids(&workflow(&config).steps), ["ask_2", "gr_e_3", "step_42", "ask"]);
}

#[test]
fn what_is_too_much_is_refused() {
    let wait = json!({"type": "wait", "until": 1});
    let many = json!({"steps": [{"type": "parallel", "branches": [vec![&wait; 150], vec![&wait; 50]]}]});
    assert_eq!(wrong(&many), ["steps[0].branches[1] makes 201 steps in all; at most 200 are allowed"]);
    let deep = (0..8).fold(wait, |inner, _| json!({"type": "parallel", "branches": [[inner]]}));
    let [fault] = wrong_step(&deep).try_into().unwrap();
    assert!(fault.ends_with("is a list of steps within 9 others; at most 8 are allowed"), "{fault}");
    let big = json!({"steps": [{"type": "generate-text", "prompt": "x".repeat(100_001)}]});
    assert_eq!(wrong(&big), ["steps[0].prompt has 100001 characters; at most 100000 are allowed"]);
    let huge = json!({"steps": [], "description": "x".repeat(MAX_BYTES)});
    assert_eq!(wrong(&huge), ["the workflow has more than 524288 bytes as JSON"]);
    assert_eq!(wrong(&json!({"steps": []})), ["steps must have at least one step"]);
    assert_eq!(wrong(&json!([])), ["the workflow must be an object, not a list"]);
    let faulty = vec![json!({"type": "x"}); 150];
    assert_eq!(wrong(&json!({"steps": faulty})).len(), Faults::MOST);
}

#[test]
fn steps_say_what_would_be_right() {
    for (step, expected) in [
        (json!({"type": "http", "url": "ftp://x"}), "steps[0].url must begin with https:// or http://"),
        (
            json!({"type": "http", "url": "https://x", "method": "FETCH"}),
            "steps[0].method must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        ),
        (
            json!({"type": "for-each", "items": "{{ input.a }}", "item": "steps", "steps": [{"type": "wait", "until": 1}]}),
            "steps[0] names its thing steps, which templates have already; use another name",
        ),
        (
            json!({"type": "generate-text", "prompt": "x", "success_criteria": [{"assert": "a", "judge": "b"}]}),
            "steps[0].success_criteria[0] must be a sentence to judge by, or have exactly one of assert (an expression \
             such as output.total > 0), schema (JSON Schema) and judge",
        ),
        (
            json!({"type": "generate-text", "prompt": "x", "outputs": "text"}),
            "steps[0].outputs must be a JSON Schema, such as {\"type\": \"object\", \"properties\": {}}",
        ),
        (
            json!({"type": "wait", "until": 1, "timeout": 1, "timeout_seconds": 1}),
            "steps[0].timeout_seconds says the same as timeout; leave one of them out",
        ),
        (
            json!({"id": "My-Step", "type": "wait", "until": 1}),
            "steps[0].id must begin with a lower-case letter and hold lower-case letters, digits and _ only, such as \
             my_step",
        ),
        (
            json!({"type": "wait", "until": 1, "a b": 1}),
            "steps[0][\"a b\"] is not known here; the keys are id, name, description, type, inputs, outputs, \
             success_criteria, needs, retry, timeout, timeout_seconds, integrations, until, seconds",
        ),
    ] {
        assert_eq!(wrong_step(&step), [expected]);
    }
}

#[test]
fn a_template_reads_what_is_done_before_it() {
    let text = |id: &str, prompt: &str| json!({"id": id, "type": "generate-text", "prompt": prompt});
    let form = json!({"id": "ask", "type": "form", "fields": [{"name": "focus"}]});
    let promising =
        json!({"id": "list", "type": "generate-text", "prompt": "x", "outputs": ["items", "total"]});
    let with =
        |step: Value| json!({"steps": [form, promising, step, {"id": "last", "type": "wait", "until": 1}]});
    for right in [
        text("a", "{{ steps.ask.output.focus }} {{ steps.list.output.total }} {{ input.x.y }} {{ run.id }}"),
        json!({"id": "a", "type": "for-each", "items": "{{ steps.list.output.items }}", "item": "one", "steps": [
            text("b", "{{ one.name }} {{ index }} {{ steps.ask.output }}"), text("c", "{{ steps.b.output }}"),
        ]}),
        json!({"id": "a", "type": "parallel", "branches": [[text("b", "{{ steps.list.output }}")]]}),
        json!({"id": "a", "type": "branch", "cases": [{"when": "steps.ask.output.focus == 'x'", "steps": [
            text("b", "x"), text("c", "{{ steps.b.output }}"),
        ]}]}),
        json!({"id": "a", "type": "generate-text", "prompt": "{{ inputs.what }}", "inputs": {"what": "{{ input }}"},
               "outputs": ["n"], "success_criteria": [{"assert": "output.n > 1 and inputs.what"}, "{{ output }} is good"]}),
        text("a", "{% for one in steps.list.output.items %}{{ one }}{{ loop.index }}{% endfor %}"),
    ] {
        workflow(&with(right));
    }
    for (step, expected) in [
        (
            text("a", "{{ steps.lost.output }}"),
            "steps[2].prompt reads steps.lost, which is no step; it must be one of a, \
            ask, last, list; did you mean last?",
        ),
        (
            text("a", "{{ steps.last.output }}"),
            "steps[2].prompt reads steps.last.output, and last is not done before a; \
            name it in needs, or put it before",
        ),
        (
            text("a", "{{ steps.a.output }}"),
            "steps[2].prompt reads steps.a.output, the output of the step itself",
        ),
        (
            text("a", "{{ steps.ask.output.fokus }}"),
            "steps[2].prompt reads fokus, which is none of the outputs of the step \
            ask; it must be one of focus; did you mean focus?",
        ),
        (
            text("a", "{{ steps.list.output.sum }}"),
            "steps[2].prompt reads sum, which is none of the outputs of the step \
            list; it must be one of items, total",
        ),
        (
            text("a", "{{ steps.ask.answer }}"),
            "steps[2].prompt reads steps.ask.answer; a step has an output alone: \
            steps.ask.output",
        ),
        (
            text("a", "{{ topic }}"),
            "steps[2].prompt reads topic, which is not seen here; it must be one of input, inputs, \
            steps, event, run",
        ),
        (
            text("a", "{{ inputs.topic }}"),
            "steps[2].prompt reads topic, and there are no inputs of this step",
        ),
        (
            json!({"id": "a", "type": "generate-text", "prompt": "x", "inputs": {"b": "{{ inputs.c }}"}}),
            "steps[2].inputs.b reads inputs, which is not seen here; it must be one of input, steps, event, run; did you \
            mean input?",
        ),
        (
            json!({"id": "a", "type": "generate-text", "prompt": "x", "outputs": ["n"],
                "success_criteria": [{"assert": "output.m > 1"}]}),
            "steps[2].success_criteria[0].assert reads m, which is none of the outputs of this step; it must be one of n",
        ),
        (
            json!({"id": "a", "type": "parallel", "branches": [[text("b", "x")], [text("c", "{{ steps.b.output }}")]]}),
            "steps[2].branches[1][0].prompt reads steps.b.output, and b is not done before c; name it in needs, or put it \
            before",
        ),
        (
            json!({"id": "a", "type": "tool", "tool": "t", "arguments": {"x": ["{{ 1 + }}"]}}),
            "steps[2].arguments.x[0] is no template: ",
        ),
    ] {
        let found = wrong(&with(step));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}\n{expected}");
    }
    let each = json!({"id": "each", "type": "for-each", "items": [1], "steps": [text("b", "x")]});
    let outside =
        json!({"steps": [each, text("c", "{{ steps.each.output }} {{ steps.b.output }} {{ item }}")]});
    assert_eq!(
        wrong(&outside),
        [
            "steps[1].prompt reads item, which is not seen here; it must be one of input, inputs, steps, event, run",
            "steps[1].prompt reads steps.b.output, and b is done for each thing of each; read steps.each.output, the list",
        ]
    );
    let closed = json!({
        "input_schema": {"type": "object", "properties": {"topic": {}}, "additionalProperties": false},
        "output": "{{ steps.a.output }} {{ steps.b.output }}",
        "triggers": [{"type": "webhook", "input": {"topic": "{{ event.body }} {{ input.x }}"}}],
        "steps": [text("a", "{{ input.topik }}")],
    });
    assert_eq!(
        wrong(&closed),
        [
            "triggers[0].input reads input, which is not seen here; it must be one of event",
            "steps[0].prompt reads topik, which is none of the properties of input_schema; it must be one of topic; did you \
         mean topic?",
            "output reads steps.b, which is no step; it must be one of a",
        ]
    );
}

#[test]
fn a_prompt_that_does_not_say_where_its_inputs_belong_has_them_below() {
    let steps = json!([
        {"id": "a", "type": "generate-text", "prompt": "Look"},
        {"id": "b", "type": "generate-text", "prompt": "Sum up", "inputs": ["a", "topic"]},
        {"id": "c", "type": "generate-text", "prompt": "Translate {{ inputs.a }}", "inputs": ["a", "topic"]},
        {"id": "d", "type": "generate-artifact", "prompt": "Report"},
        {"id": "e", "type": "generate-text", "prompt": "Say hello", "inputs": {}},
        {"id": "f", "type": "generate-text", "prompt": "Say {{ input.x }}"},
        {"id": "g", "type": "generate-text", "prompt": "Join", "needs": ["a", "d"]},
    ]);
    let prompts = workflow(&json!({"steps": steps})).steps.into_iter().map(|step| {
        let (StepKind::GenerateText { prompt, .. } | StepKind::GenerateArtifact { prompt, .. }) = step.kind
        else {
            panic!("{:?}", step.kind)
        };
        prompt.0
    });
    let prompts: Vec<_> = prompts.collect();
    let given = "{% if input %}\n\nWhat this was started with:\n{{ input }}{% endif %}";
    assert_eq!(
        prompts,
        [
            json!(format!("Look{given}")),
            json!("Sum up\n\na:\n{{ inputs.a }}\n\ntopic:\n{{ inputs.topic }}"),
            json!("Translate {{ inputs.a }}"),
            json!(format!("Report{given}\n\nWhat the step c came to:\n{{{{ steps.c.output }}}}")),
            json!("Say hello"),
            json!("Say {{ input.x }}"),
            json!(format!(
                "Join{given}\n\nWhat the step a came to:\n{{{{ steps.a.output }}}}\n\nWhat the step d \
            came to:\n{{{{ steps.d.output }}}}"
            )),
        ]
    );
}

#[test]
fn a_cron_that_never_fires_or_has_no_zone_is_refused() {
    let cron = |cron: &str, zone: &str| json!({"triggers": [{"type": "cron", "cron": cron, "timezone": zone}], "steps": [{"type": "wait", "until": 1}]});
    workflow(&cron("0 9 * * mon-fri", "Europe/Berlin"));
    for (config, expected) in [
        (cron("0 0 30 2 *", "UTC"), "triggers[0].cron is not right: \"0 0 30 2 *\" never fires"),
        (cron("0 9 * *", "UTC"), "triggers[0].cron is not right: a cron expression has five fields"),
        (cron("0 25 * * *", "UTC"), "triggers[0].cron is not right: \"25\" is no hour"),
        (
            cron("0 9 * * *", "Europe/Bern"),
            "triggers[0].timezone is not right: \"Europe/Bern\" is not a time zone",
        ),
    ] {
        let found = wrong(&config);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
    }
}

/// Words that configurations are made of, so that some come near to being right.
const WORDS: [&str; 27] = [
    "steps",
    "type",
    "id",
    "needs",
    "fields",
    "name",
    "options",
    "triggers",
    "prompt",
    "cases",
    "when",
    "branches",
    "items",
    "retry",
    "{{ steps.a.output.b }}",
    "{{ x",
    "inputs",
    "form",
    "generate-text",
    "parallel",
    "branch",
    "for-each",
    "wait",
    "until",
    "choice",
    "a",
    "$ ü\"]",
];

fn json_value() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(&WORDS[..]);
    let leaf = prop_oneof![
        4 => word().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn steps() -> impl Strategy<Value = Value> {
    prop::collection::vec(json_value(), 0..4).prop_map(|steps| json!({"steps": steps}))
}

/// Tells whether a path leads to something that is there, or to a key that could be.
fn leads_somewhere(config: &Value, path: &str) -> bool {
    let (mut at, mut rest) = (config, path);
    while !rest.is_empty() {
        let next = if let Some(quoted) = rest.strip_prefix("[\"") {
            let end = quoted.char_indices().scan(false, |escaped, (at, char)| {
                let ends = char == '"' && !*escaped;
                *escaped = char == '\\' && !*escaped;
                Some((at, ends))
            });
            let end = end.filter(|(_, ends)| *ends).map(|(at, _)| at).next().unwrap();
            let key: String = serde_json::from_str(&rest[1..end + 3]).unwrap();
            rest = &quoted[end + 2..];
            at.as_object().map(|map| map.get(&key))
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']').unwrap();
            rest = after;
            at.as_array().map(|list| list.get(number.parse::<usize>().unwrap()))
        } else {
            let word = rest.trim_start_matches('.');
            let end = word.find(['.', '[']).unwrap_or(word.len());
            let (key, after) = word.split_at(end);
            rest = after;
            at.as_object().map(|map| map.get(key))
        };
        match next {
            Some(Some(value)) => at = value,
            Some(None) => return rest.is_empty(),
            None => return false,
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_is_a_workflow_or_faults_whose_places_are_there(config in prop_oneof![json_value(), steps()]) {
        match Configuration::read(&config) {
            Ok(read) => prop_assert!(!read.workflow.steps.is_empty()),
            Err(faults) => {
                prop_assert!(!faults.all().is_empty());
                for fault in faults.all() {
                    prop_assert!(leads_somewhere(&config, &fault.path), "{} of {config}", fault.path);
                }
            }
        }
    }
}

#[test]
fn schemas_and_their_patterns_are_bounded() {
    let fault = |schema: Value| {
        let config = json!({"input_schema": schema, "steps": [{"type": "wait", "until": 1}]});
        Configuration::read(&config).map(|_| ()).unwrap_err().to_string()
    };
    let many: Vec<_> = (0..51).map(|n| json!({ "pattern": format!("^{n}$") })).collect();
    assert!(fault(json!({ "anyOf": many })).contains("input_schema may have 50 patterns"));
    let long = json!({"patternProperties": {"a".repeat(501): {"type": "string"}}});
    assert!(fault(long).contains("patterns of 500 bytes"));
    assert!(fault(json!({"description": "a".repeat(70_000)})).contains("65536 bytes"));
}
