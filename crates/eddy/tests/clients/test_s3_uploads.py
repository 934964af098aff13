"""S3 through boto3: uploads in parts, notifications, and what a restart keeps."""
import base64
import hashlib
import io
import uuid
import zlib

import pytest

from over_s3 import CHINESE, MIB, random_bytes, refused


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
    attributes = s3.get_object_attributes(Bucket=bucket, Key='key', ObjectAttributes=['ObjectParts'])
    assert attributes['ObjectParts'] == {'TotalPartsCount': 2}


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
