use serde_json::json;

use super::*;

fn scope() -> Scope {
    let mut scope = Scope::new()
        .with(
            "input",
            json!({ "topic": "owls", "count": 3, "big": u64::MAX, "half": 0.5, "list": [1, "two", null] }),
        )
        .with("index", json!(2));
    scope.set_output(&StepId("research".to_owned()), json!({ "title": "On owls", "tags": ["a", "b"] }));
    scope
}

fn render(value: Value) -> Result<Value, Problem> {
    Template(value).render(&scope())
}

fn problem(value: Value) -> String {
    render(value).unwrap_err().message
}

#[test]
fn a_text_that_is_one_expression_has_the_type_of_what_it_comes_to() {
    assert_eq!(render(json!("{{ input.count }}")).unwrap(), json!(3));
    assert_eq!(render(json!(" {{- input.list -}}\n")).unwrap(), json!([1, "two", null]));
    assert_eq!(
        render(json!("{{ steps.research.output }}")).unwrap(),
        json!({ "title": "On owls", "tags": ["a", "b"] })
    );
    assert_eq!(render(json!("{{ input.big }}")).unwrap(), json!(u64::MAX));
    assert_eq!(render(json!("{{ input.half * 3 }}")).unwrap(), json!(1.5));
    assert_eq!(render(json!("{{ {'a': {'b': index}} }}")).unwrap(), json!({ "a": { "b": 2 } }));
    assert_eq!(render(json!("{{ input.count > 2 and 'x' in ['x'] }}")).unwrap(), json!(true));
}

#[test]
fn any_other_text_stays_a_text() {
    assert_eq!(render(json!("About {{ input.topic }}")).unwrap(), json!("About owls"));
    assert_eq!(render(json!("{{ input.count }}{{ input.count }}")).unwrap(), json!("33"));
    assert_eq!(render(json!("no template")).unwrap(), json!("no template"));
    assert_eq!(
        render(json!("{% for tag in steps.research.output.tags %}{{ loop.index }}{{ tag }} {% endfor %}"))
            .unwrap(),
        json!("1a 2b ")
    );
}

#[test]
fn lists_and_objects_in_a_text_are_json_and_nothing_is_escaped_for_pages() {
    assert_eq!(render(json!("see {{ input.list }} <b>")).unwrap(), json!("see [1,\"two\",null] <b>"));
    assert_eq!(render(json!("{{ '<' }}{{ '<a>'|tojson }}")).unwrap(), json!("<\"<a>\""));
}

#[test]
fn every_text_of_a_value_is_filled_in_and_names_are_not() {
    let value = json!({ "{{x}}": [{ "q": "{{ input.topic }}" }, 7, null, true] });
    assert_eq!(render(value).unwrap(), json!({ "{{x}}": [{ "q": "owls" }, 7, null, true] }));
}

#[test]
fn what_is_not_there_is_an_error_unless_a_default_is_given() {
    for text in
        ["{{ input.nothing }}", "x {{ input.nothing }}", "{{ nothing.at.all }}", "{{ steps.draft.output }}"]
    {
        let message = problem(json!(text));
        assert!(message.contains("not there") && message.contains(text), "{message}");
    }
    assert_eq!(render(json!("{{ input.nothing|default('none') }}")).unwrap(), json!("none"));
}

#[test]
fn a_template_can_neither_take_long_nor_make_much() {
    let doubling =
        format!("{{% set x = 'aaaaaaaaaaaaaaaa' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(60));
    let sharing = format!("{{% set x = 'aaaa' %}}{}{{{{ x }}}}", "{% set x = [x, x] %}".repeat(40));
    let deep = format!("{{% set x = 1 %}}{}{{{{ x }}}}", "{% set x = [x] %}".repeat(3_000));
    for text in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}",
        "{{ 'a' * 90000000 }}",
        "{{ ('a' * 10000)|replace('a', 'a' * 10000)|length }}",
        &doubling,
        &sharing,
        &deep,
    ] {
        assert!(render(json!(text)).is_err(), "{}", &text[..60]);
    }
    let large = Scope::new().with("input", json!("a".repeat(400_000)));
    assert!(Template(json!(["{{ input }}", "{{ input }}"])).render(&large).is_ok());
    let message =
        Template(json!(["{{ input }}", "{{ input }}", "{{ input }}"])).render(&large).unwrap_err().message;
    assert!(message.contains("1 MiB"), "{message}");
    assert!(problem(json!(format!("{{{{ 1 }}}}{}", " ".repeat(70_000)))).contains("65536 bytes"));
}

#[test]
fn there_is_no_way_out_of_a_template() {
    for text in [
        "{% include 'a' %}",
        "{% extends 'a' %}",
        "{% macro a() %}{% endmacro %}",
        "{{ namespace() }}",
        "{{ debug() }}",
    ] {
        assert!(render(json!(text)).is_err(), "{text}");
    }
}

#[test]
fn an_expression_holds_or_does_not() {
    let holds = |text: &str| Expression(text.to_owned()).holds(&scope());
    assert!(holds("steps.research.output.tags|length == 2").unwrap());
    assert!(!holds("input.count > 7").unwrap());
    assert!(holds("input.nothing is undefined").unwrap());
    assert!(holds("input.nothing").is_err());
    assert!(holds("input.nothing > 3").is_err());
    assert!(holds("this is no expression").is_err());
}

#[test]
fn the_names_that_a_template_reads_are_known_beforehand() {
    let template = Template(json!({
        "a": "{{ steps.research.output.title }} and {{ input['topic'] }}",
        "b": ["{% for tag in steps.research.output.tags %}{{ tag }}{{ loop.index }}{{ range(3) }}{% endfor %}"],
        "c": "{{ inputs.count + 1 }}",
    }));
    let names: Vec<String> = template.names().unwrap().into_iter().collect();
    insta::assert_debug_snapshot!(names);
    let names = Expression("output.score > input.least".to_owned()).names().unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["input.least", "output.score"]);
}

#[test]
fn what_is_no_template_is_told_with_its_place() {
    let fault = Template(json!({ "headers": ["ok", { "accept": "{{ input. }}" }] })).names().unwrap_err();
    assert_eq!(fault.path, ".headers[1].accept");
    let fault = Template(json!("{% if x %}")).names().unwrap_err();
    assert_eq!(fault.path, "");
    assert!(Expression("1 +".to_owned()).names().is_err());
}

#[test]
fn a_secret_is_named_and_never_shown() {
    assert_eq!(render(json!("Bearer {{ secret('token') }}")).unwrap(), json!("Bearer {{secret:token}}"));
    assert!(Template(json!("{{ secret('token') }}")).names().unwrap().is_empty());
}

#[test]
fn the_texts_of_one_template_share_what_it_may_do() {
    let loops = "{% for one in range(9000) %}{% if one %}{% endif %}{% endfor %}";
    Template(json!([loops])).render(&Scope::new()).expect("one such text is within what a template may do");
    let problem = Template(json!(vec![loops; 60])).render(&Scope::new()).unwrap_err();
    assert!(problem.message.contains("does or makes too much"), "{problem:?}");
    let problem = Template(json!(vec!["{{ 1 }}"; 1_001])).render(&Scope::new()).unwrap_err();
    assert!(problem.message.contains("1001 texts"), "{problem:?}");
    Template(json!(vec!["{{ 1 }}"; 1_000])).render(&Scope::new()).expect("each may do a little");
}
