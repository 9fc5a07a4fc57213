use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use jiff::Timestamp;
use roost_core::{Core, Ctx, Error, Kind, Principal};
use roost_domain::secret::Secret;

use crate::context::credential;
use crate::request_id::{self, X_REQUEST_ID};
use crate::{Cors, Failure, Limiter, Limits, Standing};

/// Says how a face tells what went wrong: the body that goes with the failure's status.
pub type Shape = fn(&Failure) -> serde_json::Value;

/// What the server's owner can set for a face.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests a key may make on this face.
    pub limits: Limits,
    /// The longest body that is read, in bytes.
    pub body_limit: usize,
    /// How long a request may take until its answer begins.
    pub deadline: Duration,
    /// Which web pages of other origins may call.
    pub cors: Cors,
}

/// What a face puts around its routes. Cheap to clone; clones count requests together.
#[derive(Clone)]
pub struct Face {
    core: Core,
    shape: Shape,
    limiter: Arc<Limiter>,
    options: Arc<Options>,
}

/// What is known of a request before anybody knows who asks.
#[derive(Clone)]
struct Arrived {
    request_id: String,
    now: Timestamp,
}

/// The longest body that the request's face reads, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl Face {
    /// Makes a face.
    pub fn new(core: Core, options: Options, shape: Shape) -> Self {
        let limiter = Arc::new(Limiter::new(options.limits));
        Self { core, shape, limiter, options: Arc::new(options) }
    }

    /// Returns the same face with another deadline, for routes whose answer takes its time.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        let options = Options { deadline, ..(*self.options).clone() };
        Self { options: Arc::new(options), ..self.clone() }
    }

    /// Returns the same face with a count of its own, for routes that have another limit.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        let options = Options { limits, ..(*self.options).clone() };
        Self { limiter: Arc::new(Limiter::new(limits)), options: Arc::new(options), ..self.clone() }
    }

    /// Puts a door before routes: nobody without a key comes in, nobody too often, and none stays for longer than
    /// the deadline. Every answer from behind it, good or bad, says in `X-RateLimit-*` how its key stands.
    pub fn guard<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        routes.route_layer(from_fn_with_state(self.clone(), guard))
    }

    /// Lets everybody in to routes that need no key, none for longer than the deadline.
    pub fn open<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        routes.route_layer(from_fn_with_state(self.clone(), open))
    }

    /// Finishes a face's router: gives every request a name, answers unknown paths and methods, survives panics,
    /// and writes what went wrong in the face's shape. The last thing to be done to it.
    pub fn finish(&self, routes: Router) -> Router {
        let unknown_path = async || {
            Failure::new(StatusCode::NOT_FOUND, "route_not_found", "there is nothing at this path; see /docs")
        };
        self.finish_part(routes.fallback(unknown_path))
    }

    /// Finishes the router of a face that shares its paths with others: as [`Face::finish`], but unknown paths are
    /// left to whoever answers them all.
    pub fn finish_part(&self, routes: Router) -> Router {
        let unknown_method = async || {
            let message =
                "this path does not answer to this method; the header Allow names those it answers to";
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        };
        let routes = routes
            .method_not_allowed_fallback(unknown_method)
            .layer(from_fn_with_state(self.clone(), finish));
        match self.options.cors.layer() {
            Some(cors) => routes.layer(cors),
            None => routes,
        }
    }

    async fn authenticate(&self, key: &Secret, arrived: &Arrived) -> Result<(Ctx, Standing), Failure> {
        let principal = self.core.keys().authenticate(key).await?;
        let Principal::Key(key) = &principal else {
            return Err(Error::internal("a key led to the server's owner").into());
        };
        let standing = self.limiter.take(key.id, arrived.now);
        let ctx = Ctx {
            principal,
            request_id: arrived.request_id.clone(),
            now: arrived.now,
            deadline: arrived.now + self.options.deadline,
        };
        Ok((ctx, standing))
    }
}

async fn guard(State(face): State<Face>, mut request: Request, next: Next) -> Response {
    let arrived = request
        .extensions()
        .get::<Arrived>()
        .cloned()
        .unwrap_or_else(|| Arrived { request_id: face.core.request_id(), now: face.core.now() });
    let key = match credential(request.headers()) {
        Ok(key) => key,
        Err(failure) => return failure.into_response(),
    };
    let (ctx, standing) = match face.authenticate(&key, &arrived).await {
        Ok(known) => known,
        Err(failure) => return failure.into_response(),
    };
    let mut response = match standing.wait {
        Some(wait) => too_many(&standing, wait).into_response(),
        None => {
            request.extensions_mut().insert(ctx);
            request.extensions_mut().insert(BodyLimit(face.options.body_limit));
            match tokio::time::timeout(face.options.deadline, next.run(request)).await {
                Ok(response) => response,
                Err(_) => too_slow(face.options.deadline).into_response(),
            }
        }
    };
    let headers = response.headers_mut();
    let reset = standing.reset_at.as_second() + i64::from(standing.reset_at.subsec_nanosecond() > 0);
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), standing.limit.into());
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), standing.remaining.into());
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset.into());
    response
}

async fn open(State(face): State<Face>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(face.options.deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_slow(face.options.deadline).into_response(),
    }
}

fn too_many(standing: &Standing, wait: Duration) -> Failure {
    let message = format!(
        "this key has made its {} requests; the header Retry-After says when to ask again",
        standing.limit
    );
    Error::new(Kind::RateLimited, "rate_limited", message).retry_after(wait).into()
}

fn too_slow(deadline: Duration) -> Failure {
    let message =
        format!("the request took longer than {} s; what it asked for may still be done", deadline.as_secs());
    Error::new(Kind::Timeout, "deadline_exceeded", message).into()
}

async fn finish(State(face): State<Face>, mut request: Request, next: Next) -> Response {
    let given = request_id::given(request.headers()).map(str::to_owned);
    let request_id = given.unwrap_or_else(|| face.core.request_id());
    request.extensions_mut().insert(Arrived { request_id: request_id.clone(), now: face.core.now() });
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => Failure::from(Error::internal(panic_text(&*panic))).into_response(),
    };
    if let Some(failure) = response.extensions_mut().remove::<Arc<Failure>>() {
        failure.log(&request_id);
        response = told(&face, &failure, response);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Writes a failure in the face's shape, keeping the headers that the response has.
fn told(face: &Face, failure: &Failure, response: Response) -> Response {
    let body = (face.shape)(failure).to_string();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = failure.retry_after_seconds() {
        parts.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if failure.status() == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, body.into())
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("no message"))
}
