//! Puts an object together from its parts. No bytes move: the object's row takes over the parts' extents.

use std::collections::HashMap;

use eddy_base::Timestamp;
use eddy_store::{Batch, Snapshot};
use md5::{Digest, Md5};

use super::{UploadName, drop_parts, end, find};
use crate::body::Debt;
use crate::bucket;
use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::conditions::When;
use crate::error::Error;
use crate::event::{By, Kind};
use crate::limits::{ATTEMPTS_MAX, PART_BYTES_MIN};
use crate::object::{self, Slot, Stored};
use crate::rows::{Body, Etag, Head, Part, PartMark, Upload};
use crate::{Answer, Objects};

/// An upload to be completed.
pub struct Completion<'a> {
    pub upload: UploadName<'a>,
    /// The object's parts, in the order of its bytes.
    pub parts: &'a [PartName],
    /// What the client says that the object's checksum is.
    pub checksum: Option<Checksum>,
    /// What the client says that the object's size is, in bytes.
    pub size: Option<u64>,
    pub when: When,
    pub by: &'a By,
}

/// A part, as the client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    pub number: u32,
    /// Without quotes.
    pub etag: String,
    pub checksum: Option<(Algorithm, Vec<u8>)>,
}

impl Objects {
    /// Completes an upload. Done already with the same parts is a success that changes nothing.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchUpload`], [`Error::PartsOutOfOrder`], [`Error::NoSuchPart`],
    /// [`Error::PartTooSmall`], [`Error::TooManyExtents`], [`Error::SizeMismatch`], [`Error::ChecksumMismatch`],
    /// what [`When::check`] says, [`Error::Contended`]; whatever the store says.
    pub async fn complete_upload(&self, completion: &Completion<'_>) -> Result<Answer<Stored>, Error> {
        if let Some(done) = self.completed_before(completion)? {
            return Ok(done);
        }
        let modified = self.now();
        for _ in 0..ATTEMPTS_MAX {
            let snapshot = self.store.snapshot();
            let uploaded = self.parts(&snapshot, completion.upload).await?;
            let (batch, planned) = self.plan_completion(&snapshot, completion, &uploaded, modified)?;
            if let Some(completed) = self.attempt(batch, planned).await? {
                self.pay(&completed.value().1).await;
                return Ok(Answer::Changed(completed.map(|(stored, _)| stored)));
            }
        }
        Err(Error::Contended)
    }

    fn plan_completion(
        &self,
        snapshot: &Snapshot,
        completion: &Completion<'_>,
        uploaded: &[(u32, Part)],
        modified: Timestamp,
    ) -> Result<(Batch, (Stored, Vec<Debt>)), Error> {
        let name = completion.upload;
        let bucket = bucket::require(snapshot, name.bucket)?;
        let (upload, _) = find(snapshot, name)?.ok_or(Error::NoSuchUpload)?;
        let chosen = choose(completion.parts, uploaded)?;
        let body = put_together(&chosen)?;
        let head = Head {
            size: body.size(),
            etag: etag(&chosen),
            modified,
            checksum: Some(checksum(&upload, &chosen)),
            description: upload.description,
            upload: Some(*name.id),
            parts: Some(count(&chosen)),
            cause: completion.by.cause,
            body: None,
        };
        check_announced(completion, &head)?;
        let slot = Slot::read(snapshot, &bucket, name.key)?;
        completion.when.check(slot.head())?;
        let mut batch = Batch::new();
        let mut debts = drop_parts(&mut batch, name, uploaded, &chosen);
        end(snapshot, &mut batch, name)?;
        debts.extend(slot.fill(&mut batch, head.clone(), body, &upload.tags));
        self.tell(&mut batch, &slot, Kind::CreatedMultipart, Some(&head), completion.by);
        Ok((batch, (Stored::of(&head), debts)))
    }

