//! OAuth 2, authorization code with PKCE, through the crate `oauth2` over our own client.
//!
//! **Source:** RFC 6749, RFC 7636, RFC 7009. Where services differ from them in ways that harm nobody, that is
//! mended in [`answer`].

use std::pin::Pin;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse as _, TokenUrl,
};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use roost_domain::integration::{ClientAuth, UrlTemplate};
use roost_domain::secret::Secret;
use roost_ports::integrations::{Ask, Error, OAuthClient, Tokens};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use self::answer::Answer;
use crate::client::{Answered, Client, Sent};

mod answer;

/// The largest answer of a token endpoint.
const ANSWER_CAP: usize = 256 * 1024;

type Made = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn filled(client: &OAuthClient, template: &UrlTemplate) -> Result<String, Error> {
    template.fill(&client.fields).map_err(Error::Field)
}

fn made(client: &OAuthClient) -> Result<Made, Error> {
    let wrong = |what: &str| Error::NoAnswer(format!("the {what} is no URL"));
    let authorize =
        AuthUrl::new(filled(client, &client.oauth.authorize)?).map_err(|_| wrong("authorization URL"))?;
    let token = TokenUrl::new(filled(client, &client.oauth.token)?).map_err(|_| wrong("token URL"))?;
    let redirect = RedirectUrl::new(client.redirect.clone()).map_err(|_| wrong("redirect URL"))?;
    let mut made = oauth2::Client::new(ClientId::new(client.id.clone()))
        .set_auth_uri(authorize)
        .set_token_uri(token)
        .set_redirect_uri(redirect)
        .set_auth_type(match client.oauth.client_auth {
            ClientAuth::Basic => AuthType::BasicAuth,
            ClientAuth::Body => AuthType::RequestBody,
        });
    if let Some(secret) = &client.secret {
        made = made.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(made)
}

pub(crate) fn authorization(client: &OAuthClient, ask: &Ask<'_>) -> Result<String, Error> {
    let made = made(client)?;
    let state = ask.state.to_owned();
    let mut request = made.authorize_url(move || CsrfToken::new(state));
    let oauth = &client.oauth;
    if oauth.separator == " " {
        request = request.add_scopes(ask.scopes.iter().cloned().map(Scope::new));
    } else if !ask.scopes.is_empty() {
        request = request.add_extra_param("scope", ask.scopes.join(&oauth.separator));
    }
    if let Some(verifier) = ask.verifier {
        let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    }
    for (name, value) in &oauth.authorize_parameters {
        request = request.add_extra_param(name.clone(), value.clone());
    }
    Ok(request.url().0.into())
}

pub(crate) async fn exchange(
    http: &Client,
    client: &OAuthClient,
    code: &Secret,
    verifier: Option<&Secret>,
    deadline: Instant,
) -> Result<Tokens, Error> {
    let made = made(client)?;
    let mut request = made.exchange_code(AuthorizationCode::new(code.expose().to_owned()));
    if let Some(verifier) = verifier {
        request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()));
    }
    let send = Sender { http, deadline };
    tokens(request.request_async(&send).await)
}

pub(crate) async fn refresh(
    http: &Client,
    client: &OAuthClient,
    refresh: &Secret,
    deadline: Instant,
) -> Result<Tokens, Error> {
    let made = made(client)?;
    let token = RefreshToken::new(refresh.expose().to_owned());
    let send = Sender { http, deadline };
    tokens(made.exchange_refresh_token(&token).request_async(&send).await).map_err(final_or_none)
}

/// Codes by which services say that a refresh token is over. The first is the standard's; the others are what services
/// say instead with status 200, as GitHub and Slack do.
const OVER: [&str; 3] = ["invalid_grant", "bad_refresh_token", "invalid_refresh_token"];

/// Leaves only those refusals that end a refresh token. All else may be another the next time: a client whose secret is
/// being replaced, a limit that was reached.
///
/// **Source:** RFC 6749, 5.2.
fn final_or_none(error: Error) -> Error {
    match error {
        Error::Refused { ref code, .. } if !OVER.contains(&code.as_str()) => {
            Error::NoAnswer(error.to_string())
        }
        Error::Refused { .. } | Error::NoAnswer(_) | Error::NotPublic { .. } | Error::Field(_) => error,
    }
}

