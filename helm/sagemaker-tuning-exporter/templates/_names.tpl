{{- define "sagemaker-tuning-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- /* Not above 52 characters: Kubernetes adds a hash to the name of a StatefulSet to make a label of it. */ -}}
{{- define "sagemaker-tuning-exporter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.serviceAccountName" -}}
{{- $default := ternary (include "sagemaker-tuning-exporter.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $default -}}
{{- end -}}

{{- /* Another name than that of a single pod's, because a Service cannot become headless. */ -}}
{{- define "sagemaker-tuning-exporter.serviceName" -}}
{{- include "sagemaker-tuning-exporter.fullname" . }}{{ if gt (int .Values.shards) 1 }}-shards{{ end }}
{{- end -}}

{{- /* A headless Service maps no ports. */ -}}
{{- define "sagemaker-tuning-exporter.servicePort" -}}
{{- ternary .Values.web.port .Values.service.port (gt (int .Values.shards) 1) -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sagemaker-tuning-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "sagemaker-tuning-exporter.labels" -}}
{{- with .Values.commonLabels }}{{ toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sagemaker-tuning-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* The pod that helm test runs. It must not look like one of the Service's. */ -}}
{{- define "sagemaker-tuning-exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "sagemaker-tuning-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* Metadata of an object. Takes root, and optionally name, namespace, labels, annotations. */ -}}
{{- define "sagemaker-tuning-exporter.metadata" -}}
{{- $labels := include "sagemaker-tuning-exporter.labels" .root | fromYaml -}}
name: {{ .name | default (include "sagemaker-tuning-exporter.fullname" .root) | quote }}
namespace: {{ .namespace | default (include "sagemaker-tuning-exporter.namespace" .root) | quote }}
labels:
  {{- mergeOverwrite $labels (.labels | default dict) | toYaml | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
