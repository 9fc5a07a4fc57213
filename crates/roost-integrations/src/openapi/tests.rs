use roost_domain::integration::{Media, Place, Placement, Style};
use serde_json::json;

use super::*;

fn described(document: &Value) -> Description {
    read(&"pets".parse().unwrap(), &document.to_string()).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "tests write documents where they are used")]
fn three(paths: Value, components: Value) -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": "Pets", "version": "1.2"},
        "servers": [{"url": "https://{region}.pets.example/v1/", "variables": {"region": {"default": "eu"}}}],
        "paths": paths, "components": components,
    })
}

fn operation<'a>(description: &'a Description, name: &str) -> &'a Operation {
    description.operations.iter().find(|one| one.name == name).unwrap_or_else(|| {
        let names: Vec<&str> = description.operations.iter().map(|one| one.name.as_str()).collect();
        panic!("{name} is not among {names:?}: {:?}", description.problems)
    })
}

#[test]
fn an_operation_takes_its_parameters_and_its_body_as_one_object() {
    let document = three(
        json!({
            "/pets/{pet-id}": {
                "parameters": [
                    {"name": "pet-id", "in": "path", "required": true, "schema": {"type": "integer"}},
                    {"$ref": "#/components/parameters/Trace"},
                ],
                "put": {
                    "operationId": "pets/Update-One", "summary": "Changes a pet\nand more", "tags": ["pets"],
                    "parameters": [
                        {"name": "filter[kind]", "in": "query", "style": "deepObject", "explode": true, "schema": {"type": "object"}},
                        {"name": "ids", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "integer"}}},
                        {"name": "q", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
                        {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                        {"name": "token", "in": "header", "required": true, "schema": {"type": "string"}},
                        {"name": "api_key", "in": "query", "required": true, "schema": {"type": "string"}},
                        {"name": "X-Trace", "in": "header", "required": true, "schema": {"type": "string"}, "description": "Ours."},
                    ],
                    "requestBody": {"$ref": "#/components/requestBodies/Pet"},
                }
            }
        }),
        json!({
            "securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}},
            "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}},
            "requestBodies": {"Pet": {"required": true, "content": {
                "application/xml": {"schema": {"type": "string"}},
                "application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Pet"}},
            }}},
            "schemas": {"Pet": {
                "type": "object", "required": ["name", "id", "name"],
                "properties": {
                    "id": {"type": "integer", "readOnly": true},
                    "name": {"type": "string", "nullable": true, "minLength": 1},
                    "age": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 40},
                    "kind": {"allOf": [{"$ref": "#/components/schemas/Kind"}], "nullable": true},
                    "odd": {"type": "string", "pattern": "(?<=a)b", "example": "b"},
                },
            }, "Kind": {"enum": ["cat", "cat", "dog"]}},
        }),
    );
    let description = described(&document);
    assert_eq!((description.title.as_str(), description.version.as_str()), ("Pets", "1.2"));
    assert_eq!(description.base.as_deref(), Some("https://eu.pets.example/v1"));
    let update = operation(&description, "pets_update_one");
    assert_eq!((update.method.as_str(), update.path.as_str()), ("PUT", "/pets/{pet-id}"));
    assert_eq!(update.summary, "Changes a pet");
    let places: Vec<_> =
        update.parameters.iter().map(|one| (one.argument.as_str(), one.place, one.style)).collect();
    assert_eq!(
        places,
        [
            ("pet-id", Place::Path, Style::Commas),
            ("filter_kind_", Place::Query, Style::Deep),
            ("ids", Place::Query, Style::Commas),
            ("q", Place::Query, Style::Json),
            ("X-Trace", Place::Header, Style::Commas),
        ]
    );
    let body = update.body.as_ref().unwrap();
    assert_eq!((body.media, body.content_type.as_str()), (Media::Json, "application/json; charset=utf-8"));
    assert_eq!(update.schema["required"], json!(["pet-id", "X-Trace", "body"]));
    assert_eq!(
        update.schema["properties"]["body"],
        json!({
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": ["string", "null"], "minLength": 1},
                "age": {"type": "number", "exclusiveMinimum": 0, "maximum": 40},
                "kind": {"anyOf": [{"allOf": [{"enum": ["cat", "dog"]}]}, {"type": "null"}]},
                "odd": {"type": "string"},
            },
        })
    );
}

