{{- /* The template of the pods, with the extras of the values in place. */ -}}
{{- define "sagemaker-tuning-exporter.pod" -}}
{{- $labels := include "sagemaker-tuning-exporter.labels" . | fromYaml -}}
{{- $selector := include "sagemaker-tuning-exporter.selectorLabels" . | fromYaml -}}
metadata:
  labels:
    {{- mergeOverwrite (omit $labels "helm.sh/chart") (deepCopy .Values.podLabels) $selector | toYaml | nindent 4 }}
  {{- $annotations := dict -}}
  {{- /* A role reaches only pods that start after the service account names it. */ -}}
  {{- with .Values.aws.roleArn }}{{ $_ := set $annotations "checksum/role" (sha256sum .) }}{{ end -}}
  {{- with mergeOverwrite $annotations (deepCopy .Values.podAnnotations) }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- mergeOverwrite (include "sagemaker-tuning-exporter.podSpec" . | fromYaml) (deepCopy .Values.extraPodSpec) | toYaml | nindent 2 }}
{{- end -}}

{{- define "sagemaker-tuning-exporter.podSpec" -}}
serviceAccountName: {{ include "sagemaker-tuning-exporter.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with include "sagemaker-tuning-exporter.imagePullSecrets" . | fromYamlArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "sagemaker-tuning-exporter.podSecurityContext" . | fromYaml }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $pods := dict "matchLabels" (include "sagemaker-tuning-exporter.selectorLabels" $ | fromYaml) }}
  {{- range . }}
  - {{- set (deepCopy .) "labelSelector" (.labelSelector | default $pods) | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{- include "sagemaker-tuning-exporter.container" . | nindent 4 }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $web := include "sagemaker-tuning-exporter.webVolumes" . | fromYamlArray }}
{{- $volumes := concat (include "sagemaker-tuning-exporter.configVolumes" . | fromYamlArray) $web .Values.extraVolumes }}
{{- with $volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "sagemaker-tuning-exporter.container" -}}
name: exporter
image: {{ include "sagemaker-tuning-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  {{- if .Values.demo.enabled }}
  - demo
  - --speed={{ .Values.demo.speed }}
  {{- else }}
  - --config.file=/etc/sagemaker-tuning-exporter/config.yaml
  {{- end }}
  - --web.listen-address=:{{ .Values.web.port }}
  {{- if and .Values.web.enableLifecycle (not .Values.demo.enabled) }}
  - --web.enable-lifecycle
  {{- end }}
  {{- with .Values.web.externalUrl }}
  - --web.external-url={{ . }}
  {{- end }}
  {{- with .Values.web.routePrefix }}
  - --web.route-prefix={{ . }}
  {{- end }}
  {{- if .Values.web.disablePages }}
  - --web.disable-pages
  {{- end }}
  {{- if include "sagemaker-tuning-exporter.webConfigSecret" . }}
  - --web.config.file=/etc/sagemaker-tuning-exporter-web/web-config.yaml
  {{- end }}
  - --log.level={{ .Values.log.level }}
  - --log.format={{ .Values.log.format }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "sagemaker-tuning-exporter.env" . | fromYamlArray }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or .Values.aws.existingSecret .Values.extraEnvFrom }}
envFrom:
  {{- with .Values.aws.existingSecret }}
  - secretRef: {name: {{ . | quote }}}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
ports:
  - name: http
    containerPort: {{ .Values.web.port }}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with include "sagemaker-tuning-exporter.probe" (dict "root" $ "probe" (index $.Values $probe)) | fromYaml }}
{{ $probe }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "sagemaker-tuning-exporter.securityContext" . | fromYaml }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $web := include "sagemaker-tuning-exporter.webConfigSecret" . }}
{{- if or (not .Values.demo.enabled) $web .Values.extraVolumeMounts }}
volumeMounts:
  {{- if not .Values.demo.enabled }}
  # The directory and not the file, so that changes arrive.
  - name: config
    mountPath: /etc/sagemaker-tuning-exporter
    readOnly: true
  {{- end }}
  {{- if $web }}
  - name: web
    mountPath: /etc/sagemaker-tuning-exporter-web
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "sagemaker-tuning-exporter.configVolumes" -}}
{{- if not .Values.demo.enabled -}}
- name: config
  configMap:
    {{- with .Values.existingConfigMap }}
    name: {{ .name | default (include "sagemaker-tuning-exporter.fullname" $) | quote }}
    items:
      - {key: {{ ternary .key "config.yaml" (ne .name "") | quote }}, path: config.yaml}
    {{- end }}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.env" -}}
{{- $v := .Values -}}
{{- $env := list -}}
{{- if gt (int $v.shards) 1 -}}
  {{- $pod := dict "fieldRef" (dict "fieldPath" "metadata.name") -}}
  {{- $env = append $env (dict "name" "SAGEMAKER_TUNING_EXPORTER_SHARD_INDEX" "valueFrom" $pod) -}}
  {{- $env = append $env (dict "name" "SAGEMAKER_TUNING_EXPORTER_SHARD_TOTAL" "value" (toString $v.shards)) -}}
{{- end -}}
{{- with $v.aws.region -}}
  {{- $env = append $env (dict "name" "AWS_REGION" "value" .) -}}
{{- end -}}
{{- if or $v.proxy.httpsProxy $v.proxy.httpProxy -}}
  {{- with $v.proxy.httpsProxy -}}
    {{- $env = append $env (dict "name" "HTTPS_PROXY" "value" .) -}}
  {{- end -}}
  {{- with $v.proxy.httpProxy -}}
    {{- $env = append $env (dict "name" "HTTP_PROXY" "value" .) -}}
  {{- end -}}
  {{- /* Instance metadata and the pod identity agent. Their IPv6 addresses stand in brackets for Python, without for others. */ -}}
  {{- $local := list "localhost" "127.0.0.1" "::1" "169.254.169.254" "169.254.170.23" "fd00:ec2::254" "[fd00:ec2::254]" "fd00:ec2::23" "[fd00:ec2::23]" -}}
  {{- $env = append $env (dict "name" "NO_PROXY" "value" (join "," (concat $local $v.proxy.noProxy))) -}}
{{- end -}}
{{- /* One variable may be there once, and that of the values goes before the chart's. */ -}}
{{- $given := list -}}
{{- range $v.extraEnv }}{{ $given = append $given .name }}{{ end -}}
{{- $all := list -}}
{{- range $env }}{{ if not (has .name $given) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- concat $all $v.extraEnv | toYaml -}}
{{- end -}}

{{- /* Security contexts; OpenShift refuses ids that it has not chosen. */ -}}
{{- define "sagemaker-tuning-exporter.podSecurityContext" -}}
{{- ternary (omit .Values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup") .Values.podSecurityContext .Values.openshift.enabled | toYaml -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.securityContext" -}}
{{- ternary (omit .Values.securityContext "runAsUser" "runAsGroup") .Values.securityContext .Values.openshift.enabled | toYaml -}}
{{- end -}}
