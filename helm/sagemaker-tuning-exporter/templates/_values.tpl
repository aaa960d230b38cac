{{- /*
What every template begins with: the values without holes. Of a key with nothing behind it, such as `extraEnv:`, Helm takes the
default away. Here such a list or map is empty, such a section has its defaults, and a text that may be empty is "".
*/ -}}
{{- define "sagemaker-tuning-exporter.values" -}}
{{- $facts := .Files.Get "files/facts.json" | fromJson -}}
{{- include "sagemaker-tuning-exporter.filled" (dict "values" .Values "defaults" $facts.defaults "path" "" "wholes" $facts.wholes) -}}
{{- include "sagemaker-tuning-exporter.withoutNull" .Values.config -}}
{{- include "sagemaker-tuning-exporter.withoutNull" .Values.web.config -}}
{{- end -}}

{{- /* Fills a section in place. Takes values, defaults, path, and wholes: the paths of maps that are no sections. */ -}}
{{- define "sagemaker-tuning-exporter.filled" -}}
{{- range $key, $default := .defaults -}}
  {{- $path := printf "%s%s" $.path $key -}}
  {{- $given := get $.values $key -}}
  {{- $section := and (kindIs "map" $default) (not (has $path $.wholes)) -}}
  {{- if and $section (kindIs "map" $given) (hasKey $.values $key) -}}
    {{- include "sagemaker-tuning-exporter.filled" (dict "values" $given "defaults" $default "path" (printf "%s." $path) "wholes" $.wholes) -}}
  {{- else if not (kindIs "invalid" (index $.values $key)) -}}
  {{- else if $section -}}
    {{- $_ := set $.values $key $default -}}
  {{- else if kindIs "map" $default -}}
    {{- $_ := set $.values $key dict -}}
  {{- else if kindIs "slice" $default -}}
    {{- $_ := set $.values $key list -}}
  {{- else if eq (toString $default) "" -}}
    {{- $_ := set $.values $key "" -}}
  {{- else -}}
    {{- fail (printf "%s is empty: write a value, or leave the key out for %v; after `helm upgrade --reuse-values` from an older chart, use --reset-then-reuse-values" $path $default) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- /* Takes the keys without a value out of a map, and out of all that is in it. The exporter refuses them. */ -}}
{{- define "sagemaker-tuning-exporter.withoutNull" -}}
{{- if kindIs "map" . -}}
  {{- range $key, $value := . -}}
    {{- if kindIs "invalid" $value -}}
      {{- $_ := unset $ $key -}}
    {{- else -}}
      {{- include "sagemaker-tuning-exporter.withoutNull" $value -}}
    {{- end -}}
  {{- end -}}
{{- else if kindIs "slice" . -}}
  {{- range . -}}
    {{- include "sagemaker-tuning-exporter.withoutNull" . -}}
  {{- end -}}
{{- end -}}
{{- end -}}
