"""Bodies in signed chunks, and what whoever has no key may try with them."""
import base64
import hashlib
import pathlib
import time
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from over_s3 import ask, random_bytes

CHUNK = 100_000
BODY = random_bytes(2 * CHUNK + 50_000)
SUM = base64.b64encode(zlib.crc32(BODY).to_bytes(4, 'big')).decode()
SIGNED, UNSIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
EMPTY = hashlib.sha256(b'').hexdigest()


class Sender:
    """Signs a request as an SDK that streams does, and its chunks one after the other."""

    def __init__(self, server, path, payload):
        headers = {'x-amz-content-sha256': payload, 'content-encoding': 'aws-chunked',
                   'x-amz-decoded-content-length': str(len(BODY))}
        if payload.endswith('-TRAILER'):
            headers['x-amz-trailer'] = 'x-amz-checksum-crc32'
        self.server, self.path = server, path
        self.request = botocore.awsrequest.AWSRequest('PUT', f'{server.url}{path}', headers=headers)
        keys = botocore.credentials.Credentials(
            server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])
        self.auth = botocore.auth.S3SigV4Auth(keys, 's3', 'us-east-1')
        self.auth.payload = lambda request: payload
        self.auth.add_auth(self.request)
        self.at = self.request.context['timestamp']
        self.last = self.request.headers['Authorization'].rsplit('Signature=', 1)[1]

    def sign(self, kind, *lines):
        scope = f'{self.at[:8]}/us-east-1/s3/aws4_request'
        text = '\n'.join([f'AWS4-HMAC-SHA256-{kind}', self.at, scope, self.last, *lines])
        self.last = self.auth.signature(text, self.request)
        return self.last

    def chunks(self):
        """Data and signature of each chunk, the empty one at the end included."""
        pieces = [BODY[at:at + CHUNK] for at in range(0, len(BODY), CHUNK)] + [b'']
        return [(piece, self.sign('PAYLOAD', EMPTY, hashlib.sha256(piece).hexdigest())) for piece in pieces]

    def send(self, body):
        return ask(self.server, 'PUT', self.path, dict(self.request.headers.items()), body)


def written(chunks, end=b'\r\n'):
    lines = [b'%x;chunk-signature=%s\r\n%s' % (len(data), signature.encode(), data + b'\r\n' if data else b'')
             for data, signature in chunks]
    return b''.join(lines) + end


def signed(change):
    """Signed chunks, changed before they are written."""
    def make(server, path):
        sender = Sender(server, path, SIGNED)
        return sender, written(change(sender.chunks()))
    return make


def cut(change):
    """Signed chunks, changed as they stand on the wire."""
    def make(server, path):
        sender = Sender(server, path, SIGNED)
        return sender, change(written(sender.chunks()))
    return make


def trailing(checksum=SUM, sign=True, line='x-amz-checksum-crc32:{}'):
    """Signed chunks with a trailer, which is signed too."""
    def make(server, path):
        sender = Sender(server, path, f'{SIGNED}-TRAILER')
        chunks = sender.chunks()
        text = line.format(checksum) + '\n'
        signature = sender.sign('TRAILER', hashlib.sha256(text.encode()).hexdigest())
        if sign == 'wrong':
            signature = signature[::-1]
        end = text.strip().encode() + b'\r\n'
        if sign:
            end += b'x-amz-trailer-signature:' + signature.encode() + b'\r\n'
        return sender, written(chunks, end + b'\r\n')
    return make


def unsigned(checksum=SUM, after=b'', body=BODY):
    def make(server, path):
        sender = Sender(server, path, UNSIGNED)
        pieces = [body[at:at + CHUNK] for at in range(0, len(body), CHUNK)]
        chunks = b''.join(b'%x\r\n%s\r\n' % (len(piece), piece) for piece in pieces)
        return sender, chunks + b'0\r\nx-amz-checksum-crc32:' + checksum.encode() + b'\r\n\r\n' + after
    return make


