{{- /*
A group of rules/*.yaml with what the values say in place. Takes root and group; without such values it stays as it is.
*/ -}}
{{- define "sagemaker-tuning-exporter.ruleGroup" -}}
{{- $values := .root.Values.prometheusRule -}}
{{- $rules := list -}}
{{- range .group.rules -}}
  {{- $own := dict -}}
  {{- with .alert -}}
    {{- $own = index $values.alerts . | default dict -}}
  {{- end -}}
  {{- if ne (toString $own.enabled) "false" -}}
    {{- $rules = append $rules (include "sagemaker-tuning-exporter.rule" (dict "values" $values "rule" . "own" $own) | fromYaml) -}}
  {{- end -}}
{{- end -}}
{{- if $rules -}}
- {{- set (deepCopy .group) "rules" $rules | toYaml | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.rule" -}}
{{- $values := .values -}}
{{- $rule := deepCopy .rule -}}
{{- /* Without any, the comma before it goes too. */ -}}
{{- $labels := ternary (printf "${1}%s" (join ", " $values.teamLabels)) "" (gt (len $values.teamLabels) 0) -}}
{{- $expr := regexReplaceAll "(, )?\\blabel_team\\b" .rule.expr $labels -}}
{{- range $name, $value := .own.thresholds -}}
  {{- /* The number, or the duration in brackets, right before the comment that names it. */ -}}
  {{- $number := printf "(?m)\\d[\\d.]*[a-z]*([\\])\\s]*# threshold: %s(?: \\(seconds\\))?)$" $name -}}
  {{- $expr = regexReplaceAll $number $expr (printf "%s${1}" (kindIs "string" $value | ternary $value (toJson $value))) -}}
{{- end -}}
{{- $_ := set $rule "expr" $expr -}}
{{- if $rule.alert -}}
  {{- with .own.for }}{{ $_ := set $rule "for" . }}{{ end -}}
  {{- with .own.keepFiringFor }}{{ $_ := set $rule "keep_firing_for" . }}{{ end -}}
  {{- $_ := set $rule "labels" (mergeOverwrite $rule.labels (deepCopy $values.alertLabels)) -}}
  {{- with .own.severity }}{{ $_ := set $rule.labels "severity" . }}{{ end -}}
  {{- with $values.runbookBaseUrl -}}
    {{- $anchor := $rule.annotations.runbook_url | splitList "#" | last -}}
    {{- $_ := set $rule.annotations "runbook_url" (printf "%s#%s" . $anchor) -}}
  {{- end -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}
