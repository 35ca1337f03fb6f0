//! Tells the relay what the chain says of those who stand before a room with a rule.

use futures::{FutureExt, future::BoxFuture};
use seedbox_chain::{Error, Handle};
use seedbox_core::{Delegation, Parcel, WalletAddress, votes::Measure};
use seedbox_relay::{Claim, Code, Verdict, Wants};

/// The chain as the relay knows it.
pub(crate) struct Gate(pub(crate) Handle);

impl seedbox_relay::Gate for Gate {
    fn ask(&self, claim: Claim) -> BoxFuture<'static, Verdict> {
        let chain = self.0.clone();
        async move { answer(&chain, &claim).await }.boxed()
    }
}

async fn answer(chain: &Handle, claim: &Claim) -> Verdict {
    if chain.chain_id() != Some(claim.rule.chain) {
        return Err(Code::Role);
    }
    let given = &claim.delegation;
    let wallet = WalletAddress(given.wallet);
    let signed = Delegation {
        client: claim.client,
        room: claim.room.0,
        expires: given.expires,
    };
    if chain.delegated_by(&signed, &given.signature) != Some(wallet) {
        return Err(Code::Signature);
    }
    let fulfilled = match claim.rule.wants {
        Wants::Pass { x, y } => {
            let access = chain.parcel_access(Parcel { x, y }, wallet).await;
            access.map(|access| access.allowed)
        }
        Wants::Model(token) => {
            let access = chain.token_access(token, wallet).await;
            access.map(|access| access.allowed)
        }
        Wants::Cybr(least) => {
            let held = chain.holds(wallet, Measure::Cybr).await;
            held.map(|held| held >= least)
        }
        Wants::Land(least) => {
            let held = chain.holds(wallet, Measure::Land).await;
            held.map(|held| held >= least)
        }
    };
    match fulfilled {
        Ok(true) => Ok(()),
        Ok(false) => Err(Code::Entitlement),
        Err(Error::NoAccessPass | Error::NoCybr | Error::NoChain | Error::UnknownModel) => {
            Err(Code::Role)
        }
        Err(_) => Err(Code::Busy),
    }
}
