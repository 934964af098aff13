//! How a [`Bytes`] stands in a stored value: as a CBOR byte string. For `#[cbor(with = "crate::cbor")]`.

use bytes::Bytes;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(crate) fn encode<C, W: Write>(
    bytes: &Bytes,
    e: &mut Encoder<W>,
    _: &mut C,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    e.bytes(bytes)?.ok()
}

pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Bytes, minicbor::decode::Error> {
    d.bytes().map(Bytes::copy_from_slice)
}
