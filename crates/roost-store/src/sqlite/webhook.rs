use jiff::Timestamp;
use roost_domain::id::{AccountId, DeliveryId, EndpointId};
use roost_domain::page::{Limit, Page};
use roost_domain::webhook::{Delivery, Endpoint, KindPattern, Status};
use roost_ports::store::{
    DeliveryCursor, DeliveryFilter, DeliveryLimits, EndpointSecrets, Error, Webhooks, WebhooksMut,
};
use roost_ports::vault::Sealed;
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun};

const ENDPOINT: Noun = noun!("webhook endpoint");
const DELIVERY: Noun = noun!("webhook delivery");

impl Webhooks for Tx<'_> {
    fn webhook_endpoint(&self, account: AccountId, id: EndpointId) -> Result<Option<Endpoint>, Error> {
        self.first(
            ENDPOINT,
            "select id, account_id, url, kinds, description, created_at, disabled_at
             from webhook_endpoints where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            endpoint,
        )
    }

    fn webhook_endpoints(&self, account: AccountId) -> Result<Vec<Endpoint>, Error> {
        self.all(
            ENDPOINT,
            "select id, account_id, url, kinds, description, created_at, disabled_at
             from webhook_endpoints where account_id = $1
             order by created_at desc, id desc limit 1000",
            params![account.uuid().as_bytes()],
            endpoint,
        )
    }

    fn webhook_secrets(&self, account: AccountId, id: EndpointId) -> Result<Option<EndpointSecrets>, Error> {
        self.first(
            ENDPOINT,
            "select secret, secret_before, secret_before_until
             from webhook_endpoints where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            |columns| {
                let current = Sealed(columns.take()?);
                let before: Option<Vec<u8>> = columns.take()?;
                let until = columns.time_if_any()?;
                Ok(EndpointSecrets { current, before: before.map(Sealed).zip(until) })
            },
        )
    }

    fn delivery(&self, account: AccountId, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        self.first(
            DELIVERY,
            "select id, account_id, endpoint_id, kind, payload, status, attempts, next_at, last_status, last_error,
                    created_at, delivered_at
             from webhook_deliveries where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            delivery,
        )
    }

    fn deliveries(
        &self,
        account: AccountId,
        filter: &DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: Limit,
    ) -> Result<Page<Delivery, DeliveryCursor>, Error> {
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        let (of, status) = (filter.endpoint.uuid().into_bytes(), filter.status.map(Status::name));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            DELIVERY,
            "select id, account_id, endpoint_id, kind, payload, status, attempts, next_at, last_status, last_error,
                    created_at, delivered_at
             from webhook_deliveries
             where account_id = $1 and endpoint_id = $2 and (created_at, id) < ($3, $4)
               and ($5 is null or status = $5)
             order by created_at desc, id desc limit $6",
            params![account.uuid().as_bytes(), of, created_at, id, status, i64::from(limit.get()) + 1],
            delivery,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let cursor = |last: &Delivery| DeliveryCursor { created_at: last.created_at, id: last.id };
        let next = rows.last().filter(|_| more).map(cursor);
        let total = self.only(
            DELIVERY,
            "select count(*) from webhook_deliveries
             where account_id = $1 and endpoint_id = $2 and ($3 is null or status = $3)",
            params![account.uuid().as_bytes(), of, status],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn has_due_deliveries(&self, now: Timestamp) -> Result<bool, Error> {
        let first = self.first(
            DELIVERY,
            "select 1 from webhook_deliveries
             where status = 'pending' and next_at <= $1 and (leased_until is null or leased_until <= $1) limit 1",
            params![micros(now)],
            |columns| columns.take::<i64>(),
        )?;
        Ok(first.is_some())
    }
}

impl WebhooksMut for Tx<'_> {
    fn insert_webhook_endpoint(&mut self, endpoint: &Endpoint, secret: &Sealed) -> Result<(), Error> {
        self.change_one(
            ENDPOINT,
            "insert into webhook_endpoints (
                 id, account_id, url, kinds, description, secret, created_at, disabled_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                endpoint.id.uuid().as_bytes(),
                endpoint.account.uuid().as_bytes(),
                endpoint.url,
                kinds(endpoint)?,
                endpoint.description,
                secret.0,
                micros(endpoint.created_at),
                endpoint.disabled_at.map(micros),
            ],
        )
    }

    fn update_webhook_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        self.change_one(
            ENDPOINT,
            "update webhook_endpoints set url = $1, kinds = $2, description = $3, disabled_at = $4
             where id = $5 and account_id = $6",
            params![
                endpoint.url,
                kinds(endpoint)?,
                endpoint.description,
                endpoint.disabled_at.map(micros),
                endpoint.id.uuid().as_bytes(),
                endpoint.account.uuid().as_bytes(),
            ],
        )
    }

    fn rotate_webhook_secret(
        &mut self,
        account: AccountId,
        id: EndpointId,
        secret: &Sealed,
        until: Timestamp,
    ) -> Result<(), Error> {
        self.change_one(
            ENDPOINT,
            "update webhook_endpoints set secret_before = secret, secret_before_until = $1, secret = $2
             where id = $3 and account_id = $4",
            params![micros(until), secret.0, id.uuid().as_bytes(), account.uuid().as_bytes()],
        )
    }

    fn delete_webhook_endpoint(&mut self, account: AccountId, id: EndpointId) -> Result<bool, Error> {
        self.change(
            DELIVERY,
            "delete from webhook_deliveries where endpoint_id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
        )?;
        let removed = self.change(
            ENDPOINT,
            "delete from webhook_endpoints where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
        )?;
        Ok(removed > 0)
    }

    fn insert_delivery(&mut self, delivery: &Delivery) -> Result<(), Error> {
        self.change_one(
            DELIVERY,
            "insert into webhook_deliveries (
                 id, account_id, endpoint_id, kind, payload, status, attempts, next_at, last_status, last_error,
                 created_at, delivered_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            params![
                delivery.id.uuid().as_bytes(),
                delivery.account.uuid().as_bytes(),
                delivery.endpoint.uuid().as_bytes(),
                delivery.kind,
                delivery.payload,
                delivery.status.name(),
                delivery.attempts,
                delivery.next_at.map(micros),
                delivery.last_status,
                delivery.last_error,
                micros(delivery.created_at),
                delivery.delivered_at.map(micros),
            ],
        )
    }

    fn update_delivery(&mut self, delivery: &Delivery) -> Result<(), Error> {
        self.change_one(
            DELIVERY,
            "update webhook_deliveries
             set status = $1, attempts = $2, next_at = $3, last_status = $4, last_error = $5, delivered_at = $6,
                 leased_until = null
             where id = $7 and account_id = $8",
            params![
                delivery.status.name(),
                delivery.attempts,
                delivery.next_at.map(micros),
                delivery.last_status,
                delivery.last_error,
                delivery.delivered_at.map(micros),
                delivery.id.uuid().as_bytes(),
                delivery.account.uuid().as_bytes(),
            ],
        )
    }

    fn fail_deliveries(&mut self, endpoint: EndpointId, why: &str) -> Result<u64, Error> {
        let failed = self.change(
            DELIVERY,
            "update webhook_deliveries
             set status = 'failed', next_at = null, leased_until = null, last_error = $1
             where endpoint_id = $2 and status = 'pending'",
            params![why, endpoint.uuid().as_bytes()],
        )?;
        Ok(failed as u64)
    }

    fn lease_deliveries(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limits: DeliveryLimits,
    ) -> Result<Vec<Delivery>, Error> {
        // An endpoint's first rows are those under way, which were due before the others: what of its first rows is
        // free is what it may have besides.
        let mut leased = self.all(
            DELIVERY,
            "update webhook_deliveries set leased_until = $1, attempts = attempts + 1
             where id in (
                 select due.id
                 from webhook_endpoints as endpoint
                 join webhook_deliveries as due on due.endpoint_id = endpoint.id
                 where due.status = 'pending' and due.next_at <= $2
                   and (due.leased_until is null or due.leased_until <= $2)
                   and due.id in (
                       select first.id from webhook_deliveries as first
                       where first.endpoint_id = endpoint.id and first.status = 'pending' and first.next_at <= $2
                       order by first.next_at, first.id limit $3)
                 order by due.next_at, due.id limit $4)
             returning id, account_id, endpoint_id, kind, payload, status, attempts, next_at, last_status,
                       last_error, created_at, delivered_at",
            params![micros(until), micros(now), limits.endpoint, limits.lease],
            delivery,
        )?;
        // What an update returns has no order.
        leased.sort_by_key(|delivery| (delivery.next_at, delivery.id));
        Ok(leased)
    }

    fn release_deliveries(&mut self) -> Result<u64, Error> {
        let released = self.change(
            DELIVERY,
            "update webhook_deliveries set leased_until = null where leased_until > 0",
            [],
        )?;
        Ok(released as u64)
    }

    fn remove_deliveries(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error> {
        let removed = self.change(
            DELIVERY,
            "delete from webhook_deliveries where id in (
                 select id from webhook_deliveries where status <> 'pending' and created_at < $1
                 order by created_at limit $2)",
            params![micros(before), max.get()],
        )?;
        Ok(removed as u64)
    }
}

