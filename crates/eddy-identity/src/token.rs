//! Session tokens that carry everything they stand for.
//!
//! A token is the session, sealed with AES-256-GCM under a key of this installation; its secret is derived
//! from the access key under another. So nothing is kept per session, and any process that holds the sealing
//! key can check any token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::{Env, Timestamp};
use ring::{aead, hmac};

use crate::{Keys, Refused, Session};

/// First byte of a token: the format of what follows.
const FORMAT: u8 = 1;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 4096;

/// Seals and opens tokens.
pub(crate) struct Sealer {
    seal: aead::LessSafeKey,
    secrets: hmac::Key,
}

impl Sealer {
    /// Both keys come from the installation's one.
    pub(crate) fn new(sealing_key: &[u8; 32]) -> Sealer {
        let root = hmac::Key::new(hmac::HMAC_SHA256, sealing_key);
        let derived = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let seal = aead::UnboundKey::new(&aead::AES_256_GCM, derived("session token").as_ref());
        Sealer {
            seal: aead::LessSafeKey::new(seal.expect("a SHA-256 is as long as the key")),
            secrets: hmac::Key::new(hmac::HMAC_SHA256, derived("session secret").as_ref()),
        }
    }

    pub(crate) fn issue(&self, env: &dyn Env, session: &Session) -> Keys {
        let access_key = random_key("ASIA", env);
        let mut nonce = [0; aead::NONCE_LEN];
        env.fill_random(&mut nonce);
        let mut sealed = minicbor::to_vec(session).expect("writing to memory does not fail");
        self.seal
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(access_key.as_bytes()),
                &mut sealed,
            )
            .expect("a session is far shorter than what AES-GCM can seal");
        let mut token = vec![FORMAT];
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&sealed);
        Keys { secret_key: self.secret(&access_key), token: BASE64.encode(token), access_key }
    }

    /// The secret of a temporary access key.
    pub(crate) fn secret(&self, access_key: &str) -> String {
        let mut secret = BASE64.encode(hmac::sign(&self.secrets, access_key.as_bytes()));
        secret.truncate(40);
        secret
    }

    pub(crate) fn open(&self, access_key: &str, token: &str, now: Timestamp) -> Result<Session, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::BadToken);
        }
        let mut bytes = BASE64.decode(token).map_err(|_| Refused::BadToken)?;
        if bytes.len() < 1 + aead::NONCE_LEN || bytes[0] != FORMAT {
            return Err(Refused::BadToken);
        }
        let (head, sealed) = bytes.split_at_mut(1 + aead::NONCE_LEN);
        let nonce = aead::Nonce::try_assume_unique_for_key(&head[1..]).map_err(|_| Refused::BadToken)?;
        let opened = self.seal.open_in_place(nonce, aead::Aad::from(access_key.as_bytes()), sealed);
        let session: Session =
            minicbor::decode(opened.map_err(|_| Refused::BadToken)?).map_err(|_| Refused::BadToken)?;
        if session.until <= now { Err(Refused::ExpiredToken) } else { Ok(session) }
    }
}

/// An access key id: a prefix that says what kind it is, and 16 random letters and digits.
pub(crate) fn random_key(prefix: &str, env: &dyn Env) -> String {
    random_name::<16>(prefix, env)
}

/// A prefix, and so many random letters and digits.
pub(crate) fn random_name<const LETTERS: usize>(prefix: &str, env: &dyn Env) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = [0; LETTERS];
    env.fill_random(&mut random);
    let letters = random.iter().map(|byte| ALPHABET[usize::from(byte & 31)] as char);
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eddy_base::{Scope, System};

    fn session(until: Timestamp) -> Session {
        Session {
            scope: Scope { account: Default::default(), region: Default::default() },
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            function: "f".to_owned(),
            environment: "e".to_owned(),
            until,
        }
    }

    #[test]
    fn a_token_gives_its_session_back_to_its_own_key_only() {
        let (env, sealer) = (System::default(), Sealer::new(&[7; 32]));
        let session = session(Timestamp::from_seconds(100));
        let keys = sealer.issue(&env, &session);
        let now = Timestamp::from_seconds(99);
        assert_eq!(sealer.open(&keys.access_key, &keys.token, now), Ok(session));
        assert_eq!(sealer.secret(&keys.access_key), keys.secret_key);
        assert_eq!(keys.secret_key.len(), 40);
        assert_eq!(sealer.open("ASIAOTHER", &keys.token, now), Err(Refused::BadToken));
        assert_eq!(Sealer::new(&[8; 32]).open(&keys.access_key, &keys.token, now), Err(Refused::BadToken));
        let end = Timestamp::from_seconds(100);
        assert_eq!(sealer.open(&keys.access_key, &keys.token, end), Err(Refused::ExpiredToken));
        for cut in 0..keys.token.len() {
            assert_eq!(sealer.open(&keys.access_key, &keys.token[..cut], now), Err(Refused::BadToken));
        }
    }
}
