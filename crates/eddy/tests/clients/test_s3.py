"""S3 through boto3: objects, copies, listings."""
import base64
import concurrent.futures
import datetime
import hashlib
import uuid
import zlib

import boto3.s3.transfer
import botocore.exceptions
import pytest

from over_s3 import CHINESE, MIB, random_bytes, refused


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
        call(**here, IfModifiedSince=future)
        refused(call, code='304', status=304, **here, IfModifiedSince=datetime.datetime.now(datetime.timezone.utc))
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
    assert refused(s3.put_object, code='NotImplemented', status=501, **here, Body=b'3', IfNoneMatch=second) == {
        'Code': 'NotImplemented', 'Header': 'If-None-Match',
        'Message': 'A header you provided implies functionality that is not implemented',
        'additionalMessage': "We don't accept the provided value of If-None-Match header for this API"}
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
    assert s3.put_object(**here, ServerSideEncryption='AES256')['ServerSideEncryption'] == 'AES256'
    for more in [{'StorageClass': 'GLACIER'}, {'ServerSideEncryption': 'aws:kms'}, {'WebsiteRedirectLocation': '/x'}]:
        refused(s3.put_object, code='NotImplemented', status=501, **here, **more)
    for more in [{'ACL': 'public-read'}, {'GrantRead': 'uri=x'}]:
        refused(s3.put_object, code='AccessControlListNotSupported', status=400, **here, **more)
    error = refused(s3.put_object, code='InvalidRequest', status=400, **here, ObjectLockMode='GOVERNANCE')
    assert error == {'Code': 'InvalidRequest', 'Message': 'Bucket is missing Object Lock Configuration'}
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
    assert [error['Code'] for error in removed['Errors']] == ['NoSuchVersion']
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
    s3.copy_object(**itself, StorageClass='STANDARD')
    s3.copy_object(**itself, ServerSideEncryption='AES256')
    refused(s3.copy_object, code='NotImplemented', status=501, **itself, StorageClass='GLACIER')
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


def test_a_copy_of_what_came_in_parts_is_one_piece(s3, bucket):
    bodies = [random_bytes(5 * MIB), b'end']
    upload = {'Bucket': bucket, 'Key': 'parts'}
    upload['UploadId'] = s3.create_multipart_upload(**upload, ChecksumAlgorithm='SHA256')['UploadId']
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm='SHA256')
        parts.append({'PartNumber': number, 'ETag': part['ETag'], 'ChecksumSHA256': part['ChecksumSHA256']})
    s3.complete_multipart_upload(**upload, MultipartUpload={'Parts': parts})
    whole = b''.join(bodies)
    copied = s3.copy_object(Bucket=bucket, Key='copy', CopySource=f'{bucket}/parts')['CopyObjectResult']
    assert copied['ETag'] == f'"{hashlib.md5(whole).hexdigest()}"'
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    assert (copied['ChecksumSHA256'], copied['ChecksumType']) == (digest, 'FULL_OBJECT')
    attributes = s3.get_object_attributes(Bucket=bucket, Key='copy', ObjectAttributes=['ObjectParts', 'ObjectSize'])
    assert (attributes['ObjectSize'], 'ObjectParts' in attributes) == (len(whole), False)
    assert s3.get_object(Bucket=bucket, Key='copy', PartNumber=1)['Body'].read() == whole


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


def test_each_object_is_its_only_version(s3, bucket):
    assert 'Versions' not in s3.list_object_versions(Bucket=bucket)
    for key in ('a', 'b/1', 'b/2', 'c'):
        s3.put_object(Bucket=bucket, Key=key, Body=b'x')
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(version['Key'], version['VersionId'], version['IsLatest']) for version in listed['Versions']] == [
        (key, 'null', True) for key in ('a', 'b/1', 'b/2', 'c')]
    assert listed['Versions'][0]['ETag'] == s3.head_object(Bucket=bucket, Key='a')['ETag']
    first = s3.list_object_versions(Bucket=bucket, Delimiter='/', MaxKeys=1)
    assert (first['NextKeyMarker'], first['NextVersionIdMarker']) == ('a', 'null')
    pages = s3.get_paginator('list_object_versions').paginate(
        Bucket=bucket, Delimiter='/', PaginationConfig={'PageSize': 1})
    names = [[version['Key'] for version in page.get('Versions', [])] +
             [prefix['Prefix'] for prefix in page.get('CommonPrefixes', [])] for page in pages]
    assert names == [['a'], ['b/'], ['c']]
    refused(s3.list_object_versions, code='InvalidArgument', status=400, Bucket=bucket, VersionIdMarker='null')


def test_versions_are_removed_by_their_name(s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    removed = s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': 'key', 'VersionId': 'null'}]})
    assert removed['Deleted'] == [{'Key': 'key', 'VersionId': 'null'}]
    s3.delete_bucket(Bucket=bucket)


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
