"""Makes docs/permissions.md: which permissions the exporter needs in AWS."""

from __future__ import annotations

from exporter.permissions.table import ORGANIZATION_PERMISSIONS, PERMISSIONS, ROLE_PERMISSIONS
from exporter.permissions.trust import NAMESPACE, OIDC_PROVIDER, SERVICE_ACCOUNT

_HEAD = """\
# Permissions

The exporter only reads from AWS. `iam-policy` prints the smallest policy that your configuration needs, without any call to AWS:

```sh
sagemaker-tuning-exporter iam-policy config.yaml > policy.json
aws iam create-policy --policy-name tuning-exporter --policy-document file://policy.json
```

With [roles](#roles-of-other-accounts), several policies or `--trust`, it prints a JSON object instead. Take the policy out of it:
`jq '.exporter.policies[0]'`.

If you change the configuration, print the policy again: a new tuning job, rule, region, role or tag may need more.

| permission | what it is for | allowed for |
|---|---|---|
"""

_TAIL = """
`sts:GetCallerIdentity` needs no permission. The exporter calls it if nothing else says which account it is in.

## How narrow it is

- A listed tuning job is allowed by its name, in lower case as in SageMaker's ARNs. A rule is allowed the names that match its
  `name_contains`, or its `name_regex` if that is plain text, with `.*` in between at most, such as `^prod-` or `^prod-.*-hpo$`. Any
  other rule is allowed every name.
- If the configuration does not say the account, ARNs have `*` instead. A policy never reaches another account than its own.
- `sagemaker:Search`, `sagemaker:ListHyperParameterTuningJobs` and `servicequotas:ListServiceQuotas` cannot be limited to some tuning jobs.
  With Search, the exporter's role can see what a describe would show, of every tuning job in the region.
- IAM allows 6,144 characters in a policy. A longer one is printed as several. If naming every tuning job takes more than ten policies, the
  policy allows all of the account and region, and a warning says so.
- The policy has no conditions on tags: tags can change while a tuning job runs, and the exporter would lose access to it.

## Roles of other accounts

For entries with `role_arn`, it prints a policy for each role, and the role's trust policy. The exporter's own identity may call
`sts:AssumeRole` on exactly these roles. The JSON is then an object with `policies` and `trust` of each identity, the exporter first.
Values that only you know are names in capitals, and stderr says what to write for them. External ids are never printed.

```sh
sagemaker-tuning-exporter iam-policy config.yaml > permissions.json
jq '."arn:aws:iam::222222222222:role/metrics".policies[0]' permissions.json
```

Only AWS knows the accounts of an `organization`. So the exporter's own identity is allowed `sts:AssumeRole` on the role in every account,
such as `arn:aws:iam::*:role/tuning-metrics`; add a condition on `aws:ResourceOrgID` to narrow that. The policy and the trust policy of
the role are printed once, under this name, for all accounts. The `organizations:` actions are allowed to the `role_arn` next to
`organization`, or to the exporter's own identity if there is none. With `--format=cloudformation` the template creates the role in every
account where you deploy it: use a stack set. A stack set with service-managed permissions leaves out the management account: create the role
there yourself, or name that account in `exclude_accounts`. Terraform needs a provider for each account, so `--format=terraform` is refused.

Entries with a `profile` use another identity, which is printed as `profile NAME`.

## The pod's own role on EKS

`--trust=pod-identity` and `--trust=irsa` add the trust policy of the exporter's own role. With pod identity, EKS tags the session, and the
tags are passed on to each role that the exporter assumes. So both the exporter's policy and the trust policies of the roles allow
`sts:TagSession`; without it AWS refuses to assume the roles. With IRSA you fill in:

| name | what to write |
|---|---|
{blanks}
## Terraform and CloudFormation

`--format=terraform` prints a module with the policies, the roles that the exporter assumes, and with `--trust` its own role. The values
that you fill in are variables. The module needs a provider for each other account, such as `aws.account_222222222222`.

`--format=cloudformation` prints one template for all accounts. In each account it creates only what belongs there, so you can deploy it as a
stack set. Start with the exporter's account, because IAM trusts only roles that exist. It needs `CAPABILITY_NAMED_IAM`. CloudFormation allows
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
