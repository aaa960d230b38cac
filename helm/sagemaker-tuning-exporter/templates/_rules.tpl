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
{{- $expr := include "sagemaker-tuning-exporter.ruleExpression" (dict "values" $values "expr" .rule.expr "thresholds" .own.thresholds) -}}
{{- with .own.overrides -}}
  {{- $expr = include "sagemaker-tuning-exporter.overridden" (dict "values" $values "expr" $.rule.expr "own" $.own "default" $expr) -}}
{{- end -}}
{{- $_ := set $rule "expr" (include "sagemaker-tuning-exporter.aggregated" (dict "text" $expr "labels" $values.aggregationLabels)) -}}
{{- if $rule.alert -}}
  {{- include "sagemaker-tuning-exporter.annotated" (dict "rule" $rule "labels" $values.aggregationLabels) -}}
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

{{- /* A rule's expression with thresholds, and with the labels that alerts carry. */ -}}
{{- define "sagemaker-tuning-exporter.ruleExpression" -}}
{{- /* Without any, the comma before it goes too. */ -}}
{{- $labels := ternary (printf "${1}%s" (join ", " .values.teamLabels)) "" (gt (len .values.teamLabels) 0) -}}
{{- $expr := regexReplaceAll "(, )?\\blabel_team\\b" .expr $labels -}}
{{- range $name, $value := .thresholds -}}
  {{- /* The number, or the duration in brackets, right before the comment that names it. */ -}}
  {{- $number := printf "(?m)\\d[\\d.]*[a-z]*([\\])\\s]*# threshold: %s(?: \\(seconds\\))?)$" $name -}}
  {{- $expr = regexReplaceAll $number $expr (printf "%s${1}" (kindIs "string" $value | ternary $value (toJson $value))) -}}
{{- end -}}
{{- $expr -}}
{{- end -}}

{{- /* The default expression where no override fits, or else that of the first override that does. */ -}}
{{- define "sagemaker-tuning-exporter.overridden" -}}
{{- $joins := list -}}
{{- $parts := list -}}
{{- range .own.overrides -}}
  {{- $matchers := list -}}
  {{- range $label, $value := .labels }}{{ $matchers = append $matchers (printf "%s=%q" $label $value) }}{{ end -}}
  {{- $join := printf "on (%s) tuning_job:sagemaker_tuning_job_labels:agreed{%s}" (keys .labels | sortAlpha | join ", ") (join "," $matchers) -}}
  {{- $thresholds := merge (deepCopy (.thresholds | default dict)) ($.own.thresholds | default dict) -}}
  {{- $expr := include "sagemaker-tuning-exporter.ruleExpression" (dict "values" $.values "expr" $.expr "thresholds" $thresholds) -}}
  {{- $before := "" -}}
  {{- range $joins }}{{ $before = printf "%s\nunless %s" $before . }}{{ end -}}
  {{- $parts = append $parts (printf "(\n%s\n)\nand %s%s" (trim $expr) $join $before) -}}
  {{- $joins = append $joins $join -}}
{{- end -}}
{{- $default := printf "(\n%s\n)" (trim .default) -}}
{{- range $joins }}{{ $default = printf "%s\nunless %s" $default . }}{{ end -}}
{{- prepend $parts $default | join "\nor\n" -}}
{{- end -}}

{{- /* Expressions in which each sum and join over tuning jobs, targets or exporters keeps the labels. */ -}}
{{- define "sagemaker-tuning-exporter.aggregated" -}}
{{- $text := .text -}}
{{- with .labels -}}
  {{- $text = regexReplaceAll "\\b(by|on) \\(\\)" $text (printf "${1} (%s)" (join ", " .)) -}}
  {{- $text = regexReplaceAll "\\b(by|on) \\(([^)]*\\b(?:aws_region|job)\\b)" $text (printf "${1} (%s, ${2}" (join ", " .)) -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{- /* Changes a rule's annotations: what they ask is asked of what has the alert's labels, and the summary names them. */ -}}
{{- define "sagemaker-tuning-exporter.annotated" -}}
{{- $annotations := .rule.annotations -}}
{{- $labels := .labels -}}
{{- if $labels -}}
  {{- range $name, $text := $annotations -}}
    {{- $selected := printf "{%s=%%q,aws_account_id=%%q" (join "=%q," $labels) -}}
    {{- $given := printf "$labels.%s $labels.aws_account_id $labels.aws_region" (join " $labels." $labels) -}}
    {{- $text = $text | replace "{aws_account_id=%q" $selected | replace "$labels.aws_account_id $labels.aws_region" $given -}}
    {{- $_ := set $annotations $name (include "sagemaker-tuning-exporter.aggregated" (dict "text" $text "labels" $labels)) -}}
  {{- end -}}
  {{- range $labels -}}
    {{- $_ := set $annotations "summary" (printf "%s{{ with $labels.%s }}, %s {{ . }}{{ end }}" $annotations.summary . .) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- /* A dashboard that chooses by the labels, too: a variable for each, before that of the account, and every query selects by it. */ -}}
{{- define "sagemaker-tuning-exporter.aggregatedDashboard" -}}
{{- $text := .text -}}
{{- range .labels -}}
  {{- $query := dict "qryType" 1 "query" (printf "label_values(sagemaker_tuning_job_labels, %s)" .) "refId" (printf "variable-%s" .) -}}
  {{- $variable := dict "type" "query" "name" . "label" . "query" $query "multi" true "includeAll" true "allValue" ".*"
        "datasource" (dict "type" "prometheus" "uid" "${datasource}") "refresh" 2 "sort" 1 "skipUrlSync" false
        "current" (dict "text" "All" "value" "$__all") -}}
  {{- $account := "      {\n        \"type\": \"query\",\n        \"name\": \"account\"," -}}
  {{- $text = replace $account (printf "      %s,\n%s" (toJson $variable) $account) $text -}}
  {{- $text = replace "aws_account_id=~\\\"$account\\\"" (printf "%s=~\\\"$%s\\\",aws_account_id=~\\\"$account\\\"" . .) $text -}}
{{- end -}}
{{- include "sagemaker-tuning-exporter.aggregated" (dict "text" $text "labels" .labels) -}}
{{- end -}}
