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
{{- range $kind := list "serviceMonitor" "podMonitor" -}}
  {{- $monitor := index $v $kind -}}
  {{- $interval := include "sagemaker-tuning-exporter.milliseconds" $monitor.interval | int64 -}}
  {{- if and $interval (gt (include "sagemaker-tuning-exporter.milliseconds" $monitor.scrapeTimeout | int64) $interval) -}}
    {{- fail (printf "%s.scrapeTimeout is %s and %s.interval %s: Prometheus takes no timeout above the interval" $kind $monitor.scrapeTimeout $kind $monitor.interval) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- /* The milliseconds of a duration such as 1m30s; 0 of none. */ -}}
{{- define "sagemaker-tuning-exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
  {{- $sum = add $sum (mul (regexFind "[1-9][0-9]*" . | default "0" | int64) (get $units (regexFind "[a-z]+" .) | int64)) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