fn kinds(endpoint: &Endpoint) -> Result<String, Error> {
    let kinds: Vec<_> = endpoint.kinds.iter().map(KindPattern::as_str).collect();
    serde_json::to_string(&kinds).map_err(|error| failed(ENDPOINT.writing, error))
}

fn endpoint(columns: &mut Columns<'_>) -> Result<Endpoint, Error> {
    Ok(Endpoint {
        id: columns.id()?,
        account: columns.id()?,
        url: columns.take()?,
        kinds: {
            let kinds: Vec<String> = columns.json()?;
            let read = |kind: String| kind.parse().map_err(|error| corrupt(ENDPOINT.name, error));
            kinds.into_iter().map(read).collect::<Result<_, _>>()?
        },
        description: columns.take()?,
        created_at: columns.time()?,
        disabled_at: columns.time_if_any()?,
    })
}

fn delivery(columns: &mut Columns<'_>) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: columns.id()?,
        account: columns.id()?,
        endpoint: columns.id()?,
        kind: columns.take()?,
        payload: columns.take()?,
        status: columns.named(&Status::ALL, Status::name)?,
        attempts: columns.take()?,
        next_at: columns.time_if_any()?,
        last_status: columns.take()?,
        last_error: columns.take()?,
        created_at: columns.time()?,
        delivered_at: columns.time_if_any()?,
    })
}
