//! Keys that sort as their parts do, and name the cell that owns them.
//!
//! A key is `tag | length of the cell part (2 bytes) | cell part | row part`. The tag is its crate's, the cell
//! part names what must be ordered together (a queue, a bucket), the row part the row in it. Text and bytes are
//! written with 00 as 00 FF and end with 00 01, so no part is another's prefix and a composed key sorts part
//! by part; integers are big-endian. Rows sort within a cell; between cells the order means nothing.

use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

/// A crate's name space: the first byte of all its keys. Registered at open, doubles are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Space {
    pub tag: u8,
    pub name: &'static str,
}

/// Names one row.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Bytes);

/// Names what is ordered and changed together, and has one owner.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(Bytes);

/// Writes the cell part of a key.
#[derive(Clone)]
pub struct KeyBuilder(Vec<u8>);

/// Writes the row part of a key.
#[derive(Clone)]
pub struct RowBuilder(Vec<u8>);

/// Reads the parts of a key back, in order.
#[derive(Clone)]
pub struct KeyReader<'a> {
    cell: &'a [u8],
    row: &'a [u8],
}

/// Rows between two bounds of encoded keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    pub from: Bound<Bytes>,
    pub to: Bound<Bytes>,
}

/// The bytes are not the key that the reader expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored key does not have the parts it should")]
pub struct BadKey;

/// Tag and length of the cell part.
const HEAD_BYTES: usize = 3;

impl Space {
    /// `tag` is any byte but zero, which is the store's own.
    pub const fn new(tag: u8, name: &'static str) -> Space {
        assert!(tag != 0, "tag 0 is the store's own");
        Space { tag, name }
    }

    pub fn key(self) -> KeyBuilder {
        KeyBuilder(vec![self.tag, 0, 0])
    }

    /// Every row of the space: for indexes that are rebuilt at start.
    pub fn range(self) -> Range {
        Range::prefix(Bytes::copy_from_slice(&[self.tag]))
    }
}

impl KeyBuilder {
    #[must_use]
    pub fn text(self, part: &str) -> KeyBuilder {
        self.bytes(part.as_bytes())
    }

    #[must_use]
    pub fn bytes(mut self, part: &[u8]) -> KeyBuilder {
        put_escaped(&mut self.0, part);
        put_end(&mut self.0);
        self
    }

    #[must_use]
    pub fn u64(mut self, part: u64) -> KeyBuilder {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    #[must_use]
    pub fn i64(self, part: i64) -> KeyBuilder {
        self.u64(ordered(part))
    }

    #[must_use]
    pub fn u8(mut self, part: u8) -> KeyBuilder {
        self.0.push(part);
        self
    }

    /// Ends the cell part; what follows is the row.
    ///
    /// # Panics
    /// When the cell part is longer than 65,535 bytes, which no validated name is.
    pub fn cell(mut self) -> RowBuilder {
        let length = u16::try_from(self.0.len() - HEAD_BYTES).expect("names are bounded far below 64 KiB");
        self.0[1..HEAD_BYTES].copy_from_slice(&length.to_be_bytes());
        RowBuilder(self.0)
    }
}

impl RowBuilder {
    #[must_use]
    pub fn text(self, part: &str) -> RowBuilder {
        self.bytes(part.as_bytes())
    }

    #[must_use]
    pub fn bytes(mut self, part: &[u8]) -> RowBuilder {
        put_escaped(&mut self.0, part);
        put_end(&mut self.0);
        self
    }

    #[must_use]
    pub fn u64(mut self, part: u64) -> RowBuilder {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    #[must_use]
    pub fn i64(self, part: i64) -> RowBuilder {
        self.u64(ordered(part))
    }

    #[must_use]
    pub fn u8(mut self, part: u8) -> RowBuilder {
        self.0.push(part);
        self
    }

    pub fn key(self) -> Key {
        Key(self.0.into())
    }

    /// All rows whose keys begin with the parts given so far.
    pub fn prefix(self) -> Range {
        Range::prefix(self.0.into())
    }

    /// All rows whose next part is a text that begins with `start`.
    pub fn text_prefix(self, start: &str) -> Range {
        self.bytes_prefix(start.as_bytes())
    }

    /// All rows whose next part is a byte string that begins with `start`.
    pub fn bytes_prefix(mut self, start: &[u8]) -> Range {
        put_escaped(&mut self.0, start);
        Range::prefix(self.0.into())
    }
}

impl Key {
    /// Takes a key as the engine holds it.
    pub(crate) fn from_stored(bytes: Bytes) -> Result<Key, BadKey> {
        if bytes.len() < HEAD_BYTES || bytes.len() < cell_end(&bytes) {
            return Err(BadKey);
        }
        Ok(Key(bytes))
    }

    pub fn tag(&self) -> u8 {
        self.0[0]
    }

    pub fn cell(&self) -> Cell {
        Cell(self.0.slice(..cell_end(&self.0)))
    }

    pub(crate) fn same_cell(&self, other: &Key) -> bool {
        self.0[..cell_end(&self.0)] == other.0[..cell_end(&other.0)]
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Reads the parts after the tag, cell part first.
    pub fn reader(&self) -> KeyReader<'_> {
        let (cell, row) = self.0[HEAD_BYTES..].split_at(cell_end(&self.0) - HEAD_BYTES);
        KeyReader { cell, row }
    }