#[test]
fn a_schema_that_holds_itself_ends_and_so_does_one_that_is_too_large() {
    let node = json!({"type": "object", "properties": {
        "left": {"$ref": "#/components/schemas/Node"}, "right": {"$ref": "#/components/schemas/Node"},
        "again": {"$ref": "#/components/schemas/Again"},
    }});
    let wide: Named = (0..2_000).map(|at| (format!("f{at}"), json!({"type": "string"}))).collect();
    let post = |schema: &str| json!({"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}}}});
    let document = three(
        json!({"/tree": post("Node"), "/wide": post("Wide"), "/circle": post("Again"), "/gone": post("Nothing")}),
        json!({"schemas": {"Node": node, "Wide": {"type": "object", "properties": wide, "required": ["f1999"]},
            "Again": {"$ref": "#/components/schemas/Again"}}}),
    );
    let description = described(&document);
    assert_eq!(description.operations.len(), 4);
    for one in &description.operations {
        assert!(one.schema.to_string().len() < 40_000, "{} is {}", one.name, one.schema.to_string().len());
    }
    let wide = &operation(&description, "post_wide").schema["properties"]["body"];
    assert_eq!((&wide["properties"]["f1999"], &wide["required"]), (&json!({}), &json!(["f1999"])));
    let tree = &operation(&description, "post_tree").schema["properties"]["body"];
    assert_eq!(
        tree["properties"]["left"]["properties"]["right"],
        json!({}),
        "a tree is written out twice at most"
    );
}

#[test]
fn what_cannot_be_sent_is_left_out_and_said() {
    let document = three(
        json!({
            "/good": {"get": {}},
            "/bad/{": {"get": {}},
            "/out": {"get": {"parameters": [{"$ref": "other.yaml#/x"}]}},
            "/item": {"$ref": "#/paths/~1nowhere"},
        }),
        json!({}),
    );
    let description = described(&document);
    assert_eq!(description.operations.len(), 1);
    assert_eq!(description.problems.len(), 3, "{:?}", description.problems);
    assert!(description.problems.iter().any(|one| one.contains("other.yaml#/x leads out of the document")));
}

#[test]
fn names_fit_are_unique_and_do_not_depend_on_the_order() {
    let long = "averyLongOperationIdThatGoesOnAndOnAndOnUntilNoToolCouldBeCalledLikeThatAnyMore";
    let paths = |first: &str, second: &str| {
        json!({
            first: {"get": {"operationId": "list"}}, second: {"get": {"operationId": "list"}},
            "/long": {"get": {"operationId": long}}, "/ünï/{x}": {"delete": {}},
        })
    };
    let names = |document: Value| -> BTreeMap<String, String> {
        described(&document).operations.into_iter().map(|one| (one.path, one.name)).collect()
    };
    let one = names(three(paths("/a", "/b"), json!({})));
    let two = names(three(paths("/b", "/a"), json!({})));
    assert_eq!(one, two);
    assert!(one["/a"].starts_with("list_") && one["/b"].starts_with("list_") && one["/a"] != one["/b"]);
    assert_eq!(one["/ünï/{x}"], "delete_n_x");
    for name in one.values() {
        let tool = format!("pets__{name}");
        assert!(
            tool.len() <= 64
                && tool
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        );
    }
}

#[test]
fn swagger_two_is_read_with_forms_and_definitions() {
    let yaml = r"
swagger: 2.0
info: {title: Old, version: '3'}
host: old.example
basePath: /api/
schemes: [http, https]
consumes: [application/json]
securityDefinitions:
  key: {type: apiKey, in: query, name: token}
paths:
  /files:
    post:
      operationId: upload
      consumes: [multipart/form-data]
      parameters:
        - {name: file, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string}
      responses: {200: {description: Done}}
  /items:
    get:
      parameters:
        - {name: ids, in: query, type: array, items: {type: integer}, collectionFormat: multi}
    post:
      parameters:
        - {name: item, in: body, required: true, schema: {$ref: '#/definitions/Item'}}
definitions:
  Item: {type: object, required: [name], properties: {name: {type: string}}}
";
    let description = read(&"old".parse().unwrap(), yaml).unwrap();
    assert_eq!(description.base.as_deref(), Some("https://old.example/api"));
    assert_eq!(description.placement, Some(Placement::Query { name: "token".into() }));
    let upload = operation(&description, "upload").body.as_ref().unwrap();
    assert_eq!((upload.media, upload.deep.as_slice()), (Media::Multipart, ["file".to_owned()].as_slice()));
    assert_eq!(operation(&description, "get_items").parameters[0].style, Style::Exploded);
    let post = operation(&description, "post_items");
    assert_eq!(post.schema["properties"]["body"]["required"], json!(["name"]));
}

#[test]
fn a_document_says_where_leave_is_asked_for() {
    let flows = json!({"authorizationCode": {"authorizationUrl": "https://a/auth", "tokenUrl": "https://a/token", "scopes": {"read": "", "write": ""}}});
    let schemes = json!({"securitySchemes": {"o": {"type": "oauth2", "flows": flows}, "k": {"type": "apiKey", "in": "header", "name": "X-K"}}});
    let description = described(&three(json!({"/a": {"get": {}}}), schemes));
    assert_eq!(description.placement, Some(Placement::bearer()));
    let (authorize, token, scopes) = description.oauth.unwrap();
    assert_eq!((authorize.as_str(), token.as_str(), scopes.len()), ("https://a/auth", "https://a/token", 2));
}

#[test]
fn what_is_no_document_is_refused_with_the_reason() {
    let refused = |text: &str| read(&"pets".parse().unwrap(), text).unwrap_err().to_string();
    for (text, why) in [
        ("{", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("hello", "no OpenAPI document"),
        (r#"{"openapi": "4.0.0", "paths": {}}"#, "OpenAPI 4.0.0 is not known"),
        (r#"{"openapi": "3.0.0"}"#, "no paths"),
        (r#"{"openapi": "3.0.0", "paths": {"/a": {}}}"#, "no operation"),
    ] {
        assert!(refused(text).contains(why), "{text}: {}", refused(text));
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let before = format!("*a{}", at - 1);
        bomb.push_str(&format!("a{at}: &a{at} [{}]\n", vec![before; 10].join(", ")));
    }
    assert!(refused(&bomb).contains("neither JSON nor YAML"), "aliases that grow without end");
}

#[test]
fn a_small_document_that_says_much_stays_small() {
    let many: Map<String, Value> = (0..2_000)
        .map(|number| (format!("field_{number}_{}", "x".repeat(100)), json!({"type": "string"})))
        .collect();
    let large: Vec<String> = (0..150).map(|number| format!("{number}{}", "y".repeat(5_000))).collect();
    let paths: Map<String, Value> = (0..1_000)
        .map(|number| (format!("/pets/{number}"), json!({"$ref": "#/components/pathItems/All"})))
        .collect();
    let methods = ["get", "put", "post", "delete"];
    let body = json!({"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/All"}}}}});
    let item: Map<String, Value> =
        methods.iter().map(|method| ((*method).to_owned(), body.clone())).collect();
    let one_of: Vec<Value> = (0..400).map(|_| json!({"$ref": "#/components/schemas/Large"})).collect();
    let document = three(
        Value::Object(paths),
        json!({
            "pathItems": {"All": item},
            "schemas": {
                "Large": {"enum": large, "const": "z".repeat(50_000)},
                "All": {"type": "object", "properties": many, "required": large, "oneOf": one_of, "additionalProperties": false},
            },
        }),
    );
    assert!(document.to_string().len() < 2_000_000);
    let read = described(&document);
    assert_eq!(read.operations.len(), 4_000);
    let sizes = read.operations.iter().map(|one| one.schema.to_string().len());
    assert!(sizes.clone().all(|size| size < 2 * 256 * 1024), "{:?}", sizes.max());
    let sum: usize = sizes.sum();
    assert!(sum < 2 * SCHEMAS_MAX_BYTES, "{sum}");
    // What was cut refuses nothing that the service would take.
    let body = &read.operations[0].schema["properties"]["body"];
    assert!(body.get("required").is_none() && body.get("additionalProperties").is_none(), "{body}");
}

#[test]
fn a_server_whose_variables_double_is_none() {
    let variables: Map<String, Value> = (0..40)
        .map(|at| (format!("v{at:02}"), json!({"default": format!("{{v{:02}}}{{v{:02}}}", at + 1, at + 1)})))
        .collect();
    let mut document = three(json!({"/pets": {"get": {"operationId": "pets"}}}), json!({}));
    document["servers"] = json!([{"url": "https://{v00}.example", "variables": variables}]);
    assert_eq!(described(&document).base, None);
}

#[test]
fn a_document_with_too_many_operations_is_refused_where_the_limit_is() {
    let paths: Map<String, Value> = (0..=MOST_OPERATIONS)
        .map(|number| (format!("/pets/{number}"), json!({"get": {"summary": "A pet"}})))
        .collect();
    let refused = read(&"pets".parse().unwrap(), &three(Value::Object(paths), json!({})).to_string());
    assert!(refused.unwrap_err().to_string().contains("more than 5000 operations"));
}
