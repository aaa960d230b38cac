"""Makes docs/permissions.md: what the exporter must be allowed in AWS."""

from __future__ import annotations

from exporter.permissions.table import ORGANIZATION_PERMISSIONS, PERMISSIONS, ROLE_PERMISSIONS
from exporter.permissions.trust import NAMESPACE, OIDC_PROVIDER, SERVICE_ACCOUNT

_HEAD = """\
# Permissions

The exporter reads, and writes nothing to AWS. `iam-policy` prints the least that your configuration needs. It calls nobody:

```sh
sagemaker-tuning-exporter iam-policy config.yaml > policy.json
aws iam create-policy --policy-name tuning-exporter --policy-document file://policy.json
```

If you change the configuration, print the policy again: a new tuning job, rule, region, role or tag may need more.

| permission | what it is for | allowed for |
|---|---|---|
"""

_TAIL = """
`sts:GetCallerIdentity`, by which the exporter asks for the account where nothing else tells it, needs no permission.

## How narrow it is

- A listed tuning job is allowed by its name, in small letters as in SageMaker's ARNs. A rule is allowed the names that its `name_contains`
  lets through, or its `name_regex` if that is plain text, with `.*` between at most, such as `^prod-` or `^prod-.*-hpo$`; any
  other rule is allowed every name.
- Where the configuration does not tell the account, it is `*` in ARNs: a policy reaches no other account than its own.
- `sagemaker:Search` and `sagemaker:ListHyperParameterTuningJobs` cannot be narrowed to tuning jobs. Search shows whoever may use it
  what a describe would show, of every tuning job in the region.
- IAM takes 6,144 characters for a policy. A longer one is printed as several. If more than ten were needed to name every tuning job, all of
  the account and region are allowed, and a warning says so.
- Tags are no condition: they can change while a tuning job runs, and it would then be watched no more.

## Roles of other accounts

For entries with `role_arn`, it prints a policy for each role, and the role's trust policy. The exporter's own identity is allowed
`sts:AssumeRole` on exactly these roles. The JSON is then an object: `policies` and `trust` of each identity, the exporter first.
What only you know has a name in capitals, and stderr says what belongs there. External ids are never printed.

```sh
sagemaker-tuning-exporter iam-policy config.yaml > permissions.json
jq '."arn:aws:iam::222222222222:role/metrics".policies[0]' permissions.json
```

The accounts of an `organization` are known only when the exporter runs. What it takes for them is not printed: allow
`sts:AssumeRole` on the role in every account, such as `arn:aws:iam::*:role/tuning-metrics`, and the `organizations:` actions above; roll the
role out with a stack set.

Entries with a `profile` are called by another identity, which is printed as `profile NAME`.

## The pod's own role on EKS

`--trust=pod-identity` and `--trust=irsa` add the trust policy of the exporter's own role. With pod identity, EKS tags the session, and the tags
go along to each role that the exporter assumes. So `sts:TagSession` is allowed to the exporter and by the roles; without it AWS refuses them.
With IRSA you fill in:

| name | what belongs there |
|---|---|
{blanks}
## Terraform and CloudFormation

`--format=terraform` prints a module with the policies, the roles that the exporter assumes, and with `--trust` its own role. What is to be
filled in is a variable. The module is given a provider for each other account, such as `aws.account_222222222222`.

`--format=cloudformation` prints one template for all accounts. It makes in each account what belongs there, so you can deploy it as a
stack set: first in the exporter's account, since IAM trusts only roles that exist. It needs `CAPABILITY_NAMED_IAM`. CloudFormation takes
500 resources and 200 parameters in a template; for more roles or external ids, use Terraform.
"""


def render() -> str:
    """Return the page."""
    blanks = "".join(
        f"| `{each.name}` | {each.description} |\n" for each in (OIDC_PROVIDER, NAMESPACE, SERVICE_ACCOUNT)
    )
    return _HEAD + _rows() + _TAIL.replace("{blanks}", blanks)


def _rows() -> str:
    jobs, regions = "the tuning jobs of the configuration", "all, in the regions of the configuration"
    told = [(each.action, each.purpose, jobs if each.narrows else regions) for each in PERMISSIONS]
    told += [(action, purpose, "the roles of the configuration") for action, purpose in ROLE_PERMISSIONS.items()]
    told += [(action, purpose, "all") for action, purpose in ORGANIZATION_PERMISSIONS.items()]
    return "".join(f"| `{action}` | {purpose} | {resources} |\n" for action, purpose, resources in told)
