{{- /* What a schema cannot say: values that do not go together. */ -}}
{{- define "sagemaker-tuning-exporter.checks" -}}
{{- $v := .Values -}}
{{- $sharded := gt (int $v.shards) 1 -}}
{{- $listed := or (hasKey $v.config "tuning_jobs") (hasKey $v.config "discover") -}}
{{- if and $v.existingConfigMap.name $v.config -}}
  {{- fail "existingConfigMap.name and config are both set: the configuration comes from one of them, take the other away" -}}
{{- end -}}
{{- if not (or $listed $v.existingConfigMap.name $v.demo.enabled) -}}
  {{- fail "nothing to watch: set config.tuning_jobs or config.discover, or existingConfigMap.name, or demo.enabled=true for a tour without AWS" -}}
{{- end -}}
{{- if and $v.demo.enabled $sharded -}}
  {{- fail "demo.enabled and shards: the demo is one pod, set shards to 1" -}}
{{- end -}}
{{- if and $sharded (ne (int $v.replicas) 1) -}}
  {{- fail "shards and replicas: there is one pod for each shard, leave replicas at 1" -}}
{{- end -}}
{{- if and $v.aws.roleArn (not $v.serviceAccount.create) -}}
  {{- fail "aws.roleArn stands on the chart's service account, and serviceAccount.create is false: annotate your own with eks.amazonaws.com/role-arn, and leave aws.roleArn out" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
  {{- fail "serviceMonitor.enabled and podMonitor.enabled: every series would be scraped twice, enable one of them" -}}
{{- end -}}
{{- end -}}
