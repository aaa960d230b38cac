{{- /* A ServiceMonitor or PodMonitor. Takes root, kind and its values. */ -}}
{{- define "sagemaker-tuning-exporter.monitor" -}}
{{- $endpoint := dict "port" "http" "path" "/metrics" -}}
{{- range $key := list "interval" "scrapeTimeout" "relabelings" "metricRelabelings" -}}
  {{- with index $.values $key -}}
    {{- $_ := set $endpoint $key . -}}
  {{- end -}}
{{- end -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ .kind }}
metadata:
  {{- include "sagemaker-tuning-exporter.metadata" (dict
        "root" .root
        "namespace" .values.namespace
        "labels" .values.additionalLabels
        "annotations" .values.annotations) | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "sagemaker-tuning-exporter.selectorLabels" .root | nindent 6 }}
  namespaceSelector:
    matchNames: [{{ include "sagemaker-tuning-exporter.namespace" .root | quote }}]
  {{ ternary "endpoints" "podMetricsEndpoints" (eq .kind "ServiceMonitor") }}:
    - {{- mergeOverwrite $endpoint .values.endpoint | toYaml | nindent 6 }}
  {{- with .values.spec }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
