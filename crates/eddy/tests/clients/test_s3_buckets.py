"""Buckets of S3, what they are and what they do not have, through boto3."""
import uuid

import pytest

from over_s3 import refused


ENCRYPTION = {'Rules': [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'AES256'}, 'BucketKeyEnabled': False}]}
BLOCKED = dict.fromkeys(['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'], True)


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
    put = s3.put_bucket_tagging(Bucket=bucket, Tagging={'TagSet': tags})
    assert put['ResponseMetadata']['HTTPStatusCode'] == 204
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
    assert s3.get_bucket_encryption(Bucket=bucket)['ServerSideEncryptionConfiguration'] == ENCRYPTION
    assert s3.get_public_access_block(Bucket=bucket)['PublicAccessBlockConfiguration'] == BLOCKED
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [grant['Permission'] for grant in acl['Grants']] == ['FULL_CONTROL']
    assert acl['Grants'][0]['Grantee'] == {'Type': 'CanonicalUser', 'ID': acl['Owner']['ID']}


@pytest.mark.parametrize('call, arguments', [
    ('put_bucket_versioning', {'VersioningConfiguration': {'Status': 'Enabled'}}),
    ('put_bucket_policy', {'Policy': '{}'}),
])
def test_what_eddy_does_not_do_is_refused_by_name(s3, bucket, call, arguments):
    refused(getattr(s3, call), code='NotImplemented', status=501, Bucket=bucket, **arguments)


@pytest.mark.parametrize('call, arguments', [
    ('put_bucket_acl', {'ACL': 'private'}),
    ('put_bucket_encryption', {'ServerSideEncryptionConfiguration': ENCRYPTION}),
    ('put_bucket_ownership_controls', {'OwnershipControls': {'Rules': [{'ObjectOwnership': 'BucketOwnerEnforced'}]}}),
    ('put_bucket_request_payment', {'RequestPaymentConfiguration': {'Payer': 'BucketOwner'}}),
    ('put_public_access_block', {'PublicAccessBlockConfiguration': BLOCKED}),
])
def test_a_bucket_may_be_set_to_what_it_is(s3, bucket, call, arguments):
    getattr(s3, call)(Bucket=bucket, **arguments)
    refused(getattr(s3, call), code='NoSuchBucket', status=404, Bucket='nobody-has-this-one', **arguments)


@pytest.mark.parametrize('call, arguments', [
    ('put_bucket_encryption', {'ServerSideEncryptionConfiguration': {
        'Rules': [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'aws:kms'}}]}}),
    ('put_bucket_ownership_controls', {'OwnershipControls': {'Rules': [{'ObjectOwnership': 'ObjectWriter'}]}}),
    ('put_bucket_request_payment', {'RequestPaymentConfiguration': {'Payer': 'Requester'}}),
    ('put_public_access_block', {'PublicAccessBlockConfiguration': {**BLOCKED, 'BlockPublicAcls': False}}),
])
def test_a_bucket_is_set_to_nothing_else(s3, bucket, call, arguments):
    refused(getattr(s3, call), code='NotImplemented', status=501, Bucket=bucket, **arguments)


def test_access_control_lists_are_off(s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    s3.put_object_acl(Bucket=bucket, Key='key', ACL='bucket-owner-full-control')
    refused(s3.put_object_acl, code='NoSuchKey', status=404, Bucket=bucket, Key='nothing', ACL='private')
    for call, place in ((s3.put_bucket_acl, {}), (s3.put_object_acl, {'Key': 'key'})):
        error = refused(call, code='AccessControlListNotSupported', status=400, Bucket=bucket, **place,
                        ACL='public-read')
        assert error['Message'] == 'The bucket does not allow ACLs'
    refused(s3.create_bucket, code='InvalidBucketAclWithObjectOwnership', status=400, Bucket=f'{bucket}-2',
            ACL='public-read')


def test_locks_are_of_no_bucket(s3, bucket):
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    for call in (s3.get_object_retention, s3.get_object_legal_hold):
        error = refused(call, code='InvalidRequest', status=400, Bucket=bucket, Key='key')
        assert error['Message'] == 'Bucket is missing Object Lock Configuration'
        refused(call, code='NoSuchKey', status=404, Bucket=bucket, Key='nothing')


@pytest.mark.parametrize('what', [
    'bucket_cors', 'bucket_encryption', 'bucket_lifecycle', 'bucket_ownership_controls', 'bucket_policy',
    'bucket_replication', 'bucket_tagging', 'bucket_website', 'public_access_block',
])
def test_what_is_not_set_can_be_taken_away(s3, bucket, what):
    gone = getattr(s3, f'delete_{what}')(Bucket=bucket)
    assert gone['ResponseMetadata']['HTTPStatusCode'] == 204
    refused(getattr(s3, f'delete_{what}'), code='NoSuchBucket', status=404, Bucket='nobody-has-this-one')


@pytest.mark.parametrize('what', ['analytics', 'intelligent_tiering', 'inventory', 'metrics'])
def test_a_bucket_has_no_configurations(s3, bucket, what):
    listed = getattr(s3, f'list_bucket_{what}_configurations')(Bucket=bucket)
    del listed['ResponseMetadata']
    assert listed == {'IsTruncated': False}


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
