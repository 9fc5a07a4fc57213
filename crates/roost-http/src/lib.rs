//! What every face shares: request context, errors, paging, streams, limits.
