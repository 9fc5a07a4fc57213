use jiff::Timestamp;
use roost_domain::id::{AccountId, DeliveryId, EndpointId};
use roost_domain::page::{Limit, Page};
use roost_domain::webhook::{Delivery, Endpoint, Status};

use super::Error;
use crate::vault::Sealed;

/// The secrets of an endpoint, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSecrets {
    /// The one that holds.
    pub current: Sealed,
    /// The one before, and until when it signs too.
    pub before: Option<(Sealed, Timestamp)>,
}

/// Which deliveries a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those to this endpoint.
    pub endpoint: EndpointId,
    /// Only those that stand so.
    pub status: Option<Status>,
}

/// The last delivery of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: DeliveryId,
}

/// How many deliveries are taken on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryLimits {
    /// In one lease.
    pub lease: u32,
    /// For one endpoint, those included that are under way, so that one that is slow holds up no other.
    pub endpoint: u32,
}

/// Looks at webhook endpoints and deliveries.
pub trait Webhooks {
    /// Returns one endpoint.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn webhook_endpoint(&self, account: AccountId, id: EndpointId) -> Result<Option<Endpoint>, Error>;

    /// Returns the endpoints of an account, newest first, all of them; the core limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn webhook_endpoints(&self, account: AccountId) -> Result<Vec<Endpoint>, Error>;

    /// Returns the secrets of an endpoint.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn webhook_secrets(&self, account: AccountId, id: EndpointId) -> Result<Option<EndpointSecrets>, Error>;

    /// Returns one delivery.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delivery(&self, account: AccountId, id: DeliveryId) -> Result<Option<Delivery>, Error>;

    /// Returns deliveries, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn deliveries(
        &self,
        account: AccountId,
        filter: &DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: Limit,
    ) -> Result<Page<Delivery, DeliveryCursor>, Error>;

    /// Tells whether [`WebhooksMut::lease_deliveries`] may find any, for any account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn has_due_deliveries(&self, now: Timestamp) -> Result<bool, Error>;
}

/// Changes webhook endpoints and deliveries.
pub trait WebhooksMut {
    /// Adds an endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_webhook_endpoint(&mut self, endpoint: &Endpoint, secret: &Sealed) -> Result<(), Error>;

    /// Writes an endpoint that is there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_webhook_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), Error>;

    /// Gives an endpoint that is there a new secret; the one before signs too until `until`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn rotate_webhook_secret(
        &mut self,
        account: AccountId,
        id: EndpointId,
        secret: &Sealed,
        until: Timestamp,
    ) -> Result<(), Error>;

    /// Removes an endpoint with its deliveries and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_webhook_endpoint(&mut self, account: AccountId, id: EndpointId) -> Result<bool, Error>;

    /// Adds a delivery.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_delivery(&mut self, delivery: &Delivery) -> Result<(), Error>;

    /// Writes how a delivery that is there stands, and ends its lease.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_delivery(&mut self, delivery: &Delivery) -> Result<(), Error>;

    /// Gives up what is pending for an endpoint and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn fail_deliveries(&mut self, endpoint: EndpointId, why: &str) -> Result<u64, Error>;

    /// Leases deliveries that are due and not leased, of any account, those first that wait longest, and counts
    /// their attempt.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn lease_deliveries(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limits: DeliveryLimits,
    ) -> Result<Vec<Delivery>, Error>;

    /// Gives back every lease, for a start after a crash. Returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn release_deliveries(&mut self) -> Result<u64, Error>;

    /// Removes deliveries that are over and were made before a time, at most so many, and returns how many.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_deliveries(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error>;
}
