"""S3 through boto3 and, where boto3 would be in the way, through plain HTTP."""
import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import io
import json
import os
import random
import urllib.parse
import uuid
import zlib

import boto3.s3.transfer
import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import pytest

MIB = 1 << 20
CHINESE = '年度 报告+1.txt'


@pytest.fixture(scope='module')
def s3(client):
    return client('s3')


@pytest.fixture
def bucket(s3):
    name = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=name)
    return name


def refused(call, *, code, status, **arguments):
    """The call fails with this code and status; gives the error for more."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert (error['Error']['Code'], error['ResponseMetadata']['HTTPStatusCode']) == (code, status), error
    return error['Error']


def ask(server, method, target, headers=None, body=None):
    """One plain HTTP request."""
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=30)
    connection.request(method, target, body=body, headers=headers or {})
    answer = connection.getresponse()
    answer.text = answer.read()
    connection.close()
    return answer


def target_of(url):
    parts = urllib.parse.urlsplit(url)
    return f'{parts.path}?{parts.query}' if parts.query else parts.path


def random_bytes(size, seed=1):
    return random.Random(seed).randbytes(size)


# Buckets

def test_buckets_from_first_to_last(s3, bucket):
    assert bucket in [listed['Name'] for listed in s3.list_buckets()['Buckets']]
    assert s3.head_bucket(Bucket=bucket)['BucketRegion'] == 'us-east-1'
    assert s3.get_bucket_location(Bucket=bucket)['LocationConstraint'] is None
    assert s3.create_bucket(Bucket=bucket)['ResponseMetadata']['HTTPStatusCode'] == 200
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    refused(s3.delete_bucket, code='BucketNotEmpty', status=409, Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key='key')
    s3.delete_bucket(Bucket=bucket)
    refused(s3.head_bucket, code='404', status=404, Bucket=bucket)
    refused(s3.delete_bucket, code='NoSuchBucket', status=404, Bucket=bucket)


def test_buckets_are_made_where_their_endpoint_allows(client, s3):
    name = f'b-{uuid.uuid4().hex[:20]}'
    elsewhere = client('s3', region='eu-central-1')
    refused(elsewhere.create_bucket, code='IllegalLocationConstraintException', status=400, Bucket=name)
    constraint = {'LocationConstraint': 'eu-central-1'}
    elsewhere.create_bucket(Bucket=name, CreateBucketConfiguration=constraint)
    assert elsewhere.get_bucket_location(Bucket=name)['LocationConstraint'] == 'eu-central-1'
    assert s3.head_bucket(Bucket=name)['BucketRegion'] == 'eu-central-1'
    refused(elsewhere.create_bucket, code='BucketAlreadyOwnedByYou', status=409, Bucket=name,
            CreateBucketConfiguration=constraint)
    found = s3.list_buckets(BucketRegion='eu-central-1', Prefix=name)['Buckets']
    assert [listed['BucketRegion'] for listed in found] == ['eu-central-1']
    refused(s3.create_bucket, code='InvalidBucketName', status=400, Bucket='Not-A-Name')
    refused(s3.create_bucket, code='InvalidLocationConstraint', status=400, Bucket=f'{name}-2',
            CreateBucketConfiguration={'LocationConstraint': 'us-east-1'})


def test_buckets_are_listed_in_pages(s3):
    prefix = f'p-{uuid.uuid4().hex[:12]}'
    names = sorted(f'{prefix}-{number}' for number in range(5))
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator('list_buckets').paginate(Prefix=prefix, PaginationConfig={'PageSize': 2}))
    assert [[listed['Name'] for listed in page['Buckets']] for page in pages] == [names[:2], names[2:4], names[4:]]


def test_bucket_tags(s3, bucket):
    refused(s3.get_bucket_tagging, code='NoSuchTagSet', status=404, Bucket=bucket)
    tags = [{'Key': 'cost centre', 'Value': '年度'}, {'Key': 'b', 'Value': ''}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={'TagSet': tags})
    assert s3.get_bucket_tagging(Bucket=bucket)['TagSet'] == tags
    twice = [{'Key': 'a', 'Value': '1'}, {'Key': 'a', 'Value': '2'}]
    refused(s3.put_bucket_tagging, code='InvalidTag', status=400, Bucket=bucket, Tagging={'TagSet': twice})
    s3.delete_bucket_tagging(Bucket=bucket)
    refused(s3.get_bucket_tagging, code='NoSuchTagSet', status=404, Bucket=bucket)


@pytest.mark.parametrize('call, code', [
    ('get_bucket_cors', 'NoSuchCORSConfiguration'),
    ('get_bucket_policy', 'NoSuchBucketPolicy'),
    ('get_bucket_policy_status', 'NoSuchBucketPolicy'),
    ('get_bucket_lifecycle_configuration', 'NoSuchLifecycleConfiguration'),
    ('get_bucket_website', 'NoSuchWebsiteConfiguration'),
    ('get_bucket_replication', 'ReplicationConfigurationNotFoundError'),
    ('get_public_access_block', 'NoSuchPublicAccessBlockConfiguration'),
    ('get_object_lock_configuration', 'ObjectLockConfigurationNotFoundError'),
])
def test_what_a_bucket_does_not_have(s3, bucket, call, code):
    refused(getattr(s3, call), code=code, status=404, Bucket=bucket)


def test_what_every_bucket_is(s3, bucket):
    assert 'Status' not in s3.get_bucket_versioning(Bucket=bucket)
    assert 'LoggingEnabled' not in s3.get_bucket_logging(Bucket=bucket)
    assert 'Status' not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)['Payer'] == 'BucketOwner'
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)['OwnershipControls']['Rules']
    assert rules == [{'ObjectOwnership': 'BucketOwnerEnforced'}]
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [grant['Permission'] for grant in acl['Grants']] == ['FULL_CONTROL']
    assert acl['Grants'][0]['Grantee'] == {'Type': 'CanonicalUser', 'ID': acl['Owner']['ID']}


@pytest.mark.parametrize('call, arguments', [
    ('put_bucket_versioning', {'VersioningConfiguration': {'Status': 'Enabled'}}),
    ('put_bucket_policy', {'Policy': '{}'}),
    ('put_bucket_cors', {'CORSConfiguration': {'CORSRules': [{'AllowedMethods': ['GET'], 'AllowedOrigins': ['*']}]}}),
])
def test_what_eddy_does_not_do_is_refused_by_name(s3, bucket, call, arguments):
    refused(getattr(s3, call), code='NotImplemented', status=501, Bucket=bucket, **arguments)


# Objects

@pytest.mark.parametrize('size', [0, 1, 4096, 65_536, 65_537, 3 * MIB + 7])
def test_bodies_come_back(s3, bucket, size):
    body = random_bytes(size)
    stored = s3.put_object(Bucket=bucket, Key=CHINESE, Body=body)
    assert stored['ETag'] == f'"{hashlib.md5(body).hexdigest()}"'
    read = s3.get_object(Bucket=bucket, Key=CHINESE)
    assert read['Body'].read() == body
    assert (read['ContentLength'], read['ContentType']) == (size, 'binary/octet-stream')


@pytest.mark.parametrize('key', [
    CHINESE, 'a b+c/é', 'a//b', '/leading', 'trailing/', "quote'\"<>&", '%2F%20', '~-_.!*()', '🦀', 'x' * 1024,
    'line\nbreak', '?query=1#hash', ' ', '.', '..', 'a/../b', '\\', 'tab\there',
])
def test_any_key_is_a_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)['Body'].read() == key.encode()
    assert [listed['Key'] for listed in s3.list_objects_v2(Bucket=bucket)['Contents']] == [key]
    assert [listed['Key'] for listed in s3.list_objects(Bucket=bucket)['Contents']] == [key]
    copied = s3.copy_object(Bucket=bucket, Key='copy', CopySource={'Bucket': bucket, 'Key': key})
    assert copied['CopyObjectResult']['ETag'] == s3.head_object(Bucket=bucket, Key=key)['ETag']
    assert s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': key}]})['Deleted'] == [{'Key': key}]
    refused(s3.get_object, code='NoSuchKey', status=404, Bucket=bucket, Key=key)


def test_what_is_said_of_an_object_is_kept(s3, bucket):
    said = {
        'ContentType': 'text/plain; charset=utf-8', 'ContentEncoding': 'gzip', 'ContentLanguage': 'de',
        'ContentDisposition': 'attachment; filename="a.txt"', 'CacheControl': 'max-age=60',
        'Metadata': {'colour': 'blue', 'mixed-case': 'Kept As It Is'},
    }
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key='key', Body=b'x', Expires=expires, Tagging='a=1&b=two%20words', **said)
    for call in (s3.head_object, s3.get_object):
        read = call(Bucket=bucket, Key='key')
        assert {name: read[name] for name in said} == said
        assert (read['TagCount'], read['ExpiresString']) == (2, 'Wed, 02 Jan 2030 03:04:05 GMT')
        age = datetime.datetime.now(datetime.timezone.utc) - read['LastModified']
        assert abs(age) < datetime.timedelta(minutes=1)
        assert read['ServerSideEncryption'] == 'AES256' and 'VersionId' not in read
    tags = [{'Key': 'a', 'Value': '1'}, {'Key': 'b', 'Value': 'two words'}]
    assert s3.get_object_tagging(Bucket=bucket, Key='key')['TagSet'] == tags
    s3.put_object_tagging(Bucket=bucket, Key='key', Tagging={'TagSet': tags[:1]})
    assert s3.get_object_tagging(Bucket=bucket, Key='key')['TagSet'] == tags[:1]
    s3.delete_object_tagging(Bucket=bucket, Key='key')
    assert s3.get_object_tagging(Bucket=bucket, Key='key')['TagSet'] == []
    refused(s3.get_object_tagging, code='NoSuchKey', status=404, Bucket=bucket, Key='other')


def test_answers_may_have_other_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x', ContentType='a/b', CacheControl='no-store')
    read = s3.get_object(Bucket=bucket, Key='key', ResponseContentType='c/d', ResponseContentDisposition='inline',
                         ResponseCacheControl='max-age=1', ResponseContentLanguage='fr', ResponseContentEncoding='x')
    assert (read['ContentType'], read['ContentDisposition'], read['CacheControl']) == ('c/d', 'inline', 'max-age=1')
    assert (read['ContentLanguage'], read['ContentEncoding']) == ('fr', 'x')


def test_ranges(s3, bucket):
    body = random_bytes(300_000)
    s3.put_object(Bucket=bucket, Key='key', Body=body)
    for header, expected, told in [
        ('bytes=0-0', body[:1], 'bytes 0-0/300000'),
        ('bytes=99999-200000', body[99_999:200_001], 'bytes 99999-200000/300000'),
        ('bytes=299990-', body[299_990:], 'bytes 299990-299999/300000'),
        ('bytes=-5', body[-5:], 'bytes 299995-299999/300000'),
        ('bytes=299999-400000', body[-1:], 'bytes 299999-299999/300000'),
    ]:
        read = s3.get_object(Bucket=bucket, Key='key', Range=header)
        assert read['Body'].read() == expected
        assert (read['ContentRange'], read['ResponseMetadata']['HTTPStatusCode']) == (told, 206)
    error = refused(s3.get_object, code='InvalidRange', status=416, Bucket=bucket, Key='key', Range='bytes=300000-')
    assert error['ActualObjectSize'] == '300000'
    assert s3.get_object(Bucket=bucket, Key='key', Range='nonsense')['ContentLength'] == 300_000
    refused(s3.get_object, code='InvalidRequest', status=400, Bucket=bucket, Key='key', Range='bytes=0-1', PartNumber=1)


def test_conditions_of_reading(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key='key', Body=b'x')['ETag']
    past, future = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (2015, 2099))
    for call, unmet in ((s3.get_object, 'PreconditionFailed'), (s3.head_object, '412')):
        here = {'Bucket': bucket, 'Key': 'key'}
        call(**here, IfMatch=etag)
        call(**here, IfNoneMatch='"other"')
        call(**here, IfModifiedSince=past)
        call(**here, IfUnmodifiedSince=future)
        call(**here, IfMatch=etag, IfUnmodifiedSince=past)
        refused(call, code=unmet, status=412, **here, IfMatch='"other"')
        refused(call, code=unmet, status=412, **here, IfUnmodifiedSince=past)
        refused(call, code='304', status=304, **here, IfNoneMatch=etag)
        refused(call, code='304', status=304, **here, IfModifiedSince=future)
        refused(call, code='304', status=304, **here, IfNoneMatch=etag, IfModifiedSince=past)


def test_conditions_of_writing(s3, bucket):
    here = {'Bucket': bucket, 'Key': 'key'}
    refused(s3.put_object, code='NoSuchKey', status=404, **here, IfMatch='"x"')
    first = s3.put_object(**here, Body=b'1', IfNoneMatch='*')['ETag']
    error = refused(s3.put_object, code='PreconditionFailed', status=412, **here, Body=b'2', IfNoneMatch='*')
    assert error['Condition'] == 'If-None-Match'
    second = s3.put_object(**here, Body=b'2', IfMatch=first)['ETag']
    error = refused(s3.put_object, code='PreconditionFailed', status=412, **here, Body=b'3', IfMatch=first)
    assert error['Condition'] == 'If-Match'
    refused(s3.put_object, code='NotImplemented', status=501, **here, Body=b'3', IfNoneMatch=second)
    refused(s3.delete_object, code='PreconditionFailed', status=412, **here, IfMatch=first)
    s3.delete_object(**here, IfMatch=second)
    refused(s3.head_object, code='404', status=404, **here)


def test_one_of_many_writers_is_first(client, bucket):
    clients = [client('s3') for _ in range(8)]

    def write(number):
        try:
            clients[number % 8].put_object(Bucket=bucket, Key='key', Body=b'%d' % number, IfNoneMatch='*')
            return True
        except botocore.exceptions.ClientError as error:
            assert error.response['Error']['Code'] in ('PreconditionFailed', 'ConditionalRequestConflict')
            return False

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        won = [number for number, first in enumerate(pool.map(write, range(32))) if first]
    assert len(won) == 1
    assert clients[0].get_object(Bucket=bucket, Key='key')['Body'].read() == b'%d' % won[0]


def test_what_asks_for_more_than_eddy_has_is_refused(s3, bucket):
    here = {'Bucket': bucket, 'Key': 'key'}
    s3.put_object(**here, ACL='private', StorageClass='STANDARD', RequestPayer='requester')
    s3.put_object(**here, ACL='bucket-owner-full-control')
    for more in [
        {'ACL': 'public-read'}, {'StorageClass': 'GLACIER'},
        {'ServerSideEncryption': 'aws:kms'}, {'ObjectLockMode': 'GOVERNANCE'}, {'WebsiteRedirectLocation': '/x'},
        {'GrantRead': 'uri=x'},
    ]:
        refused(s3.put_object, code='NotImplemented', status=501, **here, **more)
    error = refused(s3.put_object, code='KeyTooLongError', status=400, Bucket=bucket, Key='k' * 1025)
    assert error['MaxSizeAllowed'] == '1024'
    refused(s3.put_object, code='MetadataTooLarge', status=400, **here, Metadata={'a': 'v' * 2048})
    error = refused(s3.put_object, code='NoSuchBucket', status=404, Bucket='nobody-has-this-one', Key='key')
    assert error['BucketName'] == 'nobody-has-this-one'
    refused(s3.put_object, code='AccessDenied', status=403, **here, ExpectedBucketOwner='111111111111')
    refused(s3.get_object, code='InvalidArgument', status=400, **here, VersionId='not-a-version')
    assert s3.get_object(**here, VersionId='null')['ContentLength'] == 0


@pytest.mark.parametrize('algorithm', ['CRC32', 'SHA1', 'SHA256'])
def test_checksums_are_held_and_kept(s3, bucket, algorithm):
    body = random_bytes(100_000)
    digest = {
        'CRC32': lambda: zlib.crc32(body).to_bytes(4, 'big'),
        'SHA1': lambda: hashlib.sha1(body).digest(),
        'SHA256': lambda: hashlib.sha256(body).digest(),
    }[algorithm]()
    member, text = f'Checksum{algorithm}', base64.b64encode(digest).decode()
    stored = s3.put_object(Bucket=bucket, Key='key', Body=body, ChecksumAlgorithm=algorithm)
    assert (stored[member], stored['ChecksumType']) == (text, 'FULL_OBJECT')
    assert s3.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')[member] == text
    assert member not in s3.head_object(Bucket=bucket, Key='key')
    assert member not in s3.get_object(Bucket=bucket, Key='key', Range='bytes=0-9', ChecksumMode='ENABLED')
    attributes = s3.get_object_attributes(Bucket=bucket, Key='key', ObjectAttributes=['Checksum', 'ObjectSize', 'ETag'])
    assert attributes['Checksum'] == {member: text, 'ChecksumType': 'FULL_OBJECT'}
    assert (attributes['ObjectSize'], attributes['ETag']) == (100_000, hashlib.md5(body).hexdigest())
    wrong = base64.b64encode(bytes(len(digest))).decode()
    refused(s3.put_object, code='BadDigest', status=400, Bucket=bucket, Key='other', Body=body, **{member: wrong})
    refused(s3.put_object, code='InvalidRequest', status=400, Bucket=bucket, Key='other', Body=body, **{member: 'x'})
    refused(s3.head_object, code='404', status=404, Bucket=bucket, Key='other')


def test_content_md5_is_held(s3, bucket):
    right, wrong = (base64.b64encode(hashlib.md5(text).digest()).decode() for text in (b'x', b'y'))
    s3.put_object(Bucket=bucket, Key='key', Body=b'x', ContentMD5=right)
    refused(s3.put_object, code='BadDigest', status=400, Bucket=bucket, Key='key', Body=b'x', ContentMD5=wrong)
    refused(s3.put_object, code='InvalidDigest', status=400, Bucket=bucket, Key='key', Body=b'x', ContentMD5='x')


def test_a_file_is_sent_after_100_continue(s3, bucket, tmp_path):
    body = random_bytes(2 * MIB)
    (tmp_path / 'file').write_bytes(body)
    with open(tmp_path / 'file', 'rb') as file:
        s3.put_object(Bucket=bucket, Key='key', Body=file)
    assert s3.get_object(Bucket=bucket, Key='key')['Body'].read() == body


def test_many_objects_are_removed_at_once(s3, bucket):
    keys = [f'key-{number:04}' for number in range(1000)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b'x'), keys[::10]))
    wanted = [{'Key': key} for key in keys[:-1]] + [{'Key': keys[0], 'VersionId': 'no-version'}]
    removed = s3.delete_objects(Bucket=bucket, Delete={'Objects': wanted})
    assert [deleted['Key'] for deleted in removed['Deleted']] == keys[:-1]
    assert [error['Code'] for error in removed['Errors']] == ['InvalidArgument']
    quiet = s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': 'x'}], 'Quiet': True})
    assert 'Deleted' not in quiet and 'Errors' not in quiet
    assert s3.list_objects_v2(Bucket=bucket)['KeyCount'] == 0
    too_many = [{'Key': f'{number}'} for number in range(1001)]
    refused(s3.delete_objects, code='MalformedXML', status=400, Bucket=bucket, Delete={'Objects': too_many})


# Copies

@pytest.mark.parametrize('size', [10, 200_000])
def test_copies(s3, bucket, size):
    other = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=other)
    body = random_bytes(size)
    s3.put_object(Bucket=bucket, Key=CHINESE, Body=body, ContentType='a/b', Metadata={'a': '1'}, Tagging='t=1')
    source = {'Bucket': bucket, 'Key': CHINESE}
    for place in (bucket, other):
        copied = s3.copy_object(Bucket=place, Key='copy', CopySource=source)
        assert copied['CopyObjectResult']['ETag'] == f'"{hashlib.md5(body).hexdigest()}"'
        read = s3.get_object(Bucket=place, Key='copy')
        assert (read['Body'].read(), read['ContentType'], read['Metadata']) == (body, 'a/b', {'a': '1'})
        assert read['TagCount'] == 1
    s3.copy_object(Bucket=other, Key='replaced', CopySource=source, MetadataDirective='REPLACE', Metadata={'b': '2'},
                   ContentType='c/d', TaggingDirective='REPLACE', Tagging='u=1&v=2')
    read = s3.head_object(Bucket=other, Key='replaced')
    assert (read['ContentType'], read['Metadata'], read['TagCount']) == ('c/d', {'b': '2'}, 2)
    s3.delete_object(Bucket=bucket, Key=CHINESE)
    assert s3.get_object(Bucket=other, Key='copy')['Body'].read() == body, 'a copy outlives its source'
    digest = s3.copy_object(Bucket=other, Key='summed', CopySource={'Bucket': other, 'Key': 'copy'},
                            ChecksumAlgorithm='SHA256')['CopyObjectResult']['ChecksumSHA256']
    assert digest == base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_a_copy_has_conditions_and_a_source(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key='key', Body=b'x')['ETag']
    copy = {'Bucket': bucket, 'Key': 'copy', 'CopySource': {'Bucket': bucket, 'Key': 'key'}}
    s3.copy_object(**copy, CopySourceIfMatch=etag, IfNoneMatch='*')
    for condition, header in [
        ({'CopySourceIfMatch': '"x"'}, 'x-amz-copy-source-If-Match'),
        ({'CopySourceIfNoneMatch': etag}, 'x-amz-copy-source-If-None-Match'),
        ({'IfNoneMatch': '*'}, 'If-None-Match'),
    ]:
        error = refused(s3.copy_object, code='PreconditionFailed', status=412, **copy, **condition)
        assert error['Condition'] == header
    itself = {**copy, 'Key': 'key'}
    refused(s3.copy_object, code='InvalidRequest', status=400, **itself)
    s3.copy_object(**itself, MetadataDirective='REPLACE', Metadata={'new': '1'})
    assert s3.head_object(Bucket=bucket, Key='key')['Metadata'] == {'new': '1'}
    refused(s3.copy_object, code='NoSuchKey', status=404, **{**copy, 'CopySource': f'{bucket}/nothing'})
    refused(s3.copy_object, code='NoSuchBucket', status=404, **{**copy, 'CopySource': 'nobody-has-this-one/key'})
    refused(s3.copy_object, code='InvalidArgument', status=400, **{**copy, 'CopySource': 'nonsense'})


def test_managed_copies_of_large_objects(s3, bucket):
    body = random_bytes(20 * MIB)
    s3.put_object(Bucket=bucket, Key='key', Body=body)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=7 * MIB)
    s3.copy({'Bucket': bucket, 'Key': 'key'}, bucket, 'copy', Config=config)
    read = s3.get_object(Bucket=bucket, Key='copy')
    assert read['Body'].read() == body
    assert read['ETag'].endswith('-3"')


# Listings

def test_listings_roll_up_and_page(s3, bucket):
    keys = ['a', 'b/1', 'b/2', 'b/c/3', 'c+d e', CHINESE, 'z']
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b'x')
    in_order = sorted(keys, key=str.encode)
    for size in (1, 2, 3, 100):
        pages = s3.get_paginator('list_objects_v2').paginate(Bucket=bucket, PaginationConfig={'PageSize': size})
        assert [listed['Key'] for page in pages for listed in page.get('Contents', [])] == in_order, size
        for call in ('list_objects', 'list_objects_v2'):
            pages = list(s3.get_paginator(call).paginate(Bucket=bucket, Delimiter='/',
                                                         PaginationConfig={'PageSize': size}))
            found = [listed['Key'] for page in pages for listed in page.get('Contents', [])]
            prefixes = [rolled['Prefix'] for page in pages for rolled in page.get('CommonPrefixes', [])]
            assert (found, prefixes) == ([key for key in in_order if '/' not in key], ['b/']), (call, size)
    under = s3.list_objects_v2(Bucket=bucket, Prefix='b/', Delimiter='/')
    assert [listed['Key'] for listed in under['Contents']] == ['b/1', 'b/2']
    assert ([rolled['Prefix'] for rolled in under['CommonPrefixes']], under['KeyCount']) == (['b/c/'], 3)
    after = s3.list_objects_v2(Bucket=bucket, StartAfter='b/2', MaxKeys=1, FetchOwner=True)
    assert (after['Contents'][0]['Key'], after['IsTruncated']) == ('b/c/3', True)
    assert len(after['Contents'][0]['Owner']['ID']) == 64
    entry = after['Contents'][0]
    assert (entry['Size'], entry['StorageClass'], entry['ETag']) == (1, 'STANDARD', f'"{hashlib.md5(b"x").hexdigest()}"')
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)['KeyCount'] == 0
    refused(s3.list_objects_v2, code='InvalidArgument', status=400, Bucket=bucket, ContinuationToken='x')
    refused(s3.list_objects_v2, code='NoSuchBucket', status=404, Bucket='nobody-has-this-one')


def test_listings_of_many(s3, bucket):
    keys = [f'{number % 7}/{number:05}' for number in range(1500)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b''), keys))
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (first['KeyCount'], first['IsTruncated'], first['MaxKeys']) == (1000, True, 1000)
    pages = s3.get_paginator('list_objects_v2').paginate(Bucket=bucket)
    assert [listed['Key'] for page in pages for listed in page['Contents']] == sorted(keys)
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter='/')
    assert [one['Prefix'] for one in rolled['CommonPrefixes']] == [f'{number}/' for number in range(7)]


# Uploads in parts

def begin(s3, bucket, key='key', **more):
    return {'Bucket': bucket, 'Key': key, 'UploadId': s3.create_multipart_upload(Bucket=bucket, Key=key, **more)['UploadId']}


def test_a_large_file_by_the_managed_transfer(s3, bucket, tmp_path):
    body = random_bytes(100 * MIB)
    (tmp_path / 'large').write_bytes(body)
    s3.upload_file(str(tmp_path / 'large'), bucket, CHINESE,
                   ExtraArgs={'Metadata': {'a': '1'}, 'ContentType': 'a/b', 'Tagging': 't=1'})
    head = s3.head_object(Bucket=bucket, Key=CHINESE)
    assert (head['ContentLength'], head['ContentType'], head['Metadata']) == (len(body), 'a/b', {'a': '1'})
    assert head['TagCount'] == 1
    parts = [hashlib.md5(body[at:at + 8 * MIB]).digest() for at in range(0, len(body), 8 * MIB)]
    assert head['ETag'] == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-{len(parts)}"'
    s3.download_file(bucket, CHINESE, str(tmp_path / 'back'))
    assert (tmp_path / 'back').read_bytes() == body
    second = s3.get_object(Bucket=bucket, Key=CHINESE, PartNumber=2)
    assert (second['Body'].read(), second['PartsCount']) == (body[8 * MIB:16 * MIB], 13)
    stream = io.BytesIO()
    s3.download_fileobj(bucket, CHINESE, stream)
    assert stream.getvalue() == body


def test_parts_are_held_against_what_was_uploaded(s3, bucket):
    upload = begin(s3, bucket)
    large, small = random_bytes(5 * MIB), b'tail'
    etags = {}
    for number, body in [(1, small), (2, small), (3, large), (1, large)]:
        etags[number] = s3.upload_part(**upload, PartNumber=number, Body=body)['ETag']

    def parts(*numbers, **more):
        named = [{'PartNumber': number, 'ETag': etags.get(number, '"x"')} for number in numbers]
        return {**upload, 'MultipartUpload': {'Parts': named}, **more}

    refused(s3.complete_multipart_upload, code='InvalidPartOrder', status=400, **parts(2, 1))
    refused(s3.complete_multipart_upload, code='InvalidPart', status=400, **parts(1, 4))
    error = refused(s3.complete_multipart_upload, code='EntityTooSmall', status=400, **parts(1, 2, 3))
    assert (error['PartNumber'], error['MinSizeAllowed']) == ('2', str(5 * MIB))
    refused(s3.complete_multipart_upload, code='MalformedXML', status=400, **{**upload, 'MultipartUpload': {'Parts': []}})
    refused(s3.complete_multipart_upload, code='InvalidRequest', status=400, **parts(1, 2, MpuObjectSize=7))
    refused(s3.upload_part, code='InvalidArgument', status=400, **upload, PartNumber=10_001, Body=b'')
    s3.put_object(Bucket=bucket, Key='key', Body=b'there')
    refused(s3.complete_multipart_upload, code='PreconditionFailed', status=412, **parts(1, 2, IfNoneMatch='*'))
    done = s3.complete_multipart_upload(**parts(1, 2, MpuObjectSize=5 * MIB + 4))
    assert (done['Bucket'], done['Key'], done['ETag'][-3:]) == (bucket, 'key', '-2"')
    assert done['Location'].endswith(f'/{bucket}/key')
    assert s3.get_object(Bucket=bucket, Key='key')['Body'].read() == large + small
    assert s3.complete_multipart_upload(**parts(1, 2))['ETag'] == done['ETag'], 'asked again, answered again'
    refused(s3.upload_part, code='NoSuchUpload', status=404, **upload, PartNumber=1, Body=b'')
    refused(s3.list_parts, code='NoSuchUpload', status=404, **upload)
    attributes = s3.get_object_attributes(Bucket=bucket, Key='key', ObjectAttributes=['ObjectParts'], MaxParts=1)
    told = attributes['ObjectParts']
    assert (told['TotalPartsCount'], told['IsTruncated'], told['Parts'][0]['Size']) == (2, True, 5 * MIB)


def test_uploads_and_parts_are_listed(s3, bucket):
    uploads = [begin(s3, bucket, key) for key in ('a', 'a', 'b/1', 'b/2', 'c')]
    for size in (1, 2, 100):
        pages = s3.get_paginator('list_multipart_uploads').paginate(Bucket=bucket, PaginationConfig={'PageSize': size})
        listed = [upload for page in pages for upload in page.get('Uploads', [])]
        assert [upload['Key'] for upload in listed] == ['a', 'a', 'b/1', 'b/2', 'c']
        assert {upload['UploadId'] for upload in listed} == {upload['UploadId'] for upload in uploads}
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter='/')
    assert [one['Prefix'] for one in rolled['CommonPrefixes']] == ['b/']
    for number in (3, 1, 7):
        s3.upload_part(**uploads[4], PartNumber=number, Body=b'%d' % number)
    pages = list(s3.get_paginator('list_parts').paginate(**uploads[4], PaginationConfig={'PageSize': 2}))
    assert [[part['PartNumber'] for part in page['Parts']] for page in pages] == [[1, 3], [7]]
    assert pages[0]['Parts'][0]['Size'] == 1
    s3.abort_multipart_upload(**uploads[4])
    refused(s3.abort_multipart_upload, code='NoSuchUpload', status=404, **uploads[4])
    refused(s3.head_object, code='404', status=404, Bucket=bucket, Key='c')
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize('algorithm, kind', [('SHA256', 'COMPOSITE'), ('CRC32', 'COMPOSITE'), ('CRC32', 'FULL_OBJECT')])
def test_checksums_of_parts_make_that_of_the_object(s3, bucket, algorithm, kind):
    digest = {'SHA256': lambda body: hashlib.sha256(body).digest(),
              'CRC32': lambda body: zlib.crc32(body).to_bytes(4, 'big')}[algorithm]
    member = f'Checksum{algorithm}'
    bodies = [random_bytes(5 * MIB, 1), random_bytes(1000, 2)]
    upload = begin(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        assert part[member] == base64.b64encode(digest(body)).decode()
        parts.append({'PartNumber': number, 'ETag': part['ETag'], member: part[member]})
    if kind == 'COMPOSITE':
        bare = [{name: part[name] for name in ('PartNumber', 'ETag')} for part in parts]
        refused(s3.complete_multipart_upload, code='InvalidRequest', status=400, **upload, MultipartUpload={'Parts': bare})
        expected = base64.b64encode(digest(b''.join(map(digest, bodies)))).decode() + '-2'
    else:
        expected = base64.b64encode(digest(b''.join(bodies))).decode()
    other = 'SHA1' if algorithm == 'CRC32' else 'CRC32'
    refused(s3.upload_part, code='InvalidRequest', status=400, **upload, PartNumber=3, Body=b'x', ChecksumAlgorithm=other)
    done = s3.complete_multipart_upload(**upload, MultipartUpload={'Parts': parts}, ChecksumType=kind)
    assert (done[member], done['ChecksumType']) == (expected, kind)
    head = s3.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')
    assert (head[member], head['ChecksumType']) == (expected, kind)
    assert s3.get_object(Bucket=bucket, Key='key')['Body'].read() == b''.join(bodies)


def test_parts_may_be_copies(s3, bucket):
    other = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=other)
    body = random_bytes(12 * MIB)
    s3.put_object(Bucket=other, Key=CHINESE, Body=body)
    s3.put_object(Bucket=bucket, Key='small', Body=b'0123456789')
    upload = begin(s3, bucket)
    sources = [({'Bucket': other, 'Key': CHINESE}, f'bytes=1-{6 * MIB}'), ({'Bucket': other, 'Key': CHINESE}, None),
               ({'Bucket': bucket, 'Key': 'small'}, 'bytes=3-5')]
    parts = []
    for number, (source, span) in enumerate(sources, 1):
        more = {'CopySourceRange': span} if span else {}
        copied = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, **more)
        parts.append({'PartNumber': number, 'ETag': copied['CopyPartResult']['ETag']})
    refused(s3.upload_part_copy, code='InvalidArgument', status=400, **upload, PartNumber=4, CopySource=sources[2][0],
            CopySourceRange='bytes=3-10')
    refused(s3.upload_part_copy, code='PreconditionFailed', status=412, **upload, PartNumber=4, CopySource=sources[2][0],
            CopySourceIfMatch='"x"')
    s3.complete_multipart_upload(**upload, MultipartUpload={'Parts': parts})
    s3.delete_object(Bucket=other, Key=CHINESE)
    expected = body[1:6 * MIB + 1] + body + b'345'
    assert s3.get_object(Bucket=bucket, Key='key')['Body'].read() == expected


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


# Upload forms

def post(server, url, fields, body, file_name='file.txt'):
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
                 f'Content-Type: text/plain\r\n\r\n'.encode() + body + f'\r\n--{boundary}--\r\n'.encode())
    headers = {'Content-Type': f'multipart/form-data; boundary={boundary}'}
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


# Notifications

def test_notifications_are_held_against_functions(s3, bucket):
    def wants(*events, arn='arn:aws:lambda:us-east-1:000000000000:function:nobody', **more):
        return {'LambdaFunctionArn': arn, 'Events': list(events), **more}

    def put(*configurations, **more):
        return {'Bucket': bucket, 'NotificationConfiguration': {'LambdaFunctionConfigurations': list(configurations)}, **more}

    call = s3.put_bucket_notification_configuration
    error = refused(call, code='InvalidArgument', status=400, **put(wants('s3:ObjectCreated:*')))
    assert error['Message'] == 'Unable to validate the following destination configurations'
    rules = {'Key': {'FilterRules': [{'Name': 'Prefix', 'Value': 'in/'}, {'Name': 'Suffix', 'Value': '.jpg'}]}}
    first = wants('s3:ObjectCreated:Put', 's3:ObjectRemoved:*', Id='first', Filter=rules)
    second = wants('s3:ObjectCreated:*', Id='second', Filter={'Key': {'FilterRules': [{'Name': 'Prefix', 'Value': 'b'}]}})
    call(**put(first, second, SkipDestinationValidation=True))
    read = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert read['LambdaFunctionConfigurations'] == [first, second]
    overlapping = wants('s3:ObjectCreated:*', Id='third')
    refused(call, code='InvalidArgument', status=400, **put(first, overlapping, SkipDestinationValidation=True))
    refused(call, code='NotImplemented', status=501, Bucket=bucket, NotificationConfiguration={
        'QueueConfigurations': [{'QueueArn': 'arn:aws:sqs:us-east-1:000000000000:q', 'Events': ['s3:ObjectCreated:*']}]})
    refused(call, code='NotImplemented', status=501, Bucket=bucket, NotificationConfiguration={
        'EventBridgeConfiguration': {}})
    call(Bucket=bucket, NotificationConfiguration={})
    assert 'LambdaFunctionConfigurations' not in s3.get_bucket_notification_configuration(Bucket=bucket)


# Over a restart

def test_what_was_acknowledged_is_there_after_a_kill(fresh):
    server = fresh()
    s3 = server.client('s3')
    s3.create_bucket(Bucket='bucket', )
    s3.create_bucket(Bucket='other')
    body = random_bytes(200_000)
    s3.put_object(Bucket='bucket', Key='large', Body=body, Tagging='a=1')
    s3.put_object(Bucket='bucket', Key='small', Body=b'small')
    s3.copy_object(Bucket='other', Key='copy', CopySource='bucket/large')
    upload = begin(s3, 'bucket', 'parts')
    etag = s3.upload_part(**upload, PartNumber=1, Body=body)['ETag']
    server.kill()
    s3 = fresh(folder=server.folder).client('s3')
    assert s3.get_object(Bucket='bucket', Key='large')['Body'].read() == body
    assert s3.get_object(Bucket='bucket', Key='small')['Body'].read() == b'small'
    s3.delete_object(Bucket='bucket', Key='large')
    assert s3.get_object(Bucket='other', Key='copy')['Body'].read() == body
    s3.complete_multipart_upload(**upload, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': etag}]})
    assert s3.get_object(Bucket='bucket', Key='parts')['Body'].read() == body


def test_objects_are_encrypted_with_aes256_and_with_nothing_else(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key='sealed', Body=b'x', ServerSideEncryption='AES256')
    assert put['ServerSideEncryption'] == 'AES256'
    assert s3.put_object(Bucket=bucket, Key='plain', Body=b'x')['ServerSideEncryption'] == 'AES256'
    assert s3.head_object(Bucket=bucket, Key='plain')['ServerSideEncryption'] == 'AES256'
    copied = s3.copy_object(Bucket=bucket, Key='copy', CopySource=f'{bucket}/sealed')
    assert copied['ServerSideEncryption'] == 'AES256'
    upload = s3.create_multipart_upload(Bucket=bucket, Key='parts', ServerSideEncryption='AES256')
    assert upload['ServerSideEncryption'] == 'AES256'
    part = s3.upload_part(Bucket=bucket, Key='parts', UploadId=upload['UploadId'], PartNumber=1, Body=b'x')
    assert part['ServerSideEncryption'] == 'AES256'
    done = s3.complete_multipart_upload(Bucket=bucket, Key='parts', UploadId=upload['UploadId'],
                                        MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': part['ETag']}]})
    assert done['ServerSideEncryption'] == 'AES256'
    refused(s3.put_object, code='NotImplemented', status=501, Bucket=bucket, Key='kms', Body=b'x',
            ServerSideEncryption='aws:kms')


def test_a_bucket_has_the_encryption_that_every_bucket_has(s3, bucket):
    by_default = {'SSEAlgorithm': 'AES256'}
    rule = {'ApplyServerSideEncryptionByDefault': by_default, 'BucketKeyEnabled': False}
    assert s3.get_bucket_encryption(Bucket=bucket)['ServerSideEncryptionConfiguration'] == {'Rules': [rule]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
        'Rules': [{'ApplyServerSideEncryptionByDefault': by_default}]})
    s3.delete_bucket_encryption(Bucket=bucket)
    refused(s3.put_bucket_encryption, code='NotImplemented', status=501, Bucket=bucket,
            ServerSideEncryptionConfiguration={
                'Rules': [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'aws:kms'}}]})