    /// Whether the key lies in the range.
    pub fn is_in(&self, range: &Range) -> bool {
        let is_behind_start = match &range.from {
            Bound::Included(from) => self.0 >= *from,
            Bound::Excluded(from) => self.0 > *from,
            Bound::Unbounded => true,
        };
        let is_before_end = match &range.to {
            Bound::Included(to) => self.0 <= *to,
            Bound::Excluded(to) => self.0 < *to,
            Bound::Unbounded => true,
        };
        is_behind_start && is_before_end
    }
}

impl Cell {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn tag(&self) -> u8 {
        self.0[0]
    }

    /// Every row of the cell.
    pub fn range(&self) -> Range {
        Range::prefix(self.0.clone())
    }
}

impl KeyReader<'_> {
    /// Passes over what is left of the cell part.
    pub fn skip_cell(&mut self) {
        self.cell = &[];
    }

    /// # Errors
    /// [`BadKey`], as from all readers here, when the next part is not of this kind.
    pub fn text(&mut self) -> Result<String, BadKey> {
        String::from_utf8(self.bytes()?).map_err(|_| BadKey)
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, BadKey> {
        let part = self.part();
        let mut plain = Vec::with_capacity(part.len());
        let mut at = 0;
        loop {
            match (part.get(at), part.get(at + 1)) {
                (Some(0), Some(0x01)) => break,
                (Some(0), Some(0xff)) => {
                    plain.push(0);
                    at += 2;
                }
                (Some(0), _) | (None, _) => return Err(BadKey),
                (Some(byte), _) => {
                    plain.push(*byte);
                    at += 1;
                }
            }
        }
        self.advance(at + 2);
        Ok(plain)
    }

    pub fn u64(&mut self) -> Result<u64, BadKey> {
        let bytes = self.part().first_chunk::<8>().ok_or(BadKey)?;
        let part = u64::from_be_bytes(*bytes);
        self.advance(8);
        Ok(part)
    }

    pub fn i64(&mut self) -> Result<i64, BadKey> {
        Ok(i64::from_ne_bytes((self.u64()? ^ SIGN).to_ne_bytes()))
    }

    pub fn u8(&mut self) -> Result<u8, BadKey> {
        let part = *self.part().first().ok_or(BadKey)?;
        self.advance(1);
        Ok(part)
    }

    /// Whether every part has been read.
    pub fn is_empty(&self) -> bool {
        self.cell.is_empty() && self.row.is_empty()
    }

    fn part(&self) -> &[u8] {
        if self.cell.is_empty() { self.row } else { self.cell }
    }

    fn advance(&mut self, bytes: usize) {
        let part = if self.cell.is_empty() { &mut self.row } else { &mut self.cell };
        *part = &part[bytes..];
    }
}

impl Range {
    /// All keys that begin with these bytes.
    pub fn prefix(start: Bytes) -> Range {
        let to = successor(&start).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()));
        Range { from: Bound::Included(start), to }
    }

    /// The part behind this key.
    #[must_use]
    pub fn after(self, key: &Key) -> Range {
        Range { from: Bound::Excluded(key.to_bytes()), ..self }
    }

    /// The part from this key on, itself included.
    #[must_use]
    pub fn starting(self, key: &Key) -> Range {
        Range { from: Bound::Included(key.to_bytes()), ..self }
    }

    /// The part before this key.
    #[must_use]
    pub fn until(self, key: &Key) -> Range {
        Range { to: Bound::Excluded(key.to_bytes()), ..self }
    }

    /// The part behind all of another range: to pass over a common prefix.
    #[must_use]
    pub fn beyond(self, other: &Range) -> Range {
        let from = match &other.to {
            Bound::Excluded(end) => Bound::Included(end.clone()),
            Bound::Included(end) => Bound::Excluded(end.clone()),
            Bound::Unbounded => return Range { to: Bound::Excluded(Bytes::new()), ..self },
        };
        Range { from, ..self }
    }

    /// Whether no key can be in it. Engines refuse or panic on bounds that cross.
    pub(crate) fn is_void(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Unbounded, Bound::Excluded(to)) => to.is_empty(),
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to) | Bound::Included(to)) => {
                from >= to
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = cell_end(&self.0);
        let (cell, row) = (&self.0[HEAD_BYTES..end], &self.0[end..]);
        write!(f, "{}:{}|{}", char::from(self.0[0]), cell.escape_ascii(), row.escape_ascii())
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", char::from(self.0[0]), self.0[HEAD_BYTES..].escape_ascii())
    }
}

const SIGN: u64 = 1 << 63;

/// Moves the sign so that negative numbers sort first.
fn ordered(part: i64) -> u64 {
    u64::from_ne_bytes(part.to_ne_bytes()) ^ SIGN
}

fn put_escaped(into: &mut Vec<u8>, part: &[u8]) {
    for byte in part {
        into.push(*byte);
        if *byte == 0 {
            into.push(0xff);
        }
    }
}

fn put_end(into: &mut Vec<u8>) {
    into.extend_from_slice(&[0x00, 0x01]);
}

fn cell_end(bytes: &[u8]) -> usize {
    HEAD_BYTES + usize::from(u16::from_be_bytes([bytes[1], bytes[2]]))
}

/// The first byte string behind all that begin with `start`; none when that is FF FF...
fn successor(start: &[u8]) -> Option<Vec<u8>> {
    let last = start.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = start[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
