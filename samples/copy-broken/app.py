from urllib.parse import unquote_plus

import boto3

s3 = boto3.client('s3')


def lambda_handler(event, context):
    record = event['Records'][0]['s3']
    bucket = record['bucket']['name']
    key = unquote_plus(record['object']['key'])
    s3.copy(bucket, key, 'destination-bucket', 'destination-key')
