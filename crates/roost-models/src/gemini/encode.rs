//! The neutral form to Gemini's.

use roost_domain::conversation::{Conversation, Format, Message, ToolChoice, Wishes};
use roost_domain::tool::ToolSpec;
use serde_json::{Value, json};

use super::signatures::{FOREIGN, Signatures, Walk};
use super::wire::{
    Content, FunctionCall, FunctionCallingConfig, FunctionDeclaration, FunctionResponse,
    GenerateContentRequest, GenerationConfig, Part, Tool, ToolConfig,
};
use crate::draft::object_arguments;
use crate::names;

/// Writes a request.
pub(crate) fn request(
    model: &str,
    conversation: &Conversation,
    signatures: &Signatures,
) -> GenerateContentRequest {
    GenerateContentRequest {
        system_instruction: (!conversation.system.is_empty())
            .then(|| Content { role: None, parts: vec![text_part(&conversation.system)] }),
        contents: contents(model, conversation, signatures),
        tools: tools(&conversation.tools),
        tool_config: None,
        generation_config: Some(GenerationConfig {
            max_output_tokens: Some(conversation.max_output.0),
            ..GenerationConfig::default()
        }),
    }
}

/// Adds what the caller wishes.
pub(crate) fn wish(request: &mut GenerateContentRequest, wishes: &Wishes) {
    let config = request.generation_config.get_or_insert_default();
    config.temperature = wishes.temperature;
    config.top_p = wishes.top_p;
    config.stop_sequences.clone_from(&wishes.stop);
    let json = || Some("application/json".to_owned());
    match &wishes.format {
        Format::Text => {}
        Format::JsonObject => config.response_mime_type = json(),
        Format::JsonSchema { schema, .. } => {
            config.response_mime_type = json();
            config.response_json_schema = Some(schema.clone());
        }
    }
    let (mode, allowed_function_names) = match &wishes.choice {
        ToolChoice::Auto => return,
        ToolChoice::None => ("NONE", Vec::new()),
        ToolChoice::Required => ("ANY", Vec::new()),
        ToolChoice::Named(tool) => ("ANY", vec![tool.clone()]),
    };
    let function_calling_config = FunctionCallingConfig { mode: mode.to_owned(), allowed_function_names };
    request.tool_config = Some(ToolConfig { function_calling_config });
}

fn tools(specs: &[ToolSpec]) -> Vec<Tool> {
    if specs.is_empty() {
        return Vec::new();
    }
    let function_declarations = specs
        .iter()
        .map(|spec| FunctionDeclaration {
            name: spec.name.clone(),
            description: spec.description.clone(),
            parameters_json_schema: schema(&spec.parameters),
        })
        .collect();
    vec![Tool { function_declarations }]
}

/// `parametersJsonSchema` takes JSON Schema as it is, except for the keys that say which edition it is.
fn schema(parameters: &Value) -> Value {
    let mut schema = parameters.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("$id");
    }
    schema
}

/// The results of one answer's calls go into one content, as the API asks.
fn contents(model: &str, conversation: &Conversation, signatures: &Signatures) -> Vec<Content> {
    let mut walk = Walk::new(model, &conversation.system);
    let mut written: Vec<Content> = Vec::with_capacity(conversation.messages.len());
    let mut results: Vec<Part> = Vec::new();
    for message in &conversation.messages {
        if let Message::ToolResult { call, tool, text, is_error } = message {
            results.push(result_part(call.as_str(), tool, text, *is_error));
        } else {
            push(&mut written, "user", std::mem::take(&mut results));
        }
        match message {
            Message::User(text) => push(&mut written, "user", vec![text_part(text)]),
            Message::Assistant { text, calls } => {
                let mut signed = signatures.find(walk.place()).unwrap_or_default().into_iter();
                let mut parts = Vec::with_capacity(calls.len() + 1);
                if !text.is_empty() {
                    parts.push(text_part(text));
                }
                for (place, call) in calls.iter().enumerate() {
                    let signature = signed.next().flatten();
                    parts.push(Part {
                        thought_signature: signature.or_else(|| foreign(model, place, &parts)),
                        function_call: Some(FunctionCall {
                            id: Some(names::call_id(call.id.as_str())),
                            name: names::tool(&call.tool),
                            args: object_arguments(&call.arguments),
                        }),
                        ..Part::default()
                    });
                }
                push(&mut written, "model", parts);
            }
            Message::ToolResult { .. } => {}
        }
        walk.step(message);
    }
    push(&mut written, "user", results);
    written
}

/// Models before Gemini 3 take calls without signatures; later ones want one on the first call of an answer.
fn foreign(model: &str, place: usize, before: &[Part]) -> Option<String> {
    let wants = !["gemini-1", "gemini-2", "gemma"].iter().any(|old| model.starts_with(old));
    let signed = before.iter().any(|part| part.thought_signature.is_some());
    (wants && place == 0 && !signed).then(|| FOREIGN.to_owned())
}

fn push(written: &mut Vec<Content>, role: &str, parts: Vec<Part>) {
    if !parts.is_empty() {
        written.push(Content { role: Some(role.to_owned()), parts });
    }
}

fn text_part(text: &str) -> Part {
    Part { text: Some(text.to_owned()), ..Part::default() }
}

fn result_part(call: &str, tool: &str, text: &str, is_error: bool) -> Part {
    let response = if is_error { json!({ "error": text }) } else { json!({ "output": text }) };
    Part {
        function_response: Some(FunctionResponse {
            id: Some(names::call_id(call)),
            name: names::tool(tool),
            response,
        }),
        ..Part::default()
    }
}
