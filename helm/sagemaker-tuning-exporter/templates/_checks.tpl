{{- /* What a schema cannot say: values that do not go together. */ -}}
{{- define "sagemaker-tuning-exporter.checks" -}}
{{- $v := .Values -}}
{{- $stateful := include "sagemaker-tuning-exporter.stateful" . -}}
{{- $listed := or (hasKey $v.config "tuning_jobs") (hasKey $v.config "discover") -}}
{{- if and $v.existingConfigMap.name $v.config -}}
  {{- fail "existingConfigMap.name and config are both set: the configuration comes from one of them, take the other away" -}}
{{- end -}}
{{- if and $v.demo.enabled (or $v.config $v.existingConfigMap.name) -}}
  {{- fail "demo.enabled, and there is a configuration: the demo watches only its own tuning jobs, take demo.enabled away, or config and existingConfigMap.name" -}}
{{- end -}}
{{- $exporter := include "sagemaker-tuning-exporter.exporter" . -}}
{{- if not (or $exporter $v.prometheusRule.enabled $v.dashboards.enabled $v.extraObjects) -}}
  {{- fail "workload is None, and nothing else is installed: set prometheusRule.enabled=true or dashboards.enabled=true" -}}
{{- end -}}
{{- if and $exporter (not (or $listed $v.existingConfigMap.name $v.demo.enabled)) -}}
  {{- fail "nothing to watch: set config.tuning_jobs or config.discover, or existingConfigMap.name, or demo.enabled=true for a tour without AWS" -}}
{{- end -}}
{{- if and $v.demo.enabled (gt (int $v.shards) 1) -}}
  {{- fail "demo.enabled and shards: the demo is one pod, set shards to 1" -}}
{{- end -}}
{{- if and (gt (int $v.shards) 1) (eq $v.workload "Deployment") -}}
  {{- fail "shards, and workload is Deployment: several shards are a StatefulSet, leave workload out" -}}
{{- end -}}
{{- if and $stateful (ne (int $v.replicas) 1) -}}
  {{- fail "replicas is of a Deployment, and this is a StatefulSet of one pod for each shard: leave replicas at 1" -}}
{{- end -}}
{{- if and $v.aws.roleArn (not $v.serviceAccount.create) -}}
  {{- fail "aws.roleArn stands on the chart's service account, and serviceAccount.create is false: annotate your own with eks.amazonaws.com/role-arn, and leave aws.roleArn out" -}}
{{- end -}}
{{- if and $v.service.nodePort (not $stateful) (eq (get $v.service.spec "type" | default $v.service.type) "ClusterIP") -}}
  {{- fail "service.nodePort, and service.type is ClusterIP: set service.type to NodePort or LoadBalancer" -}}
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
{{- range $name, $alert := $v.prometheusRule.alerts -}}
  {{- range ($alert | default dict).overrides -}}
    {{- range $label, $value := .labels -}}
      {{- if not (has $label $v.prometheusRule.teamLabels) -}}
        {{- fail (printf "prometheusRule.alerts.%s.overrides: %s is not among prometheusRule.teamLabels, so no alert carries it: add it there" $name $label) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- include "sagemaker-tuning-exporter.checksFurther" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "sagemaker-tuning-exporter.fullname" .)) -}}
  {{- fail (printf "%s is no name of a Service, which has small letters, digits and hyphens, and a letter first: set fullnameOverride" (include "sagemaker-tuning-exporter.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{- /* Free fields that would take away what the chart makes, and names that would be there twice. */ -}}
{{- define "sagemaker-tuning-exporter.checksFurther" -}}
{{- $v := .Values -}}
{{- $instead := dict
      "extraPodSpec.containers" "extraContainers"
      "extraPodSpec.initContainers" "initContainers"
      "extraPodSpec.volumes" "extraVolumes"
      "extraPodSpec.imagePullSecrets" "imagePullSecrets"
      "service.spec.ports" "service.port and service.nodePort"
      "serviceMonitor.spec.endpoints" "serviceMonitor.endpoint"
      "podMonitor.spec.podMetricsEndpoints" "podMonitor.endpoint" -}}
{{- range $path, $better := $instead -}}
  {{- $at := $v -}}
  {{- range splitList "." $path }}{{ $at = get $at . | default dict }}{{ end -}}
  {{- if $at -}}
    {{- fail (printf "%s would take the place of the chart's own: use %s" $path $better) -}}
  {{- end -}}
{{- end -}}
{{- $containers := concat $v.extraContainers $v.initContainers -}}
{{- $lists := list
      (list "extraEnv" "name" $v.extraEnv list)
      (list "extraVolumes" "name" $v.extraVolumes (list "config" "web"))
      (list "extraVolumeMounts" "mountPath" $v.extraVolumeMounts (list "/etc/sagemaker-tuning-exporter" "/etc/sagemaker-tuning-exporter-web"))
      (list "extraContainers or initContainers" "name" $containers (list "exporter")) -}}
{{- range $lists -}}
  {{- $path := index . 0 -}}
  {{- $key := index . 1 -}}
  {{- $taken := index . 3 -}}
  {{- range index . 2 -}}
    {{- if has (get . $key) $taken -}}
      {{- fail (printf "%s: the %s %s is there twice, or is one of the chart's: write another, or leave one out" $path $key (get . $key)) -}}
    {{- end -}}
    {{- $taken = append $taken (get . $key) -}}
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
