use axum::http::Method;
use roost_domain::conversation::Message;
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Api, user};

/// A function tool of responses.
fn function() -> Value {
    json!({"type": "function", "name": "get_weather", "description": "Tells the weather.", "parameters": {"type": "object"}, "strict": true})
}

#[tokio::test]
async fn an_agent_and_a_model_respond_alike() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    for model in ["agent:Ada", "test/echo"] {
        let body = api.respond(json!({"model": model, "input": "hello", "instructions": "Be brief.", "metadata": {"a": "b"}})).await.ok();
        assert!(body["id"].as_str().unwrap().starts_with("resp_"), "{body}");
        assert_eq!(
            (&body["object"], &body["status"], &body["model"]),
            (&json!("response"), &json!("completed"), &json!(model))
        );
        let item = &body["output"][0];
        assert_eq!(
            (&item["type"], &item["role"], &item["status"]),
            (&json!("message"), &json!("assistant"), &json!("completed"))
        );
        assert_eq!(
            item["content"][0],
            json!({"type": "output_text", "text": "You said: hello", "annotations": [], "logprobs": []})
        );
        assert_eq!(
            (&body["usage"]["input_tokens"], &body["usage"]["output_tokens"]),
            (&json!(100), &json!(20))
        );
        assert_eq!(
            (&body["instructions"], &body["metadata"], &body["store"]),
            (&json!("Be brief."), &json!({"a": "b"}), &json!(true))
        );
        assert_eq!((&body["error"], &body["incomplete_details"]), (&Value::Null, &Value::Null));
        let kept = api.get(&format!("/v1/responses/{}", body["id"].as_str().unwrap())).await.ok();
        for key in ["id", "created_at", "status", "output", "usage", "instructions", "metadata", "tools"] {
            assert_eq!(kept[key], body[key], "{model} {key}");
        }
    }
}

#[tokio::test]
async fn a_conversation_goes_on_from_a_response_and_branches() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    for model in ["agent:Ada", "test/echo"] {
        let respond = async |input: &str, after: &Value| {
            api.respond(json!({"model": model, "input": input, "previous_response_id": after})).await
        };
        let one = respond("one", &Value::Null).await.ok();
        let two = respond("two", &one["id"]).await.ok();
        assert_eq!(two["previous_response_id"], one["id"]);
        let said = |text: &str| Message::Assistant { text: text.into(), calls: vec![] };
        let read = api.app.models.asked().pop().unwrap().messages;
        assert_eq!(
            read,
            [Message::User("one".into()), said("You said: one"), Message::User("two".into())],
            "{model}"
        );
        respond("other", &one["id"]).await.ok();
        let read = api.app.models.asked().pop().unwrap().messages;
        assert_eq!(
            read,
            [Message::User("one".into()), said("You said: one"), Message::User("other".into())],
            "{model}"
        );
        respond("three", &two["id"]).await.ok();
        assert_eq!(api.app.models.asked().pop().unwrap().messages.len(), 5, "{model}");
    }
}

#[tokio::test]
async fn what_is_not_stored_or_deleted_or_anothers_is_not_there() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let stranger = api.strangers_key().await;
    for model in ["agent:Ada", "test/echo"] {
        let unstored = api.respond(json!({"model": model, "input": "x", "store": false})).await.ok();
        let path = format!("/v1/responses/{}", unstored["id"].as_str().unwrap());
        api.get(&path).await.is_error(404, "not_found");
        let stored = api.respond(json!({"model": model, "input": "x"})).await.ok();
        let path = format!("/v1/responses/{}", stored["id"].as_str().unwrap());
        for method in [Method::GET, Method::DELETE] {
            api.with_key(&stranger, method, &path, None).await.is_error(404, "not_found");
        }
        let theirs = json!({"model": "test/echo", "input": "x", "previous_response_id": stored["id"]});
        let answer = api.with_key(&stranger, Method::POST, "/v1/responses", Some(theirs)).await;
        answer.is_error(400, "previous_response_not_found");
        assert_eq!(answer.json()["error"]["param"], "previous_response_id");
        let deleted = api.with_key(&api.key, Method::DELETE, &path, None).await.ok();
        assert_eq!(deleted, json!({"id": stored["id"], "object": "response", "deleted": true}));
        api.get(&path).await.is_error(404, "not_found");
        let after = json!({"model": model, "input": "x", "previous_response_id": stored["id"]});
        api.respond(after).await.is_error(400, "previous_response_not_found");
    }
}

#[tokio::test]
async fn an_answer_of_an_agent_goes_on_with_that_agent_only() {
    let api = Api::start().await;
    let ada = api.app.agent(json!({})).await;
    let other = api.app.agent_of("test/echo", json!({})).await.id;
    let agents = api.respond(json!({"model": format!("agent:{ada}"), "input": "x"})).await.ok();
    let models = api.respond(json!({"model": "test/echo", "input": "x"})).await.ok();
    for (model, after) in [
        ("test/echo".to_owned(), &agents["id"]),
        (format!("agent:{other}"), &agents["id"]),
        (format!("agent:{ada}"), &models["id"]),
    ] {
        let body = json!({"model": model, "input": "x", "previous_response_id": after});
        api.respond(body).await.is_invalid("previous_response_id");
    }
}

