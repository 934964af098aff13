//! Which offsets of a log are taken: all below a low mark, and ranges above it.

use minicbor::{Decode, Encode};

/// A set of offsets that grows from below. Half-open ranges `(from, to)`, sorted, apart, and above `low`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Taken {
    /// Every offset below is taken, this one is not.
    #[n(0)]
    low: u64,
    #[n(1)]
    above: Vec<(u64, u64)>,
}

impl Taken {
    pub(crate) fn below(low: u64) -> Taken {
        Taken { low, above: Vec::new() }
    }

    pub(crate) fn low(&self) -> u64 {
        self.low
    }

    pub(crate) fn contains(&self, offset: u64) -> bool {
        if offset < self.low {
            return true;
        }
        let behind = self.above.partition_point(|(from, _)| *from <= offset);
        behind > 0 && offset < self.above[behind - 1].1
    }

    /// Takes the offsets `from..to`.
    pub(crate) fn take(&mut self, from: u64, to: u64) {
        let from = from.max(self.low);
        if from >= to {
            return;
        }
        // All ranges that touch the new one melt into it.
        let first = self.above.partition_point(|(_, end)| *end < from);
        let last = self.above.partition_point(|(start, _)| *start <= to);
        let melted = self.above[first..last]
            .iter()
            .fold((from, to), |(from, to), (start, end)| (from.min(*start), to.max(*end)));
        self.above.splice(first..last, [melted]);
        if self.above[0].0 == self.low {
            self.low = self.above.remove(0).1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(low in 0_u64..5, takes in proptest::collection::vec((0_u64..60, 0_u64..8), 0..40)) {
            let mut taken = Taken::below(low);
            let mut model: BTreeSet<u64> = (0..low).collect();
            for (from, length) in takes {
                taken.take(from, from + length);
                model.extend(from..from + length);
                for offset in 0..80 {
                    prop_assert_eq!(taken.contains(offset), model.contains(&offset), "{} in {:?}", offset, taken);
                }
                prop_assert!(!model.contains(&taken.low()));
                // In its least form: sorted and apart, so its size is that of the gaps.
                let mut end = taken.low();
                for (from, to) in &taken.above {
                    prop_assert!(end < *from && from < to, "{:?}", taken);
                    end = *to;
                }
            }
            let bytes = minicbor::to_vec(&taken).unwrap();
            prop_assert_eq!(minicbor::decode::<Taken>(&bytes).unwrap(), taken);
        }
    }
}
