"""S3 where boto3 would be in the way: addresses, signatures, forms, and what strangers send."""
import base64
import hashlib
import urllib.parse
import uuid
import xml.etree.ElementTree
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from over_s3 import CHINESE, ask, random_bytes, refused, target_of


# Addresses and signatures

@pytest.mark.parametrize('version', ['s3', 's3v4'])
@pytest.mark.parametrize('style', ['path', 'virtual'])
def test_presigned_urls(server, client, bucket, version, style):
    s3 = client('s3', signature_version=version, s3={'addressing_style': 'path'})
    if style == 'virtual':
        # The name of the bucket stands in the host, which needs no DNS when it is only said.
        s3 = client('s3', signature_version=version, s3={'addressing_style': 'virtual'})
        s3.meta.events.unregister('before-sign.s3', None)
    here = {'Bucket': bucket, 'Key': CHINESE}

    def visit(operation, method, body=None, headers=None, expires=60, **more):
        url = s3.generate_presigned_url(operation, Params={**here, **more}, ExpiresIn=expires)
        parts = urllib.parse.urlsplit(url)
        return ask(server, method, target_of(url), {'Host': parts.netloc, **(headers or {})}, body)

    assert visit('put_object', 'PUT', b'presigned').status == 200
    read = visit('get_object', 'GET', ResponseContentType='a/b')
    assert (read.status, read.text, read.getheader('content-type')) == (200, b'presigned', 'a/b')
    assert visit('head_object', 'HEAD').getheader('content-length') == '9'
    typed = visit('put_object', 'PUT', b'x', {'Content-Type': 'c/d'}, ContentType='c/d')
    assert typed.status == 200, typed.text
    late = visit('get_object', 'GET', expires=-10)
    expected = {'s3': (403, b'AccessDenied'), 's3v4': (400, b'X-Amz-Expires must be non-negative')}[version]
    assert (late.status, expected[1] in late.text) == (expected[0], True), late.text
    assert visit('get_object', 'PUT', b'x').status == 403
    assert visit('delete_object', 'DELETE').status == 204


def test_wrong_signatures_are_refused(server, client, bucket):
    s3 = client('s3')
    url = s3.generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'key'}, ExpiresIn=60)
    wrong = ask(server, 'PUT', target_of(url).replace('Signature=', 'Signature=A'), body=b'x')
    assert (wrong.status, b'SignatureDoesNotMatch' in wrong.text) == (403, True)
    nobody = ask(server, 'PUT', f'/{bucket}/key', body=b'x')
    assert (nobody.status, b'AccessDenied' in nobody.text) == (403, True)
    refused(s3.head_object, code='404', status=404, Bucket=bucket, Key='key')


@pytest.mark.parametrize('version', [None, 's3', 's3v4'])
def test_buckets_are_asked_by_old_and_new_signatures(server, client, s3, bucket, version):
    """boto3 presigns as of old unless told otherwise, and then a bucket's path ends in a slash for it alone."""
    signer = client('s3', signature_version=version) if version else s3
    for operation, method in (('list_objects_v2', 'GET'), ('head_bucket', 'HEAD'), ('get_bucket_location', 'GET')):
        url = signer.generate_presigned_url(operation, Params={'Bucket': bucket})
        assert ask(server, method, target_of(url)).status == 200, operation
    assert signer.list_objects_v2(Bucket=bucket)['KeyCount'] == 0


def test_a_presigned_url_is_for_what_it_was_made_for(server, client, s3, bucket):
    s3.put_object(Bucket=bucket, Key='secret', Body=b'secret')
    for version in ('s3', 's3v4'):
        signer = client('s3', signature_version=version)
        url = signer.generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'key'}, ExpiresIn=60)
        for added in (f'x-amz-copy-source=/{bucket}/secret', f'X-Amz-Copy-Source=/{bucket}/secret',
                      f'%78-amz-copy-source=/{bucket}/secret', 'tagging', '%74agging', 'x-amz-meta-a=1',
                      'partNumber=1&uploadId=1'):
            answer = ask(server, 'PUT', f'{target_of(url)}&{added}', body=b'x')
            assert (answer.status, b'SignatureDoesNotMatch' in answer.text) == (403, True), (version, added)
        refused(s3.head_object, code='404', status=404, Bucket=bucket, Key='key')


def test_hosts_of_buckets(server, client, bucket):
    client('s3').put_object(Bucket=bucket, Key='a b', Body=b'virtual')
    for host in (f'{bucket}.localhost', f'{bucket}.s3.localhost', f'{bucket}.s3.us-east-1.localhost'):
        host = f'{host}:{server.port}'
        request = botocore.awsrequest.AWSRequest('GET', f'http://{host}/a%20b', headers={'Host': host})
        signed = sign(server, request)
        read = ask(server, 'GET', '/a%20b', dict(signed.headers))
        assert (read.status, read.text) == (200, b'virtual'), host
        listed = botocore.awsrequest.AWSRequest('GET', f'http://{host}/?list-type=2', headers={'Host': host})
        assert b'<Key>a b</Key>' in ask(server, 'GET', '/?list-type=2', dict(sign(server, listed).headers)).text


