{{- /* Checks that a schema cannot express: values that contradict each other. */ -}}
{{- define "sagemaker-tuning-exporter.checks" -}}
{{- $v := .Values -}}
{{- $stateful := include "sagemaker-tuning-exporter.stateful" . -}}
{{- $listed := or (hasKey $v.config "tuning_jobs") (hasKey $v.config "discover") -}}
{{- if and $v.existingConfigMap.name $v.config -}}
  {{- fail "existingConfigMap.name and config are both set, but there can be only one configuration: remove one of them" -}}
{{- end -}}
{{- if and $v.demo.enabled (or $v.config $v.existingConfigMap.name) -}}
  {{- fail "demo.enabled is set together with a configuration, but the demo watches only its own tuning jobs: remove demo.enabled, or remove config and existingConfigMap.name" -}}
{{- end -}}
{{- $exporter := include "sagemaker-tuning-exporter.exporter" . -}}
{{- if not (or $exporter $v.prometheusRule.enabled $v.dashboards.enabled $v.extraObjects) -}}
  {{- fail "workload is None and nothing else is installed: set prometheusRule.enabled=true or dashboards.enabled=true" -}}
{{- end -}}
{{- if and $exporter (not (or $listed $v.existingConfigMap.name $v.demo.enabled)) -}}
  {{- fail "there is nothing to watch: set config.tuning_jobs, config.discover or existingConfigMap.name, or set demo.enabled=true to try it without AWS" -}}
{{- end -}}
{{- if and $v.demo.enabled (gt (int $v.shards) 1) -}}
  {{- fail "demo.enabled is set and shards is above 1, but the demo is a single pod: set shards to 1" -}}
{{- end -}}
{{- if and (gt (int $v.shards) 1) (eq $v.workload "Deployment") -}}
  {{- fail "shards is above 1 and workload is Deployment, but several shards need a StatefulSet: remove workload" -}}
{{- end -}}
{{- if and $stateful (ne (int $v.replicas) 1) -}}
  {{- fail "replicas is only for a Deployment, but this is a StatefulSet with one pod for each shard: set replicas to 1" -}}
{{- end -}}
{{- if and $v.aws.roleArn (not $v.serviceAccount.create) -}}
  {{- fail "aws.roleArn is an annotation of the chart's service account, but serviceAccount.create is false: annotate your own service account with eks.amazonaws.com/role-arn, and remove aws.roleArn" -}}
{{- end -}}
{{- if and $v.service.nodePort (not $stateful) (eq (get $v.service.spec "type" | default $v.service.type) "ClusterIP") -}}
  {{- fail "service.nodePort is set, but service.type is ClusterIP: set service.type to NodePort or LoadBalancer" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
  {{- fail "serviceMonitor.enabled and podMonitor.enabled are both set, so all series would be scraped twice: enable only one of them" -}}
{{- end -}}
{{- range $kind := list "serviceMonitor" "podMonitor" -}}
  {{- $monitor := index $v $kind -}}
  {{- $interval := include "sagemaker-tuning-exporter.milliseconds" $monitor.interval | int64 -}}
  {{- if and $interval (gt (include "sagemaker-tuning-exporter.milliseconds" $monitor.scrapeTimeout | int64) $interval) -}}
    {{- fail (printf "%s.scrapeTimeout is %s and %s.interval %s, but the timeout must not be longer than the interval: reduce scrapeTimeout" $kind $monitor.scrapeTimeout $kind $monitor.interval) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $alert := $v.prometheusRule.alerts -}}
  {{- range ($alert | default dict).overrides -}}
    {{- range $label, $value := .labels -}}
      {{- if not (has $label $v.prometheusRule.teamLabels) -}}
        {{- fail (printf "prometheusRule.alerts.%s.overrides: %s is not in prometheusRule.teamLabels, so no alert has this label: add it there" $name $label) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- include "sagemaker-tuning-exporter.checksFurther" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "sagemaker-tuning-exporter.fullname" .)) -}}
  {{- fail (printf "%s is not a valid name of a Service, which has lower-case letters, digits and hyphens and begins with a letter: set fullnameOverride" (include "sagemaker-tuning-exporter.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{- /* Free fields that would replace what the chart makes, and names that would be used twice. */ -}}
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
    {{- fail (printf "%s would replace what the chart makes: use %s" $path $better) -}}
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
      {{- fail (printf "%s: the %s %s is used twice, or the chart uses it: change or remove one of them" $path $key (get . $key)) -}}
    {{- end -}}
    {{- $taken = append $taken (get . $key) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- /* The milliseconds of a duration such as 1m30s, 0 without one. */ -}}
{{- define "sagemaker-tuning-exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
  {{- $sum = add $sum (mul (regexFind "[1-9][0-9]*" . | default "0" | int64) (get $units (regexFind "[a-z]+" .) | int64)) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
