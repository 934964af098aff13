import os
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client('s3')


def lambda_handler(event, context):
    for record in event['Records']:
        bucket = record['s3']['bucket']['name']
        key = unquote_plus(record['s3']['object']['key'])
        s3.copy_object(
            Bucket=os.environ['DESTINATION'],
            Key=key,
            CopySource={'Bucket': bucket, 'Key': key},
        )
        print(f'copied {bucket}/{key}')
