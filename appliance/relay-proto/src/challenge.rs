//! Work before a handshake, when too many are asked for. The box keeps nothing about it: the nonce
//! is a keyed hash of what it is good for.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{
    Millis,
    frame::{Challenge, Solution},
};

/// Bits that a client does at the most: about a second of JavaScript.
pub const HARDEST: u8 = 20;
/// A nonce is good for the rest of its period and for the next one.
const PERIOD: Millis = 30_000;

/// The nonce that this box gives to this ephemeral key in this period.
fn nonce(secret: &[u8; 32], ephemeral: &[u8; 32], bits: u8, period: u64) -> [u8; 16] {
    let mut nonce = [0; 16];
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(ephemeral);
        mac.update(&[bits]);
        mac.update(&period.to_le_bytes());
        nonce.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    }
    nonce
}

/// Leading zero bits of the work's hash.
fn zeros(solution: &Solution, ephemeral: &[u8; 32]) -> u32 {
    let mut hash = Sha256::new();
    hash.update(solution.nonce);
    hash.update(ephemeral);
    hash.update(solution.counter.to_le_bytes());
    let mut zeros = 0;
    for byte in hash.finalize() {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    zeros
}

/// A challenge for this ephemeral key.
pub fn challenge(secret: &[u8; 32], ephemeral: &[u8; 32], bits: u8, now: Millis) -> Challenge {
    let nonce = nonce(secret, ephemeral, bits, now / PERIOD);
    Challenge { bits, nonce }
}

/// Whether the work was done, for a challenge of this box that is not too old.
pub fn is_solved(
    secret: &[u8; 32],
    ephemeral: &[u8; 32],
    bits: u8,
    solution: &Solution,
    now: Millis,
) -> bool {
    let period = now / PERIOD;
    [period, period.saturating_sub(1)]
        .iter()
        .any(|period| solution.nonce == nonce(secret, ephemeral, bits, *period))
        && zeros(solution, ephemeral) >= u32::from(bits)
}

/// Does the work: about 2^bits hashes.
pub fn solve(challenge: &Challenge, ephemeral: &[u8; 32]) -> Solution {
    let mut solution = Solution {
        nonce: challenge.nonce,
        counter: 0,
    };
    while zeros(&solution, ephemeral) < u32::from(challenge.bits.min(HARDEST)) {
        solution.counter += 1;
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_bound_to_key_time_and_bits() {
        let (secret, key) = ([1; 32], [2; 32]);
        let given = challenge(&secret, &key, 10, 1_000_000);
        let solution = solve(&given, &key);
        assert!(is_solved(&secret, &key, 10, &solution, 1_000_000));
        assert!(is_solved(&secret, &key, 10, &solution, 1_029_000));
        assert!(!is_solved(&secret, &key, 10, &solution, 1_060_000));
        assert!(!is_solved(&secret, &[3; 32], 10, &solution, 1_000_000));
        assert!(!is_solved(&secret, &key, 11, &solution, 1_000_000));
        assert!(!is_solved(
            &secret,
            &key,
            10,
            &Solution::default(),
            1_000_000
        ));
    }
}
