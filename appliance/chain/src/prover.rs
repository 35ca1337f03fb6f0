//! Proves single parcels to visitors. Building the trie once answers everybody who waits, so a
//! crowd costs no more than one of them.

use std::sync::Arc;

use alloy::primitives::U256;
use seedbox_core::{Parcel, ParcelProof, WalletAddress};
use seedbox_store::chain::Contract;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    Deployment,
    reader::Proved,
    storage::{TOKEN_OWNERS, entry},
    view::View,
};

/// Visitors who may wait.
pub(crate) const QUEUE: usize = 256;

/// A visitor's question; the answer is `None` while nothing is proved.
pub(crate) type Question = (Parcel, oneshot::Sender<Option<ParcelProof>>);

/// Answers questions from the newest proved state.
pub(crate) struct Prover {
    land: WalletAddress,
    view: watch::Receiver<View>,
    questions: mpsc::Receiver<Question>,
}

impl Prover {
    pub(crate) fn new(
        deployment: &Deployment,
        view: watch::Receiver<View>,
        questions: mpsc::Receiver<Question>,
    ) -> Self {
        Self {
            land: deployment.land,
            view,
            questions,
        }
    }

    /// Answers until there is nobody left who could ask.
    pub(crate) async fn run(&mut self) {
        let mut waiting = Vec::with_capacity(QUEUE);
        while self.questions.recv_many(&mut waiting, QUEUE).await > 0 {
            let (parcels, askers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
            let proved = self.view.borrow().proved.clone();
            let Some(proved) = proved else {
                askers.into_iter().for_each(|asker| drop(asker.send(None)));
                continue;
            };
            let land = self.land;
            let proofs = tokio::task::spawn_blocking(move || prove(land, &proved, &parcels)).await;
            for (asker, proof) in askers.into_iter().zip(proofs.unwrap_or_default()) {
                drop(asker.send(Some(proof))); // who went away needs none
            }
        }
    }
}

fn prove(land: WalletAddress, proved: &Arc<Proved>, parcels: &[Parcel]) -> Vec<ParcelProof> {
    let slots: Vec<U256> = parcels
        .iter()
        .map(|parcel| entry(U256::from(parcel.token_id()), TOKEN_OWNERS))
        .collect();
    let evidence = &proved.evidence;
    let nodes =
        |proof: &[alloy::primitives::Bytes]| proof.iter().map(|node| node.to_vec()).collect();
    let storage_proofs = proved.storage.prove(Contract::Land, &slots);
    slots
        .into_iter()
        .zip(storage_proofs)
        .map(|(key, storage_proof)| {
            let word = proved.storage.word(Contract::Land, key);
            let owner: [u8; 32] = word.to_be_bytes();
            let address: [u8; 20] = std::array::from_fn(|index| owner[12 + index]);
            ParcelProof {
                block: evidence.block,
                header_rlp: evidence.header.clone(),
                account: land,
                account_proof: nodes(&evidence.accounts[Contract::Land as usize]),
                storage_hash: evidence.roots[Contract::Land as usize].0,
                slot: TOKEN_OWNERS.to_be_bytes(),
                key: key.to_be_bytes(),
                value: owner,
                storage_proof: nodes(&storage_proof),
                owner: (!word.is_zero()).then_some(WalletAddress(address)),
                trust: proved.trust,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use seedbox_core::{BlockRef, Trust, UnixTime};

    use super::*;
    use crate::{
        evidence::{Evidence, check_slot},
        made_up_chain::{deployment, log, wallet},
        projection::{Projection, tests::transferred},
    };

    #[tokio::test]
    async fn every_visitor_gets_a_proof_of_his_parcel_or_of_its_absence() {
        let mut projection = Projection::default();
        let block = BlockRef {
            number: 7,
            hash: [7; 32],
            timestamp: UnixTime(7),
        };
        for x in 0..100 {
            let minted = log(&block, 0, &transferred(Parcel { x, y: 0 }, None, 5));
            projection
                .replay(&deployment(), &minted, &mut Vec::new())
                .unwrap();
        }
        let storage = projection.storage().clone();
        let roots = storage.roots();
        let (state_root, proofs) = crate::evidence::tests::state(roots);
        let proved = Proved {
            evidence: Evidence {
                block,
                header: vec![1],
                state_root,
                accounts: proofs.map(|proof| proof.account_proof),
                roots,
            },
            storage,
            trust: Trust::Rpc,
        };
        let view = watch::Sender::new(View::default());
        let (ask, questions) = mpsc::channel(QUEUE);
        let mut prover = Prover::new(&deployment(), view.subscribe(), questions);
        tokio::spawn(async move { prover.run().await });
        let question = |x| {
            let ask = ask.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                ask.send((Parcel { x, y: 0 }, answer)).await.unwrap();
                answered.await.unwrap()
            }
        };
        assert_eq!(question(1).await, None);

        view.send_modify(|view| view.proved = Some(Arc::new(proved)));
        let visitors = (0..120).map(|x| tokio::spawn(question(x)));
        for (x, visitor) in visitors.enumerate().collect::<Vec<_>>() {
            let proof = visitor.await.unwrap().unwrap();
            assert_eq!(proof.owner, (x < 100).then(|| wallet(5)));
            let nodes: Vec<_> = proof.storage_proof.into_iter().map(Into::into).collect();
            let (key, word) = (
                U256::from_be_bytes(proof.key),
                U256::from_be_bytes(proof.value),
            );
            check_slot(proof.storage_hash.into(), key, word, &nodes).unwrap();
        }
    }
}