    /// The object, when this upload became it with these parts: a client that did not hear the first answer asks
    /// again.
    fn completed_before(&self, completion: &Completion<'_>) -> Result<Option<Answer<Stored>>, Error> {
        let snapshot = self.store.snapshot();
        let name = completion.upload;
        if find(&snapshot, name)?.is_some() {
            return Ok(None);
        }
        let Some((head, _)) = object::find(&snapshot, name.bucket, name.key)? else { return Ok(None) };
        let same = head.upload == Some(*name.id) && named_etag(completion.parts) == Some(head.etag);
        Ok(same.then(|| Answer::Unchanged(Stored::of(&head), snapshot.pos())))
    }
}

/// Holds the named parts against those that were uploaded.
fn choose<'p>(named: &[PartName], uploaded: &'p [(u32, Part)]) -> Result<Vec<(u32, &'p Part)>, Error> {
    if !named.is_sorted_by(|one, other| one.number < other.number) {
        return Err(Error::PartsOutOfOrder);
    }
    let by_number: HashMap<u32, &Part> = uploaded.iter().map(|(number, part)| (*number, part)).collect();
    let mut chosen = Vec::with_capacity(named.len());
    for name in named {
        let part = by_number.get(&name.number).filter(|part| is(part, name));
        chosen.push((name.number, *part.ok_or(Error::NoSuchPart { number: name.number })?));
    }
    let small = chosen.iter().rev().skip(1).rev().find(|(_, part)| part.size < PART_BYTES_MIN);
    match small {
        Some((number, part)) => {
            Err(Error::PartTooSmall { number: *number, size: part.size, etag: part.etag().to_string() })
        }
        None => Ok(chosen),
    }
}

fn is(part: &Part, name: &PartName) -> bool {
    let same_checksum = name.checksum.as_ref().is_none_or(|(algorithm, value)| {
        part.checksum.algorithm == *algorithm && part.checksum.value == *value
    });
    part.etag().to_string() == name.etag && same_checksum
}

impl Part {
    pub fn etag(&self) -> Etag {
        Etag { md5: self.md5, parts: None }
    }
}

fn put_together(chosen: &[(u32, &Part)]) -> Result<Body, Error> {
    let mut body = Body::join(chosen.iter().map(|(_, part)| &part.body))?;
    body.parts = chosen
        .iter()
        .map(|(number, part)| PartMark {
            number: *number,
            size: part.size,
            checksum: part.checksum.value.clone(),
        })
        .collect();
    Ok(body)
}

fn count(chosen: &[(u32, &Part)]) -> u32 {
    u32::try_from(chosen.len()).expect("there are at most PART_NUMBER_MAX parts")
}

/// MD5 over the parts' MD5s.
fn etag(chosen: &[(u32, &Part)]) -> Etag {
    let mut md5 = Md5::new();
    chosen.iter().for_each(|(_, part)| md5.update(part.md5));
    Etag { md5: md5.finalize().into(), parts: Some(count(chosen)) }
}

/// The ETag that parts of these names give; none when a name is no MD5.
fn named_etag(named: &[PartName]) -> Option<Etag> {
    let mut md5 = Md5::new();
    for name in named {
        if name.etag.len() != 32 || !name.etag.is_ascii() {
            return None;
        }
        for at in (0..32).step_by(2) {
            md5.update([u8::from_str_radix(&name.etag[at..at + 2], 16).ok()?]);
        }
    }
    Some(Etag { md5: md5.finalize().into(), parts: Some(u32::try_from(named.len()).ok()?) })
}

fn checksum(upload: &Upload, chosen: &[(u32, &Part)]) -> Checksum {
    let values = chosen.iter().map(|(_, part)| (part.checksum.value.as_slice(), part.size));
    let whole = match upload.coverage {
        Coverage::Whole => upload.algorithm.combine(values.clone()),
        Coverage::Parts => None,
    };
    let (coverage, value) = match whole {
        Some(value) => (Coverage::Whole, value),
        None => {
            let values: Vec<u8> = values.flat_map(|(value, _)| value.iter().copied()).collect();
            (Coverage::Parts, upload.algorithm.of(&values))
        }
    };
    Checksum { algorithm: upload.algorithm, coverage, value }
}

