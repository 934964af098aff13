//! The store's own rows, and the header of every row. The keys are `00 00 00` (the store's tag, a cell part of
//! no length), a letter for the kind, and what the table says.
//!
//! | key | value | who writes it | absent when |
//! |---|---|---|---|
//! | `m` | [`Chain`] | each group, in its batch | nothing was ever committed |
//! | `s start(4)` | empty | open; removed by a clean close, or once that start's blobs were checked | that start ended well |
//! | `l log-key` | [`Head`](crate::log::Head) | each group that appends to the log or truncates it | nothing was ever appended |
//! | `t log-key` | first offset not yet deleted (8, big-endian) | a truncation of a log that is kept for ever; removed when its records are deleted | nothing is left to delete |
//! | `a attempt(16)` | [`Answer`] | a batch with an attempt; expires after 10 minutes | no such attempt lately |
//! | `b blob(16)` | [`Count`] | holds and releases | no row names the blob |
//! | `g blob(16)` | empty | the release of the last reference; removed with the file | the blob is alive or gone |
//!
//! Values are CBOR maps with integer keys, except where a width is given. Integers in keys are big-endian.

use bytes::{BufMut, Bytes, BytesMut};
use eddy_base::Timestamp;
use minicbor::{Decode, Encode};

use crate::blob::BlobId;
use crate::durable::{Pos, Row};
use crate::engine::EngineError;
use crate::key::{Key, Range};

/// How far the store has come, and a checksum over everything that was ever written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Chain {
    /// The position of the last commit of the group.
    #[n(0)]
    pub(crate) pos: Pos,
    /// CRC-64/NVME over the previous hash and the rows of the group.
    #[n(1)]
    pub(crate) hash: u64,
    /// How often the store was opened to write. Blob ids carry it.
    #[n(2)]
    pub(crate) start: u32,
}

impl Chain {
    /// The state from which to go on when commits up to another are lost: no position and no start is given twice.
    pub(crate) fn beyond(self, lost: Chain) -> Chain {
        Chain { pos: self.pos.max(lost.pos), start: self.start.max(lost.start), ..self }
    }

    /// Nothing was ever committed: there were only starts, and none of them ended.
    pub(crate) fn is_unused(self) -> bool {
        self.pos.0 == u64::from(self.start)
    }
}

/// What an attempt was answered.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Answer {
    #[n(0)]
    pub(crate) pos: Pos,
    #[n(1)]
    pub(crate) offsets: Vec<u64>,
    #[n(2)]
    pub(crate) outputs: Vec<minicbor::bytes::ByteVec>,
}

/// How many rows name a blob.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Count {
    #[n(0)]
    pub(crate) holds: u64,
    /// The cell that the count lives in, encoded.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) home: Vec<u8>,
}

/// A row's value with what only the store looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) row: Row,
    pub(crate) until: Option<Timestamp>,
}

pub(crate) const STORE_TAG: u8 = 0;

/// The kinds of the store's own rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Start = b's' as isize,
    Head = b'l' as isize,
    Truncation = b't' as isize,
    Attempt = b'a' as isize,
    Count = b'b' as isize,
    Garbage = b'g' as isize,
}

pub(crate) fn chain() -> Bytes {
    Bytes::from_static(&[STORE_TAG, 0, 0, b'm'])
}

pub(crate) fn start(number: u32) -> Bytes {
    own(Kind::Start, &number.to_be_bytes())
}

/// The head of a log, by the bytes of the log's key.
pub(crate) fn head(log: &[u8]) -> Bytes {
    own(Kind::Head, log)
}

/// The truncation of a log, by the bytes of the log's key.
pub(crate) fn truncation(log: &[u8]) -> Bytes {
    own(Kind::Truncation, log)
}

pub(crate) fn attempt(id: &[u8; 16]) -> Bytes {
    own(Kind::Attempt, id)
}

pub(crate) fn count(blob: BlobId) -> Bytes {
    own(Kind::Count, blob.as_bytes())
}

