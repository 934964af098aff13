import json


def lambda_handler(event, context):
    name = json.loads(event['body'])['name']
    return {'statusCode': 200, 'body': json.dumps(f'Hello, {name}!')}
