//! How [`Bytes`] stand in a stored value: as a CBOR byte string, or null.

/// For `#[cbor(with = "crate::cbor::optional")]` on an `Option<Bytes>`.
pub(crate) mod optional {
    use bytes::Bytes;
    use minicbor::encode::Write;
    use minicbor::{Decoder, Encoder, data};

    pub(crate) fn encode<C, W: Write>(
        bytes: &Option<Bytes>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match bytes {
            Some(bytes) => e.bytes(bytes)?.ok(),
            None => e.null()?.ok(),
        }
    }

    pub(crate) fn decode<C>(
        d: &mut Decoder<'_>,
        _: &mut C,
    ) -> Result<Option<Bytes>, minicbor::decode::Error> {
        if d.datatype()? == data::Type::Null {
            d.skip()?;
            return Ok(None);
        }
        d.bytes().map(|bytes| Some(Bytes::copy_from_slice(bytes)))
    }

    /// What stands for a missing map entry.
    pub(crate) fn nil() -> Option<Option<Bytes>> {
        Some(None)
    }

    pub(crate) fn is_nil(bytes: &Option<Bytes>) -> bool {
        bytes.is_none()
    }
}