/// Tells whether a token endpoint's status says yes or no, and not that it cannot say.
const fn is_answer(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 401)
}

/// Posts the token to where the service takes tokens back. Written by hand: `oauth2` speaks with no such place
/// without TLS, which a server on this very machine may not have.
pub(crate) async fn revoke(
    http: &Client,
    client: &OAuthClient,
    token: &Secret,
    deadline: Instant,
) -> Result<bool, Error> {
    let Some(revoke) = &client.oauth.revoke else { return Ok(false) };
    let url = Url::parse(&filled(client, revoke)?)
        .map_err(|_| Error::NoAnswer("the revocation URL is no URL".to_owned()))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let (ClientAuth::Basic, Some(secret)) = (client.oauth.client_auth, &client.secret) {
        headers.insert(AUTHORIZATION, basic(&client.id, secret)?);
    }
    let body = revocation(client, token).into_bytes();
    let sent = Sent { method: Method::POST, url, headers, body };
    let answered = http.send(sent, ANSWER_CAP, deadline).await?;
    match answered.status {
        200..=299 => Ok(true),
        status => Err(Error::Refused {
            code: code_of(&answered).unwrap_or_else(|| status.to_string()),
            detail: None,
        }),
    }
}

fn revocation(client: &OAuthClient, token: &Secret) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose());
    match (client.oauth.client_auth, &client.secret) {
        (ClientAuth::Basic, Some(_)) => {}
        (ClientAuth::Basic | ClientAuth::Body, None) => {
            form.append_pair("client_id", &client.id);
        }
        (ClientAuth::Body, Some(secret)) => {
            form.append_pair("client_id", &client.id).append_pair("client_secret", secret.expose());
        }
    }
    form.finish()
}

fn code_of(answered: &Answered) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&answered.body).ok()?;
    Some(cut(body.get("error")?.as_str()?, 100))
}

/// **Source:** RFC 6749, 2.3.1: both are form-encoded first.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret.expose()));
    let text = format!("Basic {}", base64(pair.as_bytes()));
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::NoAnswer("the client's secret cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Sends what `oauth2` made over our own client.
struct Sender<'a> {
    http: &'a Client,
    deadline: Instant,
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(self.http, request, self.deadline))
    }
}

async fn send(http: &Client, request: HttpRequest, deadline: Instant) -> Result<HttpResponse, Error> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string())
        .map_err(|_| Error::NoAnswer("the token URL is no URL".to_owned()))?;
    let sent = Sent { method: parts.method, url, headers: parts.headers, body };
    let answered = http.send(sent, ANSWER_CAP, deadline).await?;
    if !is_answer(answered.status) {
        let code = code_of(&answered).map(|code| format!(" ({code})")).unwrap_or_default();
        let problem = format!("the token endpoint answered {}{code}", answered.status);
        return Err(Error::NoAnswer(problem));
    }
    let mended = answer::mended(answered.status, answered.body);
    let mut response = http::Response::new(mended.body);
    *response.status_mut() =
        http::StatusCode::from_u16(mended.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn tokens(answered: Result<Answer, RequestTokenError<Error, BasicErrorResponse>>) -> Result<Tokens, Error> {
    let answer = answered.map_err(|error| match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(said) => Error::Refused {
            code: cut(said.error().as_ref(), 100),
            detail: said.error_description().map(|detail| cut(detail, 300)),
        },
        // What was answered is not repeated: it may hold a token.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::NoAnswer("the token endpoint answered with something that is no answer".to_owned())
        }
    })?;
    let scopes = answer.scopes().map(|all| all.iter().map(|scope| scope.as_str().to_owned()).collect());
    Ok(Tokens {
        access: Secret::new(answer.access_token().secret().clone()),
        refresh: answer.refresh_token().map(|token| Secret::new(token.secret().clone())),
        expires_in: answer.expires_in(),
        scopes,
    })
}

fn cut(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    plain.take(most).collect()
}

#[cfg(test)]
mod tests;