def sign(server, request):
    credentials = botocore.credentials.Credentials(
        server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])
    botocore.auth.S3SigV4Auth(credentials, 's3', 'us-east-1').add_auth(request)
    return request.prepare()


def test_chunks_with_a_trailer(server, client, bucket):
    """What SDKs send for streams: unsigned chunks, the checksum behind them."""
    body = random_bytes(150_000)
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()

    def put(trailer):
        chunks = b''.join(b'%x\r\n%s\r\n' % (len(body[at:at + 65_536]), body[at:at + 65_536])
                          for at in range(0, len(body), 65_536))
        sent = chunks + b'0\r\nx-amz-checksum-crc32:' + trailer.encode() + b'\r\n\r\n'
        headers = {
            'Host': server.address, 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
            'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': str(len(body)),
            'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm': 'CRC32',
        }
        request = botocore.awsrequest.AWSRequest('PUT', f'{server.url}/{bucket}/key', headers=headers)
        credentials = botocore.credentials.Credentials(
            server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])
        auth = botocore.auth.S3SigV4Auth(credentials, 's3', 'us-east-1')
        auth.payload = lambda request: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
        auth.add_auth(request)
        signed = {name: value for name, value in request.prepare().headers.items() if name != 'Content-Length'}
        return ask(server, 'PUT', f'/{bucket}/key', signed, sent)

    stored = put(checksum)
    assert (stored.status, stored.getheader('x-amz-checksum-crc32')) == (200, checksum), stored.text
    head = client('s3').head_object(Bucket=bucket, Key='key')
    assert (head['ContentLength'], head.get('ContentEncoding')) == (len(body), None)
    wrong = put('AAAAAA==')
    assert (wrong.status, b'BadDigest' in wrong.text) == (400, True), wrong.text


def signed(server, method, path, headers=None, body=b''):
    """A request as an SDK signs it, where no SDK would write it so."""
    request = botocore.awsrequest.AWSRequest(method, f'{server.url}{path}', headers=headers, data=body)
    keys = botocore.credentials.Credentials(
        server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])
    botocore.auth.S3SigV4Auth(keys, 's3', 'us-east-1').add_auth(request)
    return ask(server, method, path, dict(request.headers.items()), body)


def elements(answer):
    root = xml.etree.ElementTree.fromstring(answer.text)
    return {child.tag: child.text for child in root}


def test_errors_are_told_as_s3_tells_them(server, bucket):
    answer = signed(server, 'GET', f'/{bucket}/nothing')
    assert elements(answer) == {
        'Code': 'NoSuchKey', 'Message': 'The specified key does not exist.', 'Key': 'nothing',
        'RequestId': answer.headers['x-amz-request-id'], 'HostId': answer.headers['x-amz-id-2']}
    for method, path, kind in [('PATCH', f'/{bucket}/key', 'OBJECT'), ('POST', f'/{bucket}/key', 'OBJECT'),
                               ('PATCH', f'/{bucket}', 'BUCKET'), ('DELETE', '/', 'SERVICE')]:
        answer = signed(server, method, path)
        told = elements(answer)
        assert (answer.status, told['Code'], told['Method'], told['ResourceType']) == (
            405, 'MethodNotAllowed', method, kind)
    answer = ask(server, 'GET', f'/{bucket}/key', {'Authorization': 'Basic YTpi'})
    told = elements(answer)
    assert (answer.status, told['Message'], told['ArgumentValue']) == (
        400, 'Unsupported Authorization Type', 'Basic YTpi')
    answer = signed(server, 'POST', f'/{bucket}?delete', {'Content-MD5': '1B2M2Y8AsgTpgAmY7PhCfg=='})
    assert (answer.status, elements(answer)['Code']) == (400, 'MissingRequestBodyError')


def test_half_of_a_part_is_no_object(server, s3, bucket):
    for query in ('partNumber=1', 'uploadId=1'):
        answer = signed(server, 'PUT', f'/{bucket}/key?{query}', body=b'x')
        assert (answer.status, elements(answer)['Code']) == (400, 'InvalidArgument')
    assert s3.list_objects_v2(Bucket=bucket)['KeyCount'] == 0


