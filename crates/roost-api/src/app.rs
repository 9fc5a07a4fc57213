use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use roost_core::Core;
use roost_http::Face;
use tokio::sync::Semaphore;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Options, account, agents, approvals, artifacts, chat, connections, docs, documents, envelope, gate,
    health, integrations, keys, knowledge, memory, openapi, pages, permissions, policies, runs, sandboxes,
    scans, secrets, skills, snapshots, swarms, triggers, usage, webhooks, workflows,
};

/// How many forms are taken at a time.
const FORMS_AT_ONCE: usize = 4;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) core: Core,
    pub(crate) chat_wait: Duration,
    pub(crate) recheck: Duration,
    /// How many forms are taken at a time: their files are held in memory.
    pub(crate) forms: Arc<Semaphore>,
}

/// Builds the native API over a core, with everything from `/health` to `/docs`.
///
/// It answers every path of the server that nobody else does; other faces are merged into it.
pub fn router(core: Core, options: Options) -> Router {
    let patient = options.chat_wait + options.http.deadline;
    let face = Face::new(core.clone(), options.http, envelope::error_body);
    let app = App {
        core,
        chat_wait: options.chat_wait,
        recheck: options.recheck,
        forms: Arc::new(Semaphore::new(FORMS_AT_ONCE)),
    };
    let (open, _) = open_routes().split_for_parts();
    let (guarded, _) = guarded_routes().split_for_parts();
    let (talking, _) = talking_routes().split_for_parts();
    let routes = face
        .guard(guarded)
        .merge(face.with_deadline(patient).guard(talking))
        .merge(face.open(open))
        .merge(docs::assets())
        .merge(people())
        .with_state(app);
    face.finish(routes)
}

/// Pages for people, each behind a link that is its own key.
fn people() -> Router<App> {
    Router::new()
        .route("/pages.css", get(pages::styles))
        .route("/forms/{token}", get(pages::shown_form).post(pages::answered_form))
        .route("/runs/{token}", get(pages::shown_run))
        .route("/artifacts/{token}", get(pages::shown_artifact))
        .route("/artifacts/{token}/raw", get(pages::raw_artifact))
}

/// Collects what the routes say of themselves.
pub(crate) fn documents() -> OpenApi {
    let all = OpenApiRouter::with_openapi(openapi::Frame::openapi());
    let all = all.merge(guarded_routes()).merge(talking_routes()).merge(open_routes());
    all.split_for_parts().1
}

/// Routes for everybody.
fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(openapi::document))
        .routes(routes!(docs::page))
        .routes(routes!(connections::callback))
        .routes(routes!(connections::open_link, connections::follow_link))
        .routes(routes!(workflows::workflow_schema))
        .routes(routes!(triggers::receive, triggers::answer))
}

/// Routes for whoever has a key.
fn guarded_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(account::get))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::get, agents::update, agents::replace, agents::delete))
        .routes(routes!(agents::start))
        .routes(routes!(agents::stop))
        .routes(routes!(agents::restart))
        .routes(routes!(agents::pause))
        .routes(routes!(agents::resume))
        .routes(routes!(agents::status))
        .routes(routes!(agents::logs))
        .routes(routes!(agents::stream_logs))
        .routes(routes!(chat::sessions, chat::begin_session))
        .routes(routes!(chat::cancel))
        .routes(routes!(chat::turn))
        .routes(routes!(chat::follow_session))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::get))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::deny))
        .routes(routes!(approvals::escalate))
        .routes(routes!(approvals::entries))
        .routes(routes!(documents::get_personality, documents::put_personality))
        .routes(routes!(documents::get_workflow, documents::put_workflow))
        .routes(routes!(documents::list_rules))
        .routes(routes!(documents::get_rule, documents::put_rule, documents::delete_rule))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::list_versions))
        .routes(routes!(documents::get_version))
        .routes(routes!(documents::diff_versions))
        .routes(routes!(documents::restore_version))
        .routes(routes!(connections::list))
        .routes(routes!(connections::revoke))
        .routes(routes!(connections::of_agent, connections::connect))
        .routes(routes!(connections::links))
        .routes(routes!(integrations::list))
        .routes(routes!(integrations::get, integrations::put, integrations::delete))
        .routes(routes!(integrations::put_client, integrations::delete_client))
        .routes(routes!(integrations::operations))
        .routes(routes!(gate::evaluate))
        .routes(routes!(gate::explain))
        .routes(routes!(gate::decisions))
        .routes(routes!(policies::get, policies::put))
        .routes(routes!(policies::versions))
        .routes(routes!(policies::version))
        .routes(routes!(policies::test))
        .routes(routes!(policies::suggestion))
        .routes(routes!(
            permissions::get,
            permissions::create,
            permissions::replace,
            permissions::patch,
            permissions::delete
        ))
        .routes(routes!(permissions::versions))
        .routes(routes!(scans::create))
        .routes(routes!(scans::get))
        .routes(routes!(secrets::list_secrets, secrets::put_secrets))
        .routes(routes!(secrets::bind_secret, secrets::unbind_secret))
        .routes(routes!(secrets::list_uses))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(knowledge::list, knowledge::delete))
        .routes(routes!(knowledge::ingest))
        .routes(routes!(knowledge::search))
        .routes(routes!(knowledge::status))
        .routes(routes!(knowledge::reembed))
        .routes(routes!(memory::memories, memory::forget_all))
        .routes(routes!(memory::forget))
        .routes(routes!(sandboxes::list, sandboxes::create))
        .routes(routes!(sandboxes::get, sandboxes::delete))
        .routes(routes!(sandboxes::get_run))
        .routes(routes!(swarms::list, swarms::create))
        .routes(routes!(swarms::get, swarms::update, swarms::delete))
        .routes(routes!(swarms::put_secrets))
        .routes(routes!(snapshots::get, snapshots::delete))
        .routes(routes!(skills::list, skills::create))
        .routes(routes!(skills::get, skills::replace, skills::delete))
        .routes(routes!(skills::file))
        .routes(routes!(skills::installed, skills::install))
        .routes(routes!(skills::update_installed, skills::uninstall))
        .routes(routes!(triggers::list))
        .routes(routes!(triggers::rotate))
        .routes(routes!(triggers::fire))
        .routes(routes!(usage::list))
        .routes(routes!(usage::of_agent))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(artifacts::list_artifacts))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(artifacts::download_artifact))
        .routes(routes!(artifacts::view_artifact))
        .routes(routes!(artifacts::link_artifact))
        .routes(routes!(runs::list_runs, runs::create_run))
        .routes(routes!(runs::get_run, runs::delete_run))
        .routes(routes!(runs::link_run))
        .routes(routes!(runs::answer_run))
        .routes(routes!(runs::upload_run_file))
        .routes(routes!(runs::get_run_file))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::rerun))
        .routes(routes!(runs::fork_run))
        .routes(routes!(runs::follow_run))
        .routes(routes!(workflows::get_config, workflows::put_config))
        .routes(routes!(workflows::config_versions))
        .routes(routes!(workflows::config_version))
        .routes(routes!(workflows::arm))
        .routes(routes!(workflows::disarm))
        .routes(routes!(workflows::pause_triggers))
}

/// Routes that may take as long as a turn does, a run of code, or copying a workspace.
fn talking_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(chat::history, chat::post))
        .routes(routes!(sandboxes::run))
        .routes(routes!(integrations::put_openapi))
        .routes(routes!(knowledge::upload))
        .routes(routes!(snapshots::list, snapshots::take))
        .routes(routes!(snapshots::restore))
        .routes(routes!(snapshots::diff))
        .routes(routes!(snapshots::fork))
}
