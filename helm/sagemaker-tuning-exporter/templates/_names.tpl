{{- define "sagemaker-tuning-exporter.name" -}}
{{- regexReplaceAll "-+$" (.Values.nameOverride | default .Chart.Name | trunc 52) "" -}}
{{- end -}}

{{- /* "true" if there is an exporter, nothing where only rules and dashboards are installed. */ -}}
{{- define "sagemaker-tuning-exporter.exporter" -}}
{{- if ne .Values.workload "None" }}true{{ end -}}
{{- end -}}

{{- /* "true" if it is a StatefulSet, else nothing. */ -}}
{{- define "sagemaker-tuning-exporter.stateful" -}}
{{- if or (and (gt (int .Values.shards) 1) (ne .Values.workload "None")) (eq .Values.workload "StatefulSet") }}true{{ end -}}
{{- end -}}

{{- /* Not above 52 characters: Kubernetes adds a hash to the name of a StatefulSet to make a label of it. */ -}}
{{- define "sagemaker-tuning-exporter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- /* A release may have dots in its name, a Service may not. */ -}}
{{- regexReplaceAll "-+$" (.Values.fullnameOverride | default $full | replace "." "-" | trunc 52) "" -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.serviceAccountName" -}}
{{- $default := ternary (include "sagemaker-tuning-exporter.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $default -}}
{{- end -}}

{{- /* Another name than that of a Deployment's, because a Service cannot become headless. */ -}}
{{- define "sagemaker-tuning-exporter.serviceName" -}}
{{- include "sagemaker-tuning-exporter.fullname" . }}{{ if include "sagemaker-tuning-exporter.stateful" . }}-shards{{ end }}
{{- end -}}

{{- /* A headless Service maps no ports. */ -}}
{{- define "sagemaker-tuning-exporter.servicePort" -}}
{{- ternary .Values.web.port .Values.service.port (eq (include "sagemaker-tuning-exporter.stateful" .) "true") -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.image" -}}
{{- $repository := .Values.image.repository -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry -}}
  {{- /* What is before the first slash is a registry if it has a dot or a port, or is localhost. */ -}}
  {{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") -}}
{{- end -}}
{{- $repository }}:{{ .Values.image.tag | default .Chart.AppVersion -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sagemaker-tuning-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "sagemaker-tuning-exporter.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
  {{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- toYaml (uniq $secrets) -}}
{{- end -}}

{{- /* Labels of every object, but for those that selectors read. */ -}}
{{- define "sagemaker-tuning-exporter.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $own := dict "helm.sh/chart" $chart "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service -}}
{{- mergeOverwrite (deepCopy .Values.commonLabels) $own | toYaml -}}
{{- end -}}

{{- /* The pod that helm test runs. It must not look like one of the Service's. */ -}}
{{- define "sagemaker-tuning-exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "sagemaker-tuning-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* Metadata of an object. Takes root, and optionally name, namespace, labels, annotations, selector. */ -}}
{{- define "sagemaker-tuning-exporter.metadata" -}}
{{- $labels := include "sagemaker-tuning-exporter.labels" .root | fromYaml -}}
{{- /* Last, so that no other label keeps an object from being found. */ -}}
{{- $selector := .selector | default (include "sagemaker-tuning-exporter.selectorLabels" .root) | fromYaml -}}
name: {{ .name | default (include "sagemaker-tuning-exporter.fullname" .root) | quote }}
namespace: {{ .namespace | default (include "sagemaker-tuning-exporter.namespace" .root) | quote }}
labels:
  {{- mergeOverwrite $labels (.labels | default dict) $selector | toYaml | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
