{{- /* A ServiceMonitor or PodMonitor. Takes root, kind and its values. */ -}}
{{- define "sagemaker-tuning-exporter.monitor" -}}
{{- $endpoint := dict "path" (printf "%s/metrics" (include "sagemaker-tuning-exporter.routePrefix" .root)) -}}
{{- /* The Service's name of the port tells how it is spoken to; the container's stays the same. */ -}}
{{- $_ := set $endpoint "port" (ternary (include "sagemaker-tuning-exporter.scheme" .root) "http" (eq .kind "ServiceMonitor")) -}}
{{- if include "sagemaker-tuning-exporter.tls" .root -}}
  {{- $_ := set $endpoint "scheme" "https" -}}
  {{- $_ := set $endpoint "tlsConfig" (include "sagemaker-tuning-exporter.scrapeTls" .root | fromYaml) -}}
{{- end -}}
{{- with .root.Values.scrape.basicAuth -}}
  {{- if .secretName -}}
    {{- $name := dict "name" .secretName "key" .usernameKey -}}
    {{- $_ := set $endpoint "basicAuth" (dict "username" $name "password" (dict "name" .secretName "key" .passwordKey)) -}}
  {{- end -}}
{{- end -}}
{{- range $key := list "interval" "scrapeTimeout" "relabelings" "metricRelabelings" -}}
  {{- with index $.values $key -}}
    {{- $_ := set $endpoint $key . -}}
  {{- end -}}
{{- end -}}
{{- $spec := dict "selector" (dict "matchLabels" (include "sagemaker-tuning-exporter.selectorLabels" .root | fromYaml)) -}}
{{- $_ := set $spec "namespaceSelector" (dict "matchNames" (list (include "sagemaker-tuning-exporter.namespace" .root))) -}}
{{- $endpoints := list (mergeOverwrite $endpoint (deepCopy .values.endpoint)) -}}
{{- $_ := set $spec (ternary "endpoints" "podMetricsEndpoints" (eq .kind "ServiceMonitor")) $endpoints -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  {{- include "sagemaker-tuning-exporter.metadata" (dict
        "root" .root
        "namespace" .values.namespace
        "labels" .values.additionalLabels
        "annotations" .values.annotations) | nindent 2 }}
spec:
  {{- mergeOverwrite $spec (deepCopy .values.spec) | toYaml | nindent 2 }}
{{- end -}}

{{- /* How Prometheus checks the exporter's certificate, and shows its own. */ -}}
{{- define "sagemaker-tuning-exporter.scrapeTls" -}}
{{- if .Values.scrape.tls.insecureSkipVerify -}}
insecureSkipVerify: true
{{- else -}}
serverName: {{ include "sagemaker-tuning-exporter.serverName" . | quote }}
{{- with include "sagemaker-tuning-exporter.caSecret" . }}
ca:
  secret: {name: {{ . | quote }}, key: {{ $.Values.scrape.tls.caKey | quote }}}
{{- end }}
{{- end }}
{{- with .Values.scrape.tls.certSecretName }}
cert:
  secret: {name: {{ . | quote }}, key: tls.crt}
keySecret: {name: {{ . | quote }}, key: tls.key}
{{- end }}
{{- end -}}
