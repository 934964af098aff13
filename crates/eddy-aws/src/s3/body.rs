//! Bodies between the wire and the engine.

use eddy_base::{Code, Fault, Subject};
use eddy_objects::{
    Algorithm, Checksum, Content, Coverage, Digests, Found, Writer, limits::UPLOAD_BYTES_MAX,
};
use eddy_wire::{Incoming, Outgoing};
use futures_util::stream;

use super::fault::{self, About};
use super::sums::{from_wire, to_wire};
use crate::Cx;

/// What a body is to become, which decides where its bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Object,
    Part,
}

/// Takes the request's body in. It is hashed once, by whoever holds it against what the client announced.
/// `algorithm` is the checksum to be kept; without it the one that the client sends, else CRC64NVME.
///
/// # Errors
/// No length, too long, not what was announced; whatever the engine says.
pub(super) async fn receive(
    cx: &Cx,
    mut incoming: Incoming,
    algorithm: Option<Algorithm>,
    purpose: Purpose,
) -> Result<Content, Fault> {
    if incoming.length().is_some_and(|length| length > UPLOAD_BYTES_MAX) {
        let fault = fault::too_large(incoming.length(), UPLOAD_BYTES_MAX);
        cx.leave(incoming);
        return Err(fault);
    }
    let declared = incoming.declared().map(from_wire);
    let algorithm = algorithm.or(declared).unwrap_or(Algorithm::Crc64Nvme);
    incoming.digest_md5();
    incoming.digest(to_wire(algorithm));
    let about = About::default();
    let mut writer = cx.engines.objects.writer();
    if let Err(fault) = fill(&mut writer, &mut incoming).await {
        cx.leave(incoming);
        return Err(fault);
    }
    let finished = incoming.finish().await?;
    let computed = finished.checksums.iter().find(|checksum| checksum.algorithm == to_wire(algorithm));
    let (Some(md5), Some(computed)) = (finished.md5, computed) else {
        return Err(Fault::internal("a digest that was asked for was not computed"));
    };
    let value = computed.value.to_vec();
    let digests = Digests { md5, checksum: Checksum { algorithm, coverage: Coverage::Whole, value } };
    let content = match purpose {
        Purpose::Object => writer.finish(digests).await,
        Purpose::Part => writer.finish_part(digests).await,
    };
    content.map_err(|error| about.fault(error))
}

async fn fill(writer: &mut Writer, incoming: &mut Incoming) -> Result<(), Fault> {
    while let Some(piece) = incoming.next().await? {
        writer.write(piece).await.map_err(|error| About::default().fault(error))?;
    }
    Ok(())
}

/// The request's body, which must say how long it is.
///
/// # Errors
/// 411 where nothing is said; 501 for chunks of HTTP, which S3 does not take in place of a length.
pub(super) fn sized(cx: &Cx) -> Result<Incoming, Fault> {
    let incoming = cx.incoming();
    if incoming.length().is_some() {
        return Ok(incoming);
    }
    let comes_in_chunks = !incoming.is_over();
    cx.leave(incoming);
    if comes_in_chunks {
        let text = "A header you provided implies functionality that is not implemented";
        return Err(fault::unsupported(text).with("Header", "Transfer-Encoding"));
    }
    let text = "You must provide the Content-Length HTTP header.";
    Err(fault::named(Code::Invalid, Subject::Request, "MissingContentLength", text))
}

/// A range of an object as the body of an answer.
pub(super) fn send(cx: &Cx, found: &Found, range: std::ops::Range<u64>) -> Outgoing {
    let length = range.end - range.start;
    let reader = cx.engines.objects.read(found, range);
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        match reader.next().await {
            Ok(Some(piece)) => Ok(Some((piece, reader))),
            Ok(None) => Ok(None),
            Err(error) => {
                tracing::error!(%error, "an object's body can't be read on");
                Err(error.into())
            }
        }
    });
    Outgoing::stream(pieces, Some(length))
}