pub(crate) fn garbage(blob: BlobId) -> Bytes {
    own(Kind::Garbage, blob.as_bytes())
}

/// All the store's rows of one kind.
pub(crate) fn all(kind: Kind) -> Range {
    Range::prefix(own(kind, &[]))
}

/// What follows the kind in one of the store's own keys.
pub(crate) fn rest(key: &Key) -> &[u8] {
    &key.as_bytes()[OWN_BYTES..]
}

/// A record's key in its segment: the log's key, then the offset.
pub(crate) fn record(log: &[u8], offset: u64) -> Bytes {
    let mut key = BytesMut::with_capacity(log.len() + 8);
    key.put_slice(log);
    key.put_u64(offset);
    key.freeze()
}

/// The offset of a record's key.
pub(crate) fn record_offset(key: &[u8]) -> Result<u64, EngineError> {
    let offset = key.last_chunk::<8>().ok_or(EngineError::corrupt("a record's key is too short"))?;
    Ok(u64::from_be_bytes(*offset))
}

/// `0 | committed at, milliseconds (8, little-endian) | value`.
pub(crate) fn record_value(at: Timestamp, value: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(9 + value.len());
    bytes.put_u8(PLAIN);
    bytes.put_i64_le(at.millis());
    bytes.put_slice(value);
    bytes.freeze()
}

pub(crate) fn read_record(bytes: &Bytes) -> Result<(Timestamp, Bytes), EngineError> {
    let at = match bytes.first_chunk::<9>() {
        Some([PLAIN, at @ ..]) => i64::from_le_bytes(*at),
        Some(_) | None => return Err(EngineError::corrupt("a record has an unknown header")),
    };
    Ok((Timestamp::from_millis(at), bytes.slice(9..)))
}

const PLAIN: u8 = 0;
const EXPIRING: u8 = 1;

impl Stored {
    pub(crate) fn new(pos: Pos, value: impl Into<Bytes>) -> Stored {
        Stored { row: Row { pos, value: value.into() }, until: None }
    }

    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// `0 | position (8) | value`, or `1 | position (8) | hidden from, milliseconds (8) | value`; little-endian.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(17 + self.row.value.len());
        bytes.put_u8(if self.until.is_some() { EXPIRING } else { PLAIN });
        bytes.put_u64_le(self.row.pos.0);
        if let Some(until) = self.until {
            bytes.put_i64_le(until.millis());
        }
        bytes.put_slice(&self.row.value);
        bytes.freeze()
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Stored, EngineError> {
        let unknown = EngineError::corrupt("a row has an unknown header");
        let Some((head, _)) = bytes.split_first_chunk::<9>() else { return Err(unknown) };
        let [kind, pos @ ..] = *head;
        let (until, start) = match kind {
            PLAIN => (None, 9),
            EXPIRING => (Some(read_until(bytes).ok_or(unknown)?), 17),
            _ => return Err(unknown),
        };
        Ok(Stored { row: Row { pos: Pos(u64::from_le_bytes(pos)), value: bytes.slice(start..) }, until })
    }
}

/// Whether an encoded row is past its time. For compaction, which must not fail: what it cannot read it keeps.
pub(crate) fn is_expired(bytes: &[u8], now: Timestamp) -> bool {
    bytes.first() == Some(&EXPIRING) && read_until(bytes).is_some_and(|until| until <= now)
}

fn read_until(bytes: &[u8]) -> Option<Timestamp> {
    let until = bytes.get(9..17)?.first_chunk::<8>()?;
    Some(Timestamp::from_millis(i64::from_le_bytes(*until)))
}

/// Tag, a cell part of no length, kind.
const OWN_BYTES: usize = 4;

fn own(kind: Kind, rest: &[u8]) -> Bytes {
    let mut key = BytesMut::with_capacity(OWN_BYTES + rest.len());
    key.put_slice(&[STORE_TAG, 0, 0, kind as u8]);
    key.put_slice(rest);
    key.freeze()
}
