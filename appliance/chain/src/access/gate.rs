//! How a gate that a stranger wrote is asked: not by a call to it, but by running a few
//! instructions of our own that call it statically, with little gas, and read one word of its
//! answer. Whatever the gate does ends inside the endpoint's machine as a "no"; what comes back is
//! always one word that we wrote, so that a refusal by the endpoint is never taken for the gate's.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};
use seedbox_core::{ModelId, WalletAddress};

use crate::{contracts::IGate, endpoint_error::EndpointError};

/// Gas that a gate may use. `contracts/test/Gates.t.sol` has the same.
const GATE_GAS: u32 = 100_000;

/// Gas for all of it: creating a contract costs 53,000, one 64th is kept back from the gate.
pub(super) const GAS: u64 = 300_000;

/// Where the gate's answer is put, after the question.
const ANSWER_AT: u8 = 96;

/// EVM instructions (yellow paper, appendix H.2).
mod instruction {
    pub(super) const EQ: u8 = 0x14;
    pub(super) const AND: u8 = 0x16;
    pub(super) const CODECOPY: u8 = 0x39;
    pub(super) const RETURNDATASIZE: u8 = 0x3d;
    pub(super) const MLOAD: u8 = 0x51;
    pub(super) const MSTORE: u8 = 0x52;
    pub(super) const PUSH1: u8 = 0x60;
    pub(super) const PUSH3: u8 = 0x62;
    pub(super) const PUSH20: u8 = 0x73;
    pub(super) const RETURN: u8 = 0xf3;
    pub(super) const STATICCALL: u8 = 0xfa;
}

/// Creation code that leaves the word 1 behind if the gate answers exactly the word 1, else 0.
/// It is run and never becomes a contract.
pub(super) fn question(gate: WalletAddress, model: ModelId, wallet: WalletAddress) -> Bytes {
    use instruction::*;
    let call = IGate::isUnlockedCall {
        modelId: U256::from(model),
        user: Address::from(wallet.0),
    };
    let call = call.abi_encode();
    let length = 4 + 2 * 32; // selector and two words
    let [_, gas @ ..] = GATE_GAS.to_be_bytes();

    let mut ask = vec![PUSH1, 32, PUSH1, ANSWER_AT, PUSH1, length, PUSH1, 0, PUSH20];
    ask.extend(gate.0);
    ask.push(PUSH3);
    ask.extend(gas);
    ask.push(STATICCALL);
    let judge = [
        // … and its answer is a word …
        RETURNDATASIZE,
        PUSH1,
        32,
        EQ,
        AND,
        // … and the word is 1.
        PUSH1,
        ANSWER_AT,
        MLOAD,
        PUSH1,
        1,
        EQ,
        AND,
        PUSH1,
        0,
        MSTORE,
        PUSH1,
        32,
        PUSH1,
        0,
        RETURN,
    ];
    let copy = |from| [PUSH1, length, PUSH1, from, PUSH1, 0, CODECOPY];
    let before = copy(0).len() + ask.len() + judge.len();
    let mut code = copy(u8::try_from(before).unwrap_or(u8::MAX)).to_vec();
    code.extend(ask);
    code.extend(judge);
    code.extend(call);
    code.into()
}

/// What the endpoint says came of it.
///
/// # Errors
/// [`EndpointError::Nonsense`]: this cannot have been left behind by [`question`].
pub(super) fn answer(left_behind: &[u8]) -> Result<bool, EndpointError> {
    match left_behind.split_last() {
        Some((last @ 0..=1, zeros)) if zeros.len() == 31 && zeros.iter().all(|byte| *byte == 0) => {
            Ok(*last == 1)
        }
        _ => Err(EndpointError::Nonsense(
            "what a gate answered, in a form that it cannot have".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_carries_itself_behind_its_code() {
        let (gate, wallet) = (WalletAddress([0xaa; 20]), WalletAddress([0xbb; 20]));
        let code = question(gate, 5, wallet);
        let (length, from) = (usize::from(code[1]), usize::from(code[3]));
        assert_eq!(code.len(), from + length);
        assert_eq!(&code[from..from + 4], IGate::isUnlockedCall::SELECTOR);
        assert_eq!(code[from + 35], 5);
        assert_eq!(code[code.len() - 20..], wallet.0);
        assert_eq!(code[from - 1], instruction::RETURN);
    }

    #[test]
    fn nothing_but_a_word_is_an_answer() {
        let word = |last| [vec![0; 31], vec![last]].concat();
        assert_eq!(answer(&word(1)), Ok(true));
        assert_eq!(answer(&word(0)), Ok(false));
        let long = [word(1), word(0)].concat();
        for other in [Vec::new(), vec![1], word(2), vec![1; 32], long] {
            assert!(answer(&other).is_err(), "{other:?}");
        }
    }
}