#[tokio::test]
async fn the_events_of_a_stream_come_in_the_documented_order() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    for model in ["agent:Ada", "test/echo"] {
        api.app.models.when("go", [Reply::Say(vec!["One", " two"])]);
        let answer = api.respond(json!({"model": model, "input": "go", "stream": true})).await;
        let events = answer.events();
        let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        kinds.dedup();
        assert_eq!(
            kinds,
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.completed",
            ],
            "{model}"
        );
        let numbers: Vec<u64> =
            events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
        let names: Vec<&str> = answer.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(names.len(), events.len());
        let done = &events.last().unwrap()["response"];
        assert_eq!(done["output"][0]["content"][0]["text"], "One two");
        assert_eq!(
            (&done["id"], &done["usage"]["total_tokens"]),
            (&events[0]["response"]["id"], &json!(120))
        );
        let kept = api.get(&format!("/v1/responses/{}", done["id"].as_str().unwrap())).await.ok();
        assert_eq!(kept["output"], done["output"]);
    }
}

#[tokio::test]
async fn functions_are_called_and_their_outputs_go_on() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    for model in ["agent:Ada", "test/echo"] {
        let wanted = || Reply::Use("Looking.", vec![("get_weather", json!({"city": "Paris"}))]);
        api.app.models.when(
            "weather?",
            [wanted(), Reply::Say(vec!["Sunny."]), wanted(), Reply::Say(vec!["Still sunny."])],
        );
        let first =
            api.respond(json!({"model": model, "input": "weather?", "tools": [function()]})).await.ok();
        assert_eq!(first["status"], "completed");
        let call = &first["output"][1];
        assert_eq!(
            (&call["type"], &call["name"], &call["arguments"]),
            (&json!("function_call"), &json!("get_weather"), &json!("{\"city\":\"Paris\"}"))
        );
        let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "24"});
        let second = api.respond(json!({"model": model, "input": [output], "previous_response_id": first["id"], "tools": [function()]})).await.ok();
        assert_eq!(second["output"][0]["content"][0]["text"], "Sunny.", "{model}");
        // The same without anything kept: the caller tells all of it.
        let body =
            json!({"model": model, "input": [user("weather?")], "tools": [function()], "store": false});
        let first = api.respond(body).await.ok();
        let mut input = vec![user("weather?")];
        input.extend(first["output"].as_array().unwrap().clone());
        input.push(
            json!({"type": "function_call_output", "call_id": first["output"][1]["call_id"], "output": "24"}),
        );
        let body = json!({"model": model, "input": input, "tools": [function()], "store": false});
        assert_eq!(
            api.respond(body).await.ok()["output"][0]["content"][0]["text"],
            "Still sunny.",
            "{model}"
        );
    }
}

#[tokio::test]
async fn a_streamed_function_call_has_its_events() {
    let api = Api::start().await;
    api.app.models.when("weather?", [Reply::Use("", vec![("get_weather", json!({"city": "Paris"}))])]);
    let body = json!({"model": "test/echo", "input": "weather?", "tools": [function()], "stream": true});
    let events = api.respond(body).await.events();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(events[3]["delta"], "{\"city\":\"Paris\"}");
}

#[tokio::test]
async fn a_stream_that_fails_says_so_and_so_does_what_is_kept() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    api.app.models.when("fail", [Reply::refused()]);
    let events = api.respond(json!({"model": "agent:Ada", "input": "fail", "stream": true})).await.events();
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(last["response"]["error"]["code"], "turn_failed");
    let kept = api.get(&format!("/v1/responses/{}", last["response"]["id"].as_str().unwrap())).await.ok();
    assert_eq!((&kept["status"], &kept["error"]["code"]), (&json!("failed"), &json!("turn_failed")));
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_by_name() {
    let api = Api::start().await;
    for (param, value) in [
        ("input", json!(7)),
        ("input[0].type", json!([{"type": "item_reference", "id": "x"}])),
        ("input[0].role", json!([{"role": "robot", "content": "x"}])),
        (
            "input[0].content[0].type",
            json!([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]),
        ),
        ("background", json!(true)),
        ("conversation", json!("conv_1")),
        ("prompt", json!({"id": "x"})),
        ("max_tool_calls", json!(1)),
        ("top_logprobs", json!(1)),
        ("truncation", json!("sometimes")),
        ("include", json!(["file_search_call.results"])),
        ("parallel_tool_calls", json!(false)),
        ("max_output_tokens", json!(0)),
        ("temperature", json!(9)),
        ("previous_response_id", json!("resp_1")),
        ("tools[0].type", json!([{"type": "web_search"}])),
    ] {
        let mut body = json!({"model": "test/echo", "input": "hi"});
        body[param.split(['.', '[']).next().unwrap()] = value;
        api.respond(body).await.is_invalid(param);
    }
    assert!(api.app.models.asked().is_empty());
}
