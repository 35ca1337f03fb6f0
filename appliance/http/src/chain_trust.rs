//! Every answer says in a header who vouches for the state of the chain that the box shows, binary
//! and error alike, so that nobody takes one endpoint's word for more.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue},
    middleware,
    response::Response,
};
use seedbox_core::ChainStatus;
use tokio::sync::watch;

/// `unproved`, or a level of trust by its name.
pub(crate) const CHAIN_TRUST: HeaderName = HeaderName::from_static("chain-trust");

/// Who vouches for the state that is shown.
pub(crate) fn name(chain: &ChainStatus) -> &'static str {
    chain
        .proved
        .map_or("unproved", |proved| proved.trust.name())
}

/// Adds the header to all that a router answers.
pub(crate) fn told<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    chain: watch::Receiver<ChainStatus>,
) -> Router<S> {
    router.layer(middleware::map_response_with_state(chain, tell))
}

async fn tell(
    State(chain): State<watch::Receiver<ChainStatus>>,
    mut response: Response,
) -> Response {
    let name = HeaderValue::from_static(name(&chain.borrow()));
    response.headers_mut().insert(CHAIN_TRUST, name);
    response
}
