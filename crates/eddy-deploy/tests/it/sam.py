"""What aws-sam-translator makes of each template given: one JSON document a line."""
import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    def load(self):
        return {'AmazonS3ReadOnlyAccess': 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'}


for name in sys.argv[1:]:
    with open(name) as file:
        template = json.load(file) if name.endswith('.json') else yaml_parse(file.read())
    print(json.dumps(transform(template, {}, NoPolicies())))
