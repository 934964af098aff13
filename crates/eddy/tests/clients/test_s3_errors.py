"""S3's refusals where their words and details differ from what one would guess."""
import base64
import datetime
import hashlib
import socket
import uuid

import pytest

from over_s3 import MIB, ask, random_bytes, refused, target_of
from test_s3_wire import elements, signed


def told(answer):
    """Status, code and message."""
    error = elements(answer)
    return answer.status, error['Code'], error['Message']


def document(server, method, path, body):
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    return signed(server, method, path, {'Content-MD5': md5}, body)


@pytest.mark.parametrize('method, path, body', [
    ('POST', '?delete', b'<Delete><Object><VersionId>null</VersionId></Object></Delete>'),
    ('POST', '?delete', b'<Delete></Delete>'),
    ('PUT', '?tagging', b'<Tagging/>'),
    ('PUT', '?tagging', b'<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>'),
    ('PUT', '/key?tagging', b'<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>'),
    ('PUT', '?cors', b'<CORSConfiguration/>'),
    ('PUT', '?cors', b'<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>'),
    ('PUT', '?encryption', b'<ServerSideEncryptionConfiguration/>'),
    ('PUT', '?requestPayment', b'<RequestPaymentConfiguration/>'),
])
def test_a_document_that_lacks_an_element_is_malformed(server, s3, bucket, method, path, body):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    answer = document(server, method, f'/{bucket}{path}', body)
    assert told(answer) == (400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate '
                                                 'against our published schema')


