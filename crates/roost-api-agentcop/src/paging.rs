use roost_domain::page::Limit;
use roost_http::Failure;

/// Reads `page` and `limit`: which page there is, how many rows come before it, how many it has.
pub(crate) fn page(page: Option<u64>, limit: Option<u32>) -> Result<(u64, u64, Limit), Failure> {
    const MOST: u32 = 500;
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(50));
    if page == 0 || page > 1_000_000 {
        return Err(Failure::invalid("page", "must be from 1 to 1000000"));
    }
    if !(1..=MOST).contains(&limit) {
        return Err(Failure::invalid("limit", format!("must be from 1 to {MOST}")));
    }
    Ok((page, (page - 1) * u64::from(limit), Limit::clamped(limit, MOST)))
}
