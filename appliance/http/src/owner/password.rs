//! Passwords: argon2id, one at a time and off the event loop, because each takes 19 MiB and a
//! good part of a second on a small computer.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    Error,
    problem::{Problem, ProblemType},
};

/// Least number of characters.
const SHORTEST: usize = 8;
/// Greatest number of bytes.
const LONGEST: usize = 1024;

/// Refuses passwords that are too short to protect or too long to hash.
pub(super) fn check_usable(password: &str) -> Result<(), Problem> {
    let detail = if password.chars().count() < SHORTEST {
        format!("Choose a password of at least {SHORTEST} characters.")
    } else if password.len() > LONGEST {
        format!("Choose a password of at most {LONGEST} bytes.")
    } else {
        return Ok(());
    };
    Err(Problem::new(ProblemType::UnusablePassword, detail))
}

/// Hashes a password into a PHC string with a random salt.
pub(super) async fn hash(turn: &Arc<Semaphore>, password: String) -> Result<String, Error> {
    in_turn(turn, move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    })
    .await
}

/// Whether a password fits a stored PHC string.
pub(super) async fn verify(
    turn: &Arc<Semaphore>,
    password: String,
    stored: String,
) -> Result<bool, Error> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    in_turn(turn, move || {
        let stored = PasswordHash::new(&stored).map_err(|_| HashError::EncodingInvalid)?;
        match Argon2::default().verify_password(password.as_bytes(), &stored) {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await
}

/// The permit travels with the work, so a client that hangs up frees no place early.
async fn in_turn<T: Send + 'static>(
    turn: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Password(error.to_string());
    let permit = Arc::clone(turn)
        .acquire_owned()
        .await
        .map_err(|e| failed(&e))?;
    spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(|e| failed(&e))?
    .map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_bytes() {
        assert!(check_usable("1234567").is_err());
        assert!(check_usable("ééééééé").is_err());
        assert!(check_usable("12345678").is_ok());
        assert!(check_usable(&"x".repeat(1024)).is_ok());
        assert!(check_usable(&"x".repeat(1025)).is_err());
    }

    #[tokio::test]
    async fn hashes_with_argon2id_and_tells_right_from_wrong() {
        let turn = Arc::new(Semaphore::new(1));
        let stored = hash(&turn, "correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$"), "{stored}");
        let fits = |password: &str| verify(&turn, password.to_owned(), stored.clone());
        assert!(fits("correct horse").await.unwrap());
        assert!(!fits("correct horsf").await.unwrap());
        let damaged = verify(&turn, "correct horse".to_owned(), "damaged".to_owned()).await;
        assert!(matches!(damaged, Err(Error::Password(_))));
    }
}