def test_a_browser_is_told_that_there_are_no_rules(server, bucket):
    for path, headers, told in [
        ('/key', {}, (400, 'BadRequest', 'Insufficient information. Origin request header needed.')),
        ('/key', {'Origin': 'http://a'}, (400, 'BadRequest', 'Invalid Access-Control-Request-Method: null')),
        ('/key', {'Origin': 'http://a', 'Access-Control-Request-Method': 'PUT'},
         (403, 'AccessForbidden', 'CORSResponse: CORS is not enabled for this bucket.')),
    ]:
        answer = ask(server, 'OPTIONS', f'/{bucket}{path}', headers)
        error = elements(answer)
        assert (answer.status, error['Code'], error['Message']) == told
    assert (error['Method'], error['ResourceType']) == ('PUT', 'OBJECT')


def test_no_header_is_smuggled_into_an_answer(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x', Metadata={'a': '1'})
    for value in ('a/b\r\nX-Evil: 1', 'a\x7fb', '报告'):
        error = refused(s3.get_object, code='InvalidArgument', status=400, Bucket=bucket, Key='key',
                        ResponseContentType=value)
        assert (error['Message'], error['ArgumentName']) == (
            'Header value cannot be represented using ISO-8859-1.', 'response-content-type')


# Upload forms

def post(server, url, fields, body, file_name='file.txt', **headers):
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
                 f'Content-Type: text/plain\r\n\r\n'.encode() + body + f'\r\n--{boundary}--\r\n'.encode())
    headers |= {'Content-Type': f'multipart/form-data; boundary={boundary}'}
    return ask(server, 'POST', target_of(url), headers, b''.join(parts))


@pytest.mark.parametrize('version', ['s3', 's3v4'])
def test_upload_forms(server, client, bucket, version):
    s3 = client('s3', signature_version=version)

    def form(key, fields=None, conditions=None, expires=60):
        return s3.generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=expires)

    plain = form(CHINESE)
    body = random_bytes(300_000)
    stored = post(server, plain['url'], plain['fields'], body)
    assert (stored.status, stored.text) == (204, b''), stored.text
    assert stored.getheader('etag') == f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key=CHINESE)['Body'].read() == body

    named = form('up/${filename}', {'success_action_status': '201', 'Content-Type': 'a/b', 'x-amz-meta-a': '1'},
                 [{'success_action_status': '201'}, ['starts-with', '$Content-Type', 'a/'], {'x-amz-meta-a': '1'}])
    stored = post(server, named['url'], named['fields'], b'named', 'C:\\dir\\报告 1.txt')
    assert stored.status == 201 and b'<Key>up/' in stored.text, stored.text
    head = s3.head_object(Bucket=bucket, Key='up/报告 1.txt')
    assert (head['ContentType'], head['Metadata'], head['ContentLength']) == ('a/b', {'a': '1'}, 5)

    redirect = {'success_action_redirect': 'http://example.com/done?x=1'}
    led = form('redirected', redirect, [redirect])
    answer = post(server, led['url'], led['fields'], b'x')
    place = answer.getheader('location')
    assert (answer.status, place.startswith(f'http://example.com/done?x=1&bucket={bucket}&key=redirected&etag=')) == (303, True)

    sized = form('sized', conditions=[['content-length-range', 3, 5]])
    for length, status, code in [(2, 400, b'EntityTooSmall'), (6, 400, b'EntityTooLarge'), (4, 204, b'')]:
        answer = post(server, sized['url'], sized['fields'], b'x' * length)
        assert (answer.status, code in answer.text) == (status, True), answer.text

    for change, code in [
        ({'key': 'other'}, b'Policy Condition failed'), ({'acl': 'private'}, b'Extra input fields'),
        ({'policy': base64.b64encode(b'{}').decode()}, b'SignatureDoesNotMatch'),
    ]:
        answer = post(server, plain['url'], {**plain['fields'], **change}, b'x')
        assert (answer.status, code in answer.text) == (403, True), answer.text
    late = form('late', expires=-10)
    answer = post(server, late['url'], late['fields'], b'x')
    assert (answer.status, b'Policy expired' in answer.text) == (403, True), answer.text
    public = form('public', {'acl': 'public-read'}, [{'acl': 'public-read'}])
    assert post(server, public['url'], public['fields'], b'x').status == 501
    unsigned = post(server, plain['url'], {'key': 'unsigned'}, b'x')
    assert (unsigned.status, b'AccessDenied' in unsigned.text) == (403, True), unsigned.text
    for key in ('other', 'late', 'public', 'unsigned'):
        refused(s3.head_object, code='404', status=404, Bucket=bucket, Key=key)


def test_forms_that_are_none(server, client, bucket):
    headers = {'Content-Type': 'multipart/form-data; boundary=xyz'}
    for body in (b'', b'--xyz', b'nonsense', b'--xyz\r\n\r\n', b'--xyz--\r\n'):
        answer = ask(server, 'POST', f'/{bucket}', headers, body)
        assert answer.status == 400, (body, answer.text)
    answer = ask(server, 'POST', f'/{bucket}', headers,
                 b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b'x' * 30_000)
    assert b'MaxPostPreDataLengthExceeded' in answer.text, answer.text
