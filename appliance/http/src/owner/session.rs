//! Session tokens and the cookie that carries them. Only a token's SHA-256 is ever stored.

use axum::http::{HeaderMap, HeaderValue, header};
use seedbox_store::admin::{BoxId, TokenHash};
use sha2::{Digest, Sha256};

use super::random;
use crate::{Error, dto};

/// 256 random bits that name a session.
#[derive(Clone)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// A new token from the operating system's random numbers.
    pub(super) fn generate() -> Result<Self, Error> {
        Ok(Token(random()?))
    }

    /// What the store keeps.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }
}

/// A `Set-Cookie` value.
pub(crate) struct SessionCookie(HeaderValue);

impl SessionCookie {
    /// The header's value, marked so that no log shows it.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The cookie's name, unique to the box: cookies do not tell ports or boxes of one host apart.
pub(super) struct CookieName(String);

impl CookieName {
    /// The cookie name of a box.
    pub(super) fn of(box_id: &BoxId) -> Self {
        CookieName(format!("seedbox_{}", hex::encode(&box_id.0[..4])))
    }

    /// The token in a request's cookies, if there is one of the right shape.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Token> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == self.0)
            .and_then(|(_, value)| hex::decode(value).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Token)
    }

    /// The cookie that hands out a token for `lifetime` seconds. Not `Secure`: the box answers
    /// plain HTTP on the home network.
    pub(super) fn hand_out(&self, token: &Token, lifetime: u64) -> SessionCookie {
        self.cookie(&hex::encode(token.0), lifetime)
    }

    /// The cookie that makes the browser forget its token.
    pub(super) fn forget(&self) -> SessionCookie {
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, lifetime: u64) -> SessionCookie {
        let name = &self.0;
        let text = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={lifetime}");
        // Only ASCII by construction; an empty header would merely log the browser out.
        let mut header =
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        SessionCookie(header)
    }
}

impl From<&seedbox_store::admin::Session> for dto::Session {
    fn from(session: &seedbox_store::admin::Session) -> Self {
        dto::Session {
            authenticated_at: session.authenticated_at.0,
            expires_at: session.expires_at.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_cookie_among_others() {
        let name = CookieName::of(&BoxId([0xab; 16]));
        let token = Token::generate().unwrap();
        let handed = name.hand_out(&token, 60);
        let pair = handed
            .header()
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        assert!(pair.starts_with("seedbox_abababab="), "{pair}");
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "other=1; seedbox_00000000=ff".parse().unwrap(),
        );
        assert!(name.find(&headers).is_none());
        headers.append(header::COOKIE, format!("a=b;  {pair}").parse().unwrap());
        assert!(name.find(&headers).unwrap().hash() == token.hash());
    }

    #[test]
    fn a_cookie_of_the_wrong_shape_is_none() {
        let name = CookieName::of(&BoxId([0; 16]));
        for value in ["", "zz", "00", &"0".repeat(66)] {
            let mut headers = HeaderMap::new();
            let cookie = format!("seedbox_00000000={value}");
            headers.append(header::COOKIE, cookie.parse().unwrap());
            assert!(name.find(&headers).is_none(), "{value}");
        }
    }
}