fn check_announced(completion: &Completion<'_>, head: &Head) -> Result<(), Error> {
    if completion.size.is_some_and(|size| size != head.size) {
        return Err(Error::SizeMismatch { size: head.size });
    }
    if completion.checksum.is_some() && completion.checksum != head.checksum {
        return Err(Error::ChecksumMismatch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(bytes: &[u8], size: u64) -> Part {
        Part {
            size,
            md5: Md5::digest(bytes).into(),
            modified: Timestamp::EPOCH,
            checksum: Checksum {
                algorithm: Algorithm::Crc32,
                coverage: Coverage::Whole,
                value: Algorithm::Crc32.of(bytes),
            },
            body: Body::default(),
        }
    }

    fn name(number: u32, part: &Part) -> PartName {
        PartName { number, etag: part.etag().to_string(), checksum: None }
    }

    #[test]
    fn parts_are_held_against_what_was_uploaded() {
        let uploaded = vec![(1, part(b"a", PART_BYTES_MIN)), (2, part(b"b", 1)), (7, part(b"c", 1))];
        let [one, two, seven] = [&uploaded[0], &uploaded[1], &uploaded[2]].map(|(n, part)| name(*n, part));
        let check = |names: &[&PartName], expected: &str| {
            let names: Vec<PartName> = names.iter().map(|name| (*name).clone()).collect();
            let outcome = match choose(&names, &uploaded) {
                Ok(chosen) => format!("{} parts", chosen.len()),
                Err(error) => error.to_string(),
            };
            assert_eq!(outcome, expected, "{names:?}");
        };
        check(&[&one, &two], "2 parts");
        check(&[&seven], "1 parts");
        check(&[&two, &one], "the parts are not in ascending order");
        check(&[&one, &one], "the parts are not in ascending order");
        check(&[&one, &two, &seven], "part 2 is smaller than the minimum");
        let other = PartName { number: 3, ..one.clone() };
        check(&[&one, &other], "part 3 was not uploaded or has another ETag or checksum");
        let wrong = PartName { checksum: Some((Algorithm::Crc32, vec![0; 4])), ..two.clone() };
        check(&[&one, &wrong], "part 2 was not uploaded or has another ETag or checksum");
    }

    #[test]
    fn the_etag_is_the_md5_of_md5s() {
        let (one, two) = (part(b"hello ", 6), part(b"world", 5));
        let chosen = [(1, &one), (2, &two)];
        let joined = [Md5::digest(b"hello "), Md5::digest(b"world")].concat();
        let expected = Etag { md5: Md5::digest(joined).into(), parts: Some(2) };
        assert_eq!(etag(&chosen), expected);
        assert_eq!(named_etag(&[name(1, &one), name(2, &two)]), Some(expected));
        assert!(expected.to_string().ends_with("-2"));
    }

    proptest! {
        #[test]
        fn a_whole_checksum_is_that_of_the_bytes(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..5)) {
            let parts: Vec<Part> = pieces.iter().map(|bytes| part(bytes, bytes.len() as u64)).collect();
            let chosen: Vec<(u32, &Part)> = (1..).zip(&parts).collect();
            let upload = Upload {
                initiated: Timestamp::EPOCH,
                description: Default::default(),
                tags: Vec::new(),
                algorithm: Algorithm::Crc32,
                coverage: Coverage::Whole,
                chosen: true,
                principal: String::new(),
            };
            prop_assert_eq!(checksum(&upload, &chosen).value, Algorithm::Crc32.of(&pieces.concat()));
            let composite = checksum(&Upload { coverage: Coverage::Parts, ..upload }, &chosen);
            prop_assert_eq!(composite.coverage, Coverage::Parts);
        }
    }
}
