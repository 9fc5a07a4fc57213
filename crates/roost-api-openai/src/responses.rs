//! **Source:** <https://developers.openai.com/api/reference/resources/responses>

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use roost_core::Core;
use roost_domain::id::ResponseId;
use roost_http::{Caller, Failure, Json, Segment};
use serde_json::{Value, json};

use crate::answering::{Answering, ended};
use crate::chat::{is_retry, with_session};

mod items;
mod object;
mod request;
mod stream;

use object::{About, Status};
use request::ResponseBody;

pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    headers: HeaderMap,
    Json(body): Json<ResponseBody>,
) -> Result<Response, Failure> {
    let asked = body.read(is_retry(&headers))?;
    let model = asked.ask.model.clone();
    let mut answering = Answering::new(core.conversations().ask(&ctx, asked.ask).await?);
    let session = answering.session;
    let id = match answering.response {
        Some(id) => id.to_string(),
        // Nobody can ask for it again, but it has a name all the same.
        None => format!("{}{}", ResponseId::PREFIX, answering.name),
    };
    let about = About { id, model, created_at: ctx.now.as_second(), echo: asked.echo };
    let response = if asked.streams {
        stream::send(about, answering)
    } else {
        let whole = answering.whole().await?;
        Answer(about.object(&Status::of(&whole.end), &whole.text, Some(&whole.end))).into_response()
    };
    Ok(with_session(response, session))
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ResponseId,)>,
) -> Result<Answer<Value>, Failure> {
    let kept = core.conversations().kept(&ctx, id).await?;
    let about = About {
        id: id.to_string(),
        model: kept.model,
        created_at: kept.response.created_at.as_second(),
        echo: kept.response.asked,
    };
    let text = &kept.answered.text;
    let object = match kept.answered.over.map(|over| ended(over, kept.answered.usage)) {
        None => about.object(&Status::InProgress, text, None),
        Some(Ok(end)) => about.object(&Status::of(&end), text, Some(&end)),
        Some(Err(failure)) => about.object(&Status::failed(&failure), text, None),
    };
    Ok(Answer(object))
}

pub(crate) async fn delete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ResponseId,)>,
) -> Result<Answer<Value>, Failure> {
    core.conversations().forget(&ctx, id).await?;
    Ok(Answer(json!({"id": id.to_string(), "object": "response", "deleted": true})))
}
