//! What can be done with a body without touching its bytes.

use std::ops::Range;

use bytes::Bytes;
use eddy_store::{Batch, BlobId};

use crate::cipher::Cipher;
use crate::error::Error;
use crate::keys;
use crate::limits::{EXTENTS_MAX, HEAD_BODY_BYTES_MAX};
use crate::rows::{Body, Extent, ForeignHold, encode};

/// Roughly what an extent or a mark of a part takes in a row.
const ENTRY_BYTES: usize = 64;

/// A share in another bucket's blobs that is no longer needed, and must be given back there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Debt {
    pub(crate) hold: ForeignHold,
    pub(crate) holder: String,
}

impl Body {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        match &self.inline {
            Some(bytes) => bytes.len() as u64,
            None => self.extents.iter().map(|extent| extent.length).sum(),
        }
    }

    /// Whether it may stand in the head row.
    pub(crate) fn fits_in_head(&self) -> bool {
        let inline = self.inline.as_ref().map_or(0, bytes::Bytes::len);
        inline + (self.extents.len() + self.parts.len()) * ENTRY_BYTES <= HEAD_BODY_BYTES_MAX
    }

    /// Inline bytes as they were written.
    pub(crate) fn open(&self, cipher: &Cipher) -> Option<Bytes> {
        let bytes = self.inline.clone()?;
        self.salt.map(|salt| cipher.row(salt).turn(bytes))
    }

    /// The extents of a range; none of inline bytes, which are encrypted as a whole. The holds stay as they are; parts
    /// are not carried over.
    pub(crate) fn cut(&self, range: &Range<u64>) -> Body {
        let mut at = 0;
        let mut extents = Vec::new();
        for extent in &self.extents {
            let (start, end) = (at, at + extent.length);
            at = end;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                let offset = extent.offset + (from - start);
                extents.push(Extent { offset, length: to - from, ..extent.clone() });
            }
        }
        Body { extents, foreign: self.foreign.clone(), ..Body::default() }
    }

    /// One body out of several, whose shares it takes over.
    ///
    /// # Errors
    /// [`Error::TooManyExtents`].
    pub(crate) fn join<'a>(bodies: impl IntoIterator<Item = &'a Body>) -> Result<Body, Error> {
        let mut whole = Body::default();
        for body in bodies {
            let base = u32::try_from(whole.foreign.len()).map_err(|_| Error::TooManyExtents)?;
            whole.foreign.extend(body.foreign.iter().cloned());
            whole.extents.extend(body.extents.iter().map(|extent| Extent {
                foreign: extent.foreign.map(|index| base + index),
                ..extent.clone()
            }));
            if whole.extents.len() > EXTENTS_MAX {
                return Err(Error::TooManyExtents);
            }
        }
        Ok(whole)
    }

    /// The hold by which an extent is shared; none for a blob of the body's own bucket.
    pub(crate) fn hold_of(&self, extent: &Extent) -> Option<&ForeignHold> {
        extent.foreign.and_then(|index| self.foreign.get(index as usize))
    }

    /// The blobs that are counted in the body's own bucket, one entry for each extent.
    pub(crate) fn own_blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        self.extents.iter().filter(|extent| extent.foreign.is_none()).map(|extent| extent.blob)
    }

    /// Drops the body from a row of `bucket`: gives its own blobs back in this batch, and writes down what is
    /// owed elsewhere.
    pub(crate) fn release(&self, batch: &mut Batch, bucket: &str) -> Vec<Debt> {
        for blob in self.own_blobs() {
            batch.release(blob, keys::bucket(bucket));
        }
        self.foreign.iter().map(|share| owe(batch, bucket, share)).collect()
    }
}

fn owe(batch: &mut Batch, bucket: &str, share: &ForeignHold) -> Debt {
    batch.delete(keys::foreign(bucket, share.hold));
    let row = crate::rows::Foreign { home: share.home.clone() };
    batch.put(keys::debt(bucket, share.hold), encode(&row));
    Debt { hold: share.clone(), holder: bucket.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A body of these extent lengths over blobs whose bytes number themselves, so that ranges can be compared.
    fn body(lengths: &[u64]) -> Body {
        let extent = |(index, length): (usize, &u64)| Extent {
            blob: BlobId::from_bytes([u8::try_from(index).expect("few extents"); 16]),
            offset: 10,
            length: *length,
            foreign: None,
        };
        Body { extents: lengths.iter().enumerate().map(extent).collect(), ..Body::default() }
    }

    /// Each byte as (blob, position in it).
    fn bytes_of(body: &Body) -> Vec<(BlobId, u64)> {
        let bytes = |extent: &Extent| {
            let blob = extent.blob;
            (extent.offset..extent.offset + extent.length).map(move |at| (blob, at))
        };
        body.extents.iter().flat_map(bytes).collect()
    }

    proptest! {
        #[test]
        fn a_cut_has_the_bytes_of_its_range(lengths in proptest::collection::vec(1u64..9, 1..6), from in 0u64..60, span in 0u64..60) {
            let whole = body(&lengths);
            let (from, to) = (from.min(whole.size()), (from + span).min(whole.size()));
            let expected = bytes_of(&whole)[usize::try_from(from).expect("small")..usize::try_from(to).expect("small")].to_vec();
            prop_assert_eq!(bytes_of(&whole.cut(&(from..to))), expected);
        }

        #[test]
        fn what_is_cut_joins_again(lengths in proptest::collection::vec(1u64..9, 1..6), at in 0u64..60) {
            let whole = body(&lengths);
            let at = at.min(whole.size());
            let joined = Body::join([&whole.cut(&(0..at)), &whole.cut(&(at..whole.size()))]).expect("few extents");
            prop_assert_eq!(bytes_of(&joined), bytes_of(&whole));
        }
    }

    #[test]
    fn joined_bodies_keep_their_holds_apart() {
        let share = |byte| ForeignHold { home: "h".into(), hold: eddy_base::Id::from_bytes([byte; 16]) };
        let part = |byte| {
            let mut part = body(&[3]);
            part.extents[0].foreign = Some(0);
            part.foreign = vec![share(byte)];
            part
        };
        let whole = Body::join([&part(1), &body(&[2]), &part(2)]).expect("few extents");
        let holds: Vec<_> = whole.extents.iter().map(|extent| whole.hold_of(extent).cloned()).collect();
        assert_eq!(holds, [Some(share(1)), None, Some(share(2))]);
    }
}
