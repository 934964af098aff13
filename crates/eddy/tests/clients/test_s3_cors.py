"""Buckets and the pages of other origins: rules through boto3, browsers by plain HTTP."""
import pytest

from over_s3 import ask, refused, target_of
from test_s3_wire import elements, post

ORIGIN = 'https://app.example.com'
RULES = [
    {'ID': 'app', 'AllowedOrigins': ['https://*.example.com'], 'AllowedMethods': ['GET', 'PUT'],
     'AllowedHeaders': ['x-amz-*', 'Content-Type'], 'ExposeHeaders': ['ETag', 'x-amz-request-id'], 'MaxAgeSeconds': 3000},
    {'AllowedOrigins': ['*'], 'AllowedMethods': ['GET']},
]
VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'


@pytest.fixture
def open_bucket(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': RULES})
    return bucket


def question(method, headers=None, origin=ORIGIN, **more):
    asked = {'Origin': origin, 'Access-Control-Request-Method': method, **more}
    return {**asked, 'Access-Control-Request-Headers': headers} if headers else asked


def told(answer):
    """The headers of an answer that are for the browser."""
    found = {name.lower(): value for name, value in answer.getheaders()}
    return {name: value for name, value in found.items() if name.startswith('access-control-') or name == 'vary'}


def test_rules_are_kept_and_taken_away(s3, bucket, open_bucket):
    assert s3.get_bucket_cors(Bucket=bucket)['CORSRules'] == RULES
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': RULES[1:]})
    assert s3.get_bucket_cors(Bucket=bucket)['CORSRules'] == RULES[1:]
    for _ in range(2):
        s3.delete_bucket_cors(Bucket=bucket)
        error = refused(s3.get_bucket_cors, code='NoSuchCORSConfiguration', status=404, Bucket=bucket)
    assert (error['Message'], error['BucketName']) == ('The CORS configuration does not exist', bucket)


@pytest.mark.parametrize('change, code', [
    ({'AllowedOrigins': ['https://*.*.com']}, 'InvalidRequest'), ({'AllowedHeaders': ['*a*']}, 'InvalidRequest'),
    ({'AllowedMethods': ['PATCH']}, 'InvalidRequest'), ({'ExposeHeaders': ['*']}, 'InvalidRequest'),
    ({'AllowedOrigins': []}, 'MalformedXML'), ({'ID': 'x' * 256}, 'InvalidArgument'),
])
def test_rules_that_cannot_be_are_refused(s3, bucket, open_bucket, change, code):
    rules = [{**RULES[0], **change}]
    refused(s3.put_bucket_cors, code=code, status=400, Bucket=bucket, CORSConfiguration={'CORSRules': rules})
    assert s3.get_bucket_cors(Bucket=bucket)['CORSRules'] == RULES, 'what stood stands'


def test_rules_have_limits(s3, bucket):
    rule = {'AllowedOrigins': ['*'], 'AllowedMethods': ['GET']}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': [rule] * 100})
    error = refused(s3.put_bucket_cors, code='InvalidRequest', status=400, Bucket=bucket,
                    CORSConfiguration={'CORSRules': [rule] * 101})
    assert error['Message'] == 'The number of CORS rules should not exceed allowed limit of 100 rules.'
    long = {**rule, 'AllowedOrigins': ['https://' + 'a' * 66_000]}
    refused(s3.put_bucket_cors, code='MaxMessageLengthExceeded', status=400, Bucket=bucket,
            CORSConfiguration={'CORSRules': [long]})
    assert len(s3.get_bucket_cors(Bucket=bucket)['CORSRules']) == 100


@pytest.mark.parametrize('style', ['path', 'virtual'])
def test_a_browser_asks_before_it_sends(server, open_bucket, style):
    host, path = (f'{open_bucket}.s3.localhost', '/key') if style == 'virtual' else ('localhost', f'/{open_bucket}/key')
    host = {'Host': f'{host}:{server.port}'}
    answer = ask(server, 'OPTIONS', path, question('PUT', 'Content-Type,X-Amz-Date', **host))
    assert (answer.status, answer.text, told(answer)) == (200, b'', {
        'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, PUT', 'access-control-allow-headers': 'content-type, x-amz-date',
        'access-control-expose-headers': 'ETag, x-amz-request-id', 'access-control-max-age': '3000', 'vary': VARY})
    answer = ask(server, 'OPTIONS', path, question('GET', origin='null', **host))
    assert (answer.status, told(answer)) == (200, {
        'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET', 'vary': VARY})
    for asked in (question('DELETE', **host), question('PUT', 'authorization', **host),
                  question('PUT', origin='https://example.com', **host)):
        answer = ask(server, 'OPTIONS', path, asked)
        error = elements(answer)
        assert (answer.status, error['Code'], error['ResourceType'], told(answer)) == (
            403, 'AccessForbidden', 'OBJECT', {})
        assert error['Message'].startswith('CORSResponse: This CORS request is not allowed. This is usually because')


def test_what_a_browser_cannot_ask(server, bucket, open_bucket):
    for headers, message in [
        ({}, 'Insufficient information. Origin request header needed.'),
        ({'Origin': ORIGIN}, 'Invalid Access-Control-Request-Method: null'),
        (question('PATCH'), 'Invalid Access-Control-Request-Method: PATCH'),
    ]:
        answer = ask(server, 'OPTIONS', f'/{bucket}', headers)
        assert (answer.status, elements(answer)['Code'], elements(answer)['Message']) == (400, 'BadRequest', message)
    answer = ask(server, 'OPTIONS', '/nobody-has-this-one/key', question('GET'))
    assert (answer.status, elements(answer)['Message']) == (403, 'CORSResponse: Bucket not found')


def test_answers_tell_the_browser_what_it_may_see(server, s3, open_bucket):
    here = {'Bucket': open_bucket, 'Key': 'key'}
    origin = {'Origin': ORIGIN}
    seen = {
        'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, PUT', 'access-control-expose-headers': 'ETag, x-amz-request-id',
        'access-control-max-age': '3000', 'vary': VARY}
    put = target_of(s3.generate_presigned_url('put_object', Params=here))
    answer = ask(server, 'PUT', put, origin, b'from a page')
    assert (answer.status, told(answer)) == (200, seen)
    get = target_of(s3.generate_presigned_url('get_object', Params=here))
    answer = ask(server, 'GET', get, origin)
    assert (answer.status, answer.text, told(answer)) == (200, b'from a page', seen)
    answer = ask(server, 'GET', get, {**origin, 'If-None-Match': answer.getheader('etag')})
    assert (answer.status, told(answer)) == (304, seen)
    answer = ask(server, 'GET', get, {'Origin': 'http://elsewhere'})
    assert (answer.status, told(answer)) == (200, {
        'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET', 'vary': VARY})
    # A rule lets nobody in, and its absence keeps nobody out.
    assert (ask(server, 'GET', get).text, told(ask(server, 'GET', get))) == (b'from a page', {})
    answer = ask(server, 'GET', f'/{open_bucket}/key', origin)
    assert (answer.status, told(answer)) == (403, seen)
    missing = target_of(s3.generate_presigned_url('get_object', Params={**here, 'Key': 'nothing'}))
    assert (ask(server, 'GET', missing, origin).status, told(ask(server, 'GET', missing, origin))) == (404, seen)
    delete = target_of(s3.generate_presigned_url('delete_object', Params=here))
    answer = ask(server, 'DELETE', delete, origin)
    assert (answer.status, told(answer)) == (204, {})
    listed = target_of(s3.generate_presigned_url('list_objects_v2', Params={'Bucket': open_bucket}))
    assert told(ask(server, 'GET', listed, origin)) == seen


def test_a_bucket_without_rules_tells_the_browser_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    get = target_of(s3.generate_presigned_url('get_object', Params={'Bucket': bucket, 'Key': 'key'}))
    answer = ask(server, 'GET', get, {'Origin': ORIGIN})
    assert (answer.status, told(answer)) == (200, {})
    error = elements(ask(server, 'OPTIONS', f'/{bucket}/key', question('GET')))
    assert error['Message'] == 'CORSResponse: CORS is not enabled for this bucket.'


def test_a_form_of_a_page(server, s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={'CORSRules': [
        {'AllowedOrigins': [ORIGIN], 'AllowedMethods': ['POST'], 'ExposeHeaders': ['Location']}]})
    form = s3.generate_presigned_post(bucket, 'key')
    seen = {'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true',
            'access-control-allow-methods': 'POST', 'access-control-expose-headers': 'Location', 'vary': VARY}
    answer = post(server, form['url'], form['fields'], b'x', Origin=ORIGIN)
    assert (answer.status, told(answer)) == (204, seen)
    answer = post(server, form['url'], {**form['fields'], 'key': 'other'}, b'x', Origin=ORIGIN)
    assert (answer.status, told(answer)) == (403, seen)
