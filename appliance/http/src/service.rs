//! The service: binds early, so that errors are early, then serves both listeners until told to
//! stop.

use std::{net::SocketAddr, sync::Arc};

use seedbox_core::Concern;
use seedbox_store::Store;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Appliance, Config, Error,
    admin::{self, Admin, host_names::HostNames},
    clock::Clock,
    connections::{Limits, Listener},
    owner::{ClaimCode, Owner},
    public::{self, Public, grid::Grid},
};

/// The http service, bound and ready to run.
pub struct Service {
    admin: Listener,
    public: Listener,
    pub(crate) admin_router: axum::Router,
    pub(crate) public_router: axum::Router,
    pub(crate) visitors: Arc<Public>,
    appliance: Arc<dyn Appliance>,
    owner: Arc<Owner>,
    /// Ends the live streams, which would otherwise outlast the listeners.
    pub(crate) shutdown: CancellationToken,
}

/// What the rest of the box may know of the http service.
#[derive(Clone)]
pub struct Handle {
    admin_address: SocketAddr,
    public_address: SocketAddr,
    owner: Arc<Owner>,
}

impl Service {
    /// Binds both listeners and, at the first start, makes the box's identity and claim code.
    ///
    /// # Errors
    /// An address that cannot be listened on, a preset claim code that is not one, a failing
    /// store.
    pub async fn bind(
        config: Config,
        store: Store,
        appliance: Arc<dyn Appliance>,
    ) -> Result<(Self, Handle), Error> {
        Self::bind_with(config, store, appliance, Clock::system()).await
    }

    pub(crate) async fn bind_with(
        config: Config,
        store: Store,
        appliance: Arc<dyn Appliance>,
        clock: Clock,
    ) -> Result<(Self, Handle), Error> {
        let preset = config.claim_code.as_deref();
        let owner = Arc::new(Owner::load(store, clock.clone(), preset).await?);
        let (socket, limits) = (config.admin_socket, Limits::default());
        let admin = Listener::bind("admin", socket, config.admin_listen, limits).await?;
        let (socket, limits) = (
            config.public_socket,
            Limits {
                connections: config.public_connections,
                a_client: config.public_connections_per_client,
                ..limits
            },
        );
        let public = Listener::bind("public", socket, config.public_listen, limits).await?;
        let handle = Handle {
            admin_address: admin.address(),
            public_address: public.address(),
            owner: Arc::clone(&owner),
        };
        let shutdown = CancellationToken::new();
        let grid = Grid::new(shutdown.clone());
        let visitors = Arc::new(Public::new(Arc::clone(&appliance), grid, clock.clone()));
        // So that visitors find the last known state from the first moment.
        let known = Arc::clone(&appliance.grid().borrow());
        visitors.grid.update(known).await;
        let service = Service {
            admin,
            public,
            admin_router: admin::router(Arc::new(Admin::new(
                Arc::clone(&appliance),
                Arc::clone(&owner),
                HostNames::new(&config.host_names, config.local_names),
                clock,
                shutdown.clone(),
                config.metrics,
            ))),
            public_router: public::router(Arc::clone(&visitors)),
            visitors,
            appliance,
            owner,
            shutdown,
        };
        Ok((service, handle))
    }

    /// Serves until `cancelled`; requests under way then have some seconds to end.
    ///
    /// # Errors
    /// A listener that the system took away.
    pub async fn run(self, cancelled: CancellationToken) -> Result<(), Error> {
        // If one listener fails, the other and every stream end too.
        let stop = cancelled.child_token();
        let ended = stop.clone().drop_guard();
        let streams = async {
            stop.cancelled().await;
            self.shutdown.cancel();
            Ok(())
        };
        let grid = async {
            let grid = self.appliance.grid();
            self.visitors.grid.follow(grid, stop.clone()).await;
            Ok(())
        };
        let window = async {
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                result = self.owner.keep_window() => result,
            }
        };
        let served = tokio::try_join!(
            self.admin.serve(self.admin_router, stop.clone()),
            self.public.serve(self.public_router, stop.clone()),
            streams,
            grid,
            window,
        );
        drop(ended);
        served.map(|_| ())
    }

    /// Whether a preset claim code is one, for checking settings before anything starts.
    ///
    /// # Errors
    /// [`Error::ClaimCode`] if it is not.
    pub fn check_claim_code(text: &str) -> Result<(), Error> {
        text.parse::<ClaimCode>().map(drop)
    }

    /// The claim code as people read it, `None` if none is awaited. For the console.
    ///
    /// # Errors
    /// A failing store, or a box that never ran.
    pub async fn claim_code(store: &Store) -> Result<Option<String>, Error> {
        let owner = Owner::load(store.clone(), Clock::system(), None).await?;
        Ok(owner.shown_code().await?.map(|code| code.grouped()))
    }

    /// Forgets the owner's password and sessions and answers the new claim code, grouped for
    /// reading. For the console: works on a stopped and on a running box.
    ///
    /// # Errors
    /// A failing store.
    pub async fn reset_password(store: &Store) -> Result<String, Error> {
        let code = ClaimCode::generate()?;
        if !store.reset_password(code.characters().to_owned()).await? {
            // A box that never ran: its first start would have made the code.
            Owner::load(store.clone(), Clock::system(), Some(code.characters())).await?;
        }
        Ok(code.grouped())
    }
}

impl Handle {
    /// Where the owner's API and panel listen.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Where the public data plane listens.
    pub fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// The claim code as people read it, `XXXX-XXXX-XXXX-XXXX`; `None` once the box is claimed.
    ///
    /// # Errors
    /// A failing store.
    pub async fn claim_code(&self) -> Result<Option<String>, Error> {
        Ok(self.owner.claim_code().await?.map(|code| code.grouped()))
    }

    /// Whether a claim code is awaited: nobody owns the box, or the claim window is open.
    ///
    /// # Errors
    /// A failing store.
    pub async fn is_claimable(&self) -> Result<bool, Error> {
        self.owner.is_claimable().await
    }

    /// The password is forgotten: for 15 minutes the box can be claimed again with the code that
    /// this answers, grouped for reading.
    ///
    /// # Errors
    /// A failing store, or no random numbers.
    pub async fn open_claim_window(&self) -> Result<String, Error> {
        Ok(self.owner.open_claim_window().await?.grouped())
    }

    /// What the owner should know about who may claim the box.
    pub fn concerns(&self) -> watch::Receiver<Vec<Concern>> {
        self.owner.concerns()
    }
}
