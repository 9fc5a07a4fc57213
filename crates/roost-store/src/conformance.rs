//! What every backend of the store promises. A backend runs all of it by naming a function that makes an empty
//! store: `conformance!(make)` becomes one test per promise.

use std::sync::Arc;

use jiff::Timestamp;
use roost_domain::account::Account;
use roost_domain::agent::{Agent, Region, State};
use roost_domain::id::{AccountId, AgentId, SessionId, TurnId};
use roost_domain::machine::Size;
use roost_domain::session::{Channel, Peer, Session};
use roost_ports::random::Id;
use roost_ports::store::{Error, Reader, Store, Turn, TurnPhase, Writer};
use uuid::Uuid;

pub(crate) mod account;
pub(crate) mod agent;
pub(crate) mod approval;
pub(crate) mod artifact;
pub(crate) mod connection;
pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod guard;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod knowledge;
pub(crate) mod response;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod skill;
pub(crate) mod snapshot;
pub(crate) mod transaction;
pub(crate) mod trigger;
pub(crate) mod turn;
pub(crate) mod usage;
pub(crate) mod webhook;
pub(crate) mod workflow;

macro_rules! conformance {
    ($make:path) => {
        $crate::conformance::cases! { $make;
            account {
                accounts_are_found_by_id_and_the_oldest_is_first,
                an_accounts_plan_is_chosen_and_taken_back,
                an_id_is_taken_once,
            }
            agent {
                an_agent_reads_back_as_it_was_written,
                another_accounts_agents_are_not_found,
                paging_visits_each_agent_once_while_others_are_added,
                filters_narrow_the_list_and_its_total,
                agents_are_found_by_their_whole_name_alone,
                updating_an_agent_that_is_not_there_fails,
                deleting_an_agent_removes_everything_of_it_and_nothing_of_others,
                a_deleted_agents_id_is_never_used_again,
                agents_that_are_up_are_found_by_region,
            }
            approval {
                an_approval_reads_back_as_it_was_written_and_decided,
                approvals_are_listed_newest_first_within_their_account,
                only_pending_approvals_are_overdue,
                the_record_of_approvals_is_listed_newest_first_by_what_is_asked_for,
            }
            artifact {
                an_artifact_reads_back_in_its_account_and_agent_alone,
                versions_of_a_title_are_different,
                artifacts_are_listed_newest_first_and_filtered,
                files_are_found_in_their_run_and_counted_by_form,
                what_a_run_made_and_was_given_goes_with_it,
            }
            connection {
                a_connection_reads_back_and_there_is_one_to_each_service,
                connections_are_listed_newest_first_within_their_account,
                a_renewal_is_leased_by_one_at_a_time,
                leave_that_was_asked_for_is_used_once_and_forgotten,
                clients_and_own_integrations_are_of_one_account,
                a_description_replaces_the_one_before,
                connections_go_with_their_agent,
            }
            document {
                every_version_of_a_document_is_kept_and_the_latest_is_the_document,
                a_session_sees_documents_as_they_were_when_it_or_its_agent_began,
                versions_are_listed_latest_first_and_bounded,
                a_deletion_is_a_version_and_few_deleted_documents_are_kept,
            }
            event {
                offsets_have_no_gaps_with_many_writers_at_once,
                every_kind_of_event_reads_back,
                events_are_read_after_an_offset_and_from_the_end,
                the_agents_log_is_ordered_over_its_sessions,
                messages_are_what_was_said,
                messages_are_counted_under_the_filter,
                a_deleted_agents_log_cannot_begin_anew,
            }
            guard {
                editions_count_up_and_each_can_be_read_again,
                decisions_are_listed_newest_first_by_what_is_asked_for,
                uses_are_counted_by_key_and_forgotten,
                the_first_taint_of_a_session_stays,
                scans_are_found_by_id_and_by_what_was_scanned,
            }
            job {
                jobs_of_one_key_are_leased_one_at_a_time_in_order,
                a_lost_lease_is_neither_extended_nor_finished,
                a_job_waits_for_its_time_and_holds_up_its_key,
                releasing_leases_gives_jobs_back_at_once,
                the_next_job_is_due_when_its_lease_ends,
                the_queue_agrees_with_a_model,
            }
            key {
                a_key_is_found_by_its_hash_with_all_its_parts,
                revoking_twice_keeps_the_first_time,
                another_accounts_key_cannot_be_revoked,
            }
            knowledge {
                entries_are_listed_in_order_and_found_by_words_on_their_shelf_only,
                no_query_is_a_syntax_error,
                vectors_are_read_in_the_order_in_which_they_came,
                what_is_removed_is_gone_from_every_way_of_finding,
                the_shelf_counts_its_changes,
                stale_entries_are_found_and_made_good,
                memories_are_of_one_peer,
                a_deleted_owner_leaves_nothing,
            }
            response {
                a_response_reads_back_in_its_account_and_goes_when_it_is_deleted,
                only_old_responses_are_cleared,
                the_latest_mark_counts_and_goes_with_its_agent,
                an_account_has_a_ledger_that_is_no_agent,
            }
            run {
                a_run_reads_back_with_its_log,
                runs_are_found_by_their_agent_and_when_they_are_due,
                what_a_run_spends_is_held_back_and_booked,
                a_form_is_closed_once,
                a_run_goes_with_all_that_was_said_in_it_and_nothing_else,
            }
            sandbox {
                a_sandbox_reads_back_with_all_its_settings,
                a_run_reads_back_as_it_began_and_ended,
                sandboxes_are_listed_newest_first_within_their_account,
                only_living_sandboxes_are_counted_and_overdue,
                a_sandbox_has_one_open_run,
                runs_are_found_by_how_far_they_are,
            }
            secret {
                secrets_are_set_replaced_listed_and_removed,
                a_secret_that_is_lent_is_its_holders_until_it_is_set_or_removed,
                lent_secrets_can_be_lent_on_and_are_found_at_their_holder,
                a_binding_lasts_as_long_as_its_secret,
                uses_of_a_secret_are_listed_latest_first_and_bounded,
            }
            session {
                the_latest_session_is_the_peers_own,
                the_journal_is_in_no_list,
                another_agents_session_is_not_found,
            }
            snapshot {
                a_snapshot_reads_back_with_its_documents,
                snapshots_are_listed_newest_first_by_agent,
                a_mark_tells_how_far_the_log_is,
                a_copied_session_has_its_events_up_to_the_mark,
                superseded_sessions_are_not_found_by_peer,
                one_restoration_at_a_time,
                a_fork_that_is_not_whole_is_not_to_come_up,
                a_deleted_agents_snapshots_go_with_it,
            }
            skill {
                a_package_is_kept_once_and_as_long_as_it_is_used,
                versions_of_custom_skills_are_listed_latest_first_within_their_account,
                a_skill_on_an_agent_reads_back_with_how_its_approval_stands,
                what_a_workspace_holds_is_known_and_goes_with_the_agent,
            }
            transaction {
                an_error_rolls_everything_back,
                a_panic_rolls_back_and_harms_nobody,
                a_reader_sees_one_state,
                what_is_written_is_read_at_once,
            }
            trigger {
                a_trigger_reads_back_as_it_was_written_and_changed,
                a_trigger_is_found_by_its_address,
                triggers_are_due_in_order_and_those_without_a_time_never,
                a_trigger_fires_once_for_each_time,
                a_message_is_remembered_with_its_run_until_it_is_forgotten,
                a_trigger_that_waits_for_a_run_is_found_by_it,
                triggers_go_with_their_agent,
            }
            turn { turns_are_open_until_they_end, a_turn_that_is_over_stays_over }
            usage {
                the_ledger_is_exact,
                settling_more_than_was_held_fails,
                concurrent_reservations_never_pass_a_budget,
                usage_adds_up_by_whatever_it_is_told_apart,
                pages_of_usage_visit_each_sum_once,
            }
            webhook {
                endpoints_are_listed_changed_and_removed_within_their_account,
                the_secret_before_is_kept_until_its_time,
                deliveries_are_listed_newest_first_by_endpoint_and_status,
                a_delivery_is_leased_when_it_is_due_and_by_one_at_a_time,
                one_endpoint_takes_no_others_place,
                what_is_given_up_or_old_goes,
            }
            workflow {
                every_version_of_a_workflow_is_kept,
                agents_are_ready_that_miss_no_integration,
            }
        }
    };
}
pub(crate) use conformance;