def swapped_signatures(chunks):
    (one, first), (two, second), *rest = chunks
    return [(one, second), (two, first), *rest]


def swapped_chunks(chunks):
    one, two, *rest = chunks
    return [two, one, *rest]


def one_byte_changed(chunks):
    (data, signature), *rest = chunks
    return [(b'!' + data[1:], signature), *rest]


SOUND = {'signed': signed(lambda chunks: chunks), 'signed with a trailer': trailing(), 'unsigned': unsigned()}
NO, CUT = (403, 'SignatureDoesNotMatch'), (400, 'IncompleteBody')
TRICKS = {
    'a wrong signature': (signed(lambda chunks: [*chunks[:1], (chunks[1][0], 'a' * 64), *chunks[2:]]), NO),
    'the last signature is wrong': (signed(lambda chunks: [*chunks[:-1], (b'', 'a' * 64)]), NO),
    'signatures swapped': (signed(swapped_signatures), NO),
    'chunks swapped': (signed(swapped_chunks), NO),
    'a chunk twice': (signed(lambda chunks: [chunks[0], *chunks]), NO),
    'a chunk left out': (signed(lambda chunks: chunks[1:]), NO),
    'one byte changed': (signed(one_byte_changed), NO),
    'a chunk without a signature': (cut(lambda body: body.replace(b';chunk-signature=', b';other=', 1)), CUT),
    'cut within a chunk': (cut(lambda body: body[:150_000]), CUT),
    'cut before the last chunk': (signed(lambda chunks: chunks[:-1]), CUT),
    'garbage behind the end': (cut(lambda body: body + b'more'), CUT),
    'no chunks at all': (cut(lambda body: b'garbage' * 20_000), CUT),
    'a wrong checksum, signed': (trailing('AAAAAA=='), (400, 'BadDigest')),
    'a trailer with a wrong signature': (trailing(sign='wrong'), NO),
    'a trailer without a signature': (trailing(sign=None), NO),
    'another trailer than announced': (trailing(line='x-amz-checksum-sha1:{}'), (400, 'MalformedTrailerError')),
    'unsigned, a wrong checksum': (unsigned('AAAAAA=='), (400, 'BadDigest')),
    'unsigned, garbage behind the end': (unsigned(after=b'more'), CUT),
    'unsigned, shorter than announced': (unsigned(body=BODY[:-1]), CUT),
}


@pytest.fixture
def place(fresh):
    server = fresh()
    s3 = server.client('s3')
    s3.create_bucket(Bucket='bucket')
    return server, s3


def blobs(server):
    return [path for path in pathlib.Path(server.folder, 'store', 'blobs').rglob('*') if path.is_file()]


def test_chunks_that_hold_are_stored(place):
    server, s3 = place
    for name, make in SOUND.items():
        sender, body = make(server, '/bucket/key')
        answer = sender.send(body)
        assert answer.status == 200, (name, answer.text)
        assert s3.get_object(Bucket='bucket', Key='key')['Body'].read() == BODY, name


def test_tricks_with_chunks_leave_nothing_behind(place):
    server, s3 = place
    upload = s3.create_multipart_upload(Bucket='bucket', Key='parts')['UploadId']
    for path in ('/bucket/key', f'/bucket/parts?partNumber=1&uploadId={upload}'):
        for name, (make, expected) in TRICKS.items():
            sender, body = make(server, path)
            answer = sender.send(body)
            code = answer.text.partition(b'<Code>')[2].partition(b'</Code>')[0].decode()
            assert (answer.status, code) == expected, (path, name, answer.text)
    assert s3.list_objects_v2(Bucket='bucket')['KeyCount'] == 0
    assert 'Parts' not in s3.list_parts(Bucket='bucket', Key='parts', UploadId=upload)
    # A blob that is given up goes behind the answer.
    until = time.monotonic() + 10
    while blobs(server) and time.monotonic() < until:
        s3.list_buckets()
    assert blobs(server) == []