def test_a_body_says_its_length(server, s3, bucket):
    target = target_of(s3.generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': 'key'}))

    def send(headers, body=b''):
        with socket.create_connection(('127.0.0.1', server.port), timeout=30) as connection:
            head = f'PUT {target} HTTP/1.1\r\nHost: {server.address}\r\n{headers}\r\n'
            connection.sendall(head.encode() + body)
            answer = connection.recv(65_536)
        return answer.split(b' ', 2)[1], answer

    status, text = send('')
    assert (status, b'<Code>MissingContentLength</Code>' in text) == (b'411', True), text
    status, text = send('Transfer-Encoding: chunked\r\n', b'3\r\nabc\r\n0\r\n\r\n')
    assert (status, b'<Code>NotImplemented</Code>' in text, b'<Header>Transfer-Encoding</Header>' in text) == (
        b'501', True, True), text
    assert s3.list_objects_v2(Bucket=bucket)['KeyCount'] == 0


def test_old_signatures_are_refused_in_old_words(server, bucket):
    key = server.variables['AWS_ACCESS_KEY_ID']
    lacks = 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters'
    for query, message in [
        (f'AWSAccessKeyId={key}&Signature=x', lacks), (f'AWSAccessKeyId={key}&Expires=1', lacks),
        (f'AWSAccessKeyId={key}&Signature=x&Expires=soon', 'Invalid date (should be seconds since epoch): soon'),
        (f'AWSAccessKeyId={key}&Signature=x&Expires=1', 'Request has expired'),
    ]:
        assert told(ask(server, 'GET', f'/{bucket}/key?{query}')) == (403, 'AccessDenied', message)
    answer = ask(server, 'GET', f'/{bucket}/key', {'Authorization': f'AWS {key}'})
    assert told(answer) == (
        400, 'InvalidArgument', 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature')
    assert elements(answer)['ArgumentName'] == 'Authorization'


def test_a_time_to_come_is_no_condition(s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    now = datetime.datetime.now(datetime.timezone.utc)
    later = now + datetime.timedelta(days=1)
    assert s3.get_object(Bucket=bucket, Key='key', IfModifiedSince=later)['Body'].read() == b'x'
    refused(s3.get_object, code='304', status=304, Bucket=bucket, Key='key', IfModifiedSince=now)
    s3.copy_object(Bucket=bucket, Key='copy', CopySource=f'{bucket}/key', CopySourceIfModifiedSince=later)


def test_a_part_of_a_copy_lies_within_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key='source', Body=b'0123456789')
    upload = s3.create_multipart_upload(Bucket=bucket, Key='key')['UploadId']
    form = ('The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the '
            'zero-based offsets of the first and last bytes to copy')
    for span, message in [('bytes=3-10', 'Range specified is not valid for source object of size: 10'),
                          ('bytes=3-', form), ('3-5', form)]:
        error = refused(s3.upload_part_copy, code='InvalidArgument', status=400, Bucket=bucket, Key='key',
                        UploadId=upload, PartNumber=1, CopySource=f'{bucket}/source', CopySourceRange=span)
        assert (error['Message'], error['ArgumentName'], error['ArgumentValue']) == (
            message, 'x-amz-copy-source-range', span)


def test_an_upload_is_not_completed_of_nothing(server, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key='key')['UploadId']
    answer = signed(server, 'POST', f'/{bucket}/key?uploadId={upload}')
    assert told(answer) == (400, 'InvalidRequest', 'You must specify at least one part')
    for body in (b'<CompleteMultipartUpload/>', b'<CompleteMultipartUpload><Part/></CompleteMultipartUpload>'):
        answer = signed(server, 'POST', f'/{bucket}/key?uploadId={upload}', body=body)
        assert told(answer)[:2] == (400, 'MalformedXML')


def test_errors_name_what_they_are_about(server, s3, bucket):
    answer = signed(server, 'PUT', f'/{bucket}/key', {'Content-MD5': 'short'}, b'x')
    assert told(answer) == (400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.')
    assert elements(answer)['Content-MD5'] == 'short'
    for tag, message in [({'Key': 'a<', 'Value': '1'}, 'The TagKey you have provided is invalid'),
                         ({'Key': 'a', 'Value': '<'}, 'The TagValue you have provided is invalid'),
                         ({'Key': 'aws:a', 'Value': '1'}, 'System tags cannot be added/updated by requester')]:
        error = refused(s3.put_bucket_tagging, code='InvalidTag', status=400, Bucket=bucket, Tagging={'TagSet': [tag]})
        assert (error['Message'], error['TagKey']) == (message, tag['Key'])


def test_strangers_remove_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    body = b'<Delete><Object><Key>key</Key></Object></Delete>'
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = ask(server, 'POST', f'/{bucket}?delete', {'Content-MD5': md5}, body)
    assert told(answer) == (403, 'AccessDenied', 'Access Denied')
    assert s3.head_object(Bucket=bucket, Key='key')['ContentLength'] == 1


def test_markers_stand_where_a_list_goes_on(s3, bucket):
    for key in ('a', 'b'):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    markers = {'NextKeyMarker', 'NextUploadIdMarker'}
    assert markers <= s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1).keys()
    assert not markers & s3.list_multipart_uploads(Bucket=bucket).keys()


def test_the_guard_against_the_public_can_be_taken_away(s3, bucket):
    everything = dict.fromkeys(
        ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'], True)
    assert s3.get_public_access_block(Bucket=bucket)['PublicAccessBlockConfiguration'] == everything
    for _ in range(2):
        s3.delete_public_access_block(Bucket=bucket)
        refused(s3.get_public_access_block, code='NoSuchPublicAccessBlockConfiguration', status=404, Bucket=bucket)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=everything)
    assert s3.get_public_access_block(Bucket=bucket)['PublicAccessBlockConfiguration'] == everything
    s3.delete_public_access_block(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert s3.get_public_access_block(Bucket=bucket)['PublicAccessBlockConfiguration'] == everything


def test_buckets_are_found_from_every_region(server, client):
    """People hard-code regions, so a signature's region opens every bucket; where a bucket is, it says itself."""
    elsewhere = client('s3', region='eu-central-1')
    bucket = f'b-{uuid.uuid4().hex[:20]}'
    elsewhere.create_bucket(Bucket=bucket, CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})
    client('s3').put_object(Bucket=bucket, Key='key', Body=b'x')
    assert elsewhere.get_object(Bucket=bucket, Key='key')['Body'].read() == b'x'
    for region in ('us-east-1', 'eu-central-1'):
        s3 = client('s3', region=region)
        assert s3.get_bucket_location(Bucket=bucket)['LocationConstraint'] == 'eu-central-1'
        assert s3.head_bucket(Bucket=bucket)['BucketRegion'] == 'eu-central-1'
    answer = signed(server, 'GET', f'/{bucket}?location')
    assert answer.text.endswith(
        b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-central-1</LocationConstraint>')


def test_attributes_of_what_came_in_parts(s3, bucket):
    def upload(**how):
        begun = s3.create_multipart_upload(Bucket=bucket, Key='key', **how)['UploadId']
        named = {'Bucket': bucket, 'Key': 'key', 'UploadId': begun}
        parts = []
        for number, body in enumerate([random_bytes(5 * MIB), b'tail'], 1):
            part = s3.upload_part(**named, PartNumber=number, Body=body, ChecksumAlgorithm='SHA256' if how.get(
                'ChecksumAlgorithm') == 'SHA256' else 'CRC32')
            sums = {name: value for name, value in part.items() if name.startswith('Checksum')}
            parts.append({'PartNumber': number, 'ETag': part['ETag'], **sums})
        s3.complete_multipart_upload(**named, MultipartUpload={'Parts': parts})
        told = s3.get_object_attributes(Bucket=bucket, Key='key', ObjectAttributes=['Checksum', 'ObjectParts'])
        return told['Checksum'], told['ObjectParts']

    checksum, parts = upload(ChecksumAlgorithm='CRC32', ChecksumType='FULL_OBJECT')
    assert (checksum['ChecksumType'], parts) == ('FULL_OBJECT', {'TotalPartsCount': 2})
    checksum, parts = upload(ChecksumAlgorithm='SHA256')
    whole = s3.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')['ChecksumSHA256']
    assert (checksum['ChecksumType'], checksum['ChecksumSHA256'] + '-2') == ('COMPOSITE', whole)
    assert (parts['TotalPartsCount'], [part['Size'] for part in parts['Parts']]) == (2, [5 * MIB, 4])
    assert (parts['IsTruncated'], parts['MaxParts']) == (False, 1000)