macro_rules! cases {
    ($make:path; $($noun:ident { $($case:ident),+ $(,)? })+) => { $(
        mod $noun {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$noun::$case($make()).await;
            })+
        }
    )+ };
}
pub(crate) use cases;

pub(crate) type Any = Arc<dyn Store>;

pub(crate) async fn write<T: Send + 'static>(
    store: &Any,
    work: impl FnOnce(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
) -> T {
    store.write(work).await.unwrap()
}

pub(crate) async fn read<T: Send + 'static>(
    store: &Any,
    work: impl FnOnce(&dyn Reader) -> Result<T, Error> + Send + 'static,
) -> T {
    store.read(work).await.unwrap()
}

pub(crate) fn id<I: Id>(number: u128) -> I {
    I::from_uuid(Uuid::from_u128(number))
}

/// So many seconds after the beginning of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

pub(crate) fn account(number: u128) -> Account {
    Account { id: id(number), name: format!("account {number}"), plan: None, created_at: at(0) }
}

pub(crate) fn agent(number: u128, account: AccountId) -> Agent {
    Agent {
        id: id(number),
        account,
        name: format!("agent {number}"),
        description: String::new(),
        model: "scripted/hello".parse().unwrap(),
        runtime: roost_domain::agent::RuntimeKind::Roost,
        arming: roost_domain::agent::Arming::Off,
        size: Size::Small,
        region: Region::Eu,
        swarm: None,
        avatar_url: None,
        tags: Vec::new(),
        config: serde_json::Map::new(),
        state: State::Running,
        needs_restart: false,
        last_failure: None,
        created_at: at(0),
        started_at: None,
        stopped_at: None,
    }
}

pub(crate) fn session(number: u128, agent: &Agent) -> Session {
    Session {
        id: id(number),
        account: agent.account,
        agent: agent.id,
        peer: Peer::Named("ann".into()),
        channel: Channel::Api,
        name: None,
        started_at: at(0),
    }
}

pub(crate) fn turn(number: u128, session: &Session) -> Turn {
    Turn {
        caller: None,
        run: None,
        id: id(number),
        account: session.account,
        agent: session.agent,
        session: session.id,
        phase: TurnPhase::Queued,
        created_at: at(0),
    }
}

/// An account (1) with an agent (10), a session (100) and a turn (1000).
pub(crate) struct World {
    pub(crate) account: AccountId,
    pub(crate) agent: AgentId,
    pub(crate) session: SessionId,
    pub(crate) turn: TurnId,
}

pub(crate) async fn world(store: &Any) -> World {
    write(store, |writer| {
        let account = account(1);
        let agent = agent(10, account.id);
        let session = session(100, &agent);
        let turn = turn(1_000, &session);
        writer.insert_account(&account)?;
        writer.insert_agent(&agent)?;
        writer.insert_session(&session)?;
        writer.insert_turn(&turn)?;
        Ok(World { account: account.id, agent: agent.id, session: session.id, turn: turn.id })
    })
    .await
}
