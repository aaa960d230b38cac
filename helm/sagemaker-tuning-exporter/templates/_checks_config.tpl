{{- /* Mistakes in config that the exporter's check would find and a schema cannot express. All are reported at once. */ -}}
{{- define "sagemaker-tuning-exporter.checksConfig" -}}
{{- $config := .Values.config -}}
{{- $facts := .Files.Get "files/facts.json" | fromJson -}}
{{- $aws := get $config "aws" | default dict -}}
{{- $wrong := include "sagemaker-tuning-exporter.durationFaults" (dict "in" $config "path" "config" "key" "" "bounds" $facts.durations) -}}
{{- $interval := get $config "interval" | default $facts.durations.interval.default -}}
{{- with get $config "stale_after" -}}
  {{- if lt (include "sagemaker-tuning-exporter.milliseconds" . | int64) (include "sagemaker-tuning-exporter.milliseconds" $interval | int64) -}}
    {{- $wrong = printf "%s\nconfig.stale_after is shorter than interval: write at least %s" $wrong $interval -}}
  {{- end -}}
{{- end -}}
{{- range $i, $class := get (get $config "failures" | default dict) "classes" | default list -}}
  {{- if regexMatch $class.regex "" -}}
    {{- $wrong = printf "%s\nconfig.failures.classes[%d].regex matches any text: write what only texts of this class contain" $wrong $i -}}
  {{- end -}}
{{- end -}}
{{- $wrong = printf "%s%s" $wrong (include "sagemaker-tuning-exporter.tagFaults" (dict "tags" (get $config "tag_labels") "path" "config")) -}}
{{- $seen := dict -}}
{{- $roles := false -}}
{{- range $kind := list "tuning_jobs" "discover" -}}
  {{- range $i, $given := get $config $kind | default list -}}
    {{- $path := printf "config.%s[%d]" $kind $i -}}
    {{- $entry := kindIs "string" $given | ternary (dict "name" $given) $given -}}
    {{- if hasPrefix "arn:" ($entry.name | default "") -}}
      {{- $entry = set (omit $entry "name") "arn" $entry.name -}}
    {{- end -}}
    {{- $roles = or $roles (hasKey $entry "role_arn") -}}
    {{- $caller := include "sagemaker-tuning-exporter.caller" (dict "entry" $entry "aws" $aws) | fromYaml -}}
    {{- $faults := include "sagemaker-tuning-exporter.callerFaults" (dict "own" $entry "all" $caller "path" $path "partitions" $facts.partitions) -}}
    {{- $tags := include "sagemaker-tuning-exporter.tagFaults" (dict "tags" $entry.tag_labels "path" $path) -}}
    {{- $wrong = printf "%s%s%s" $wrong $faults $tags -}}
    {{- $name := $entry.name | default (regexFind "[^/]*$" ($entry.arn | default "")) -}}
    {{- $identity := printf "discover %s" $name -}}
    {{- if eq $kind "tuning_jobs" -}}
      {{- /* Names in AWS are independent of case. */ -}}
      {{- $identity = printf "%s %s" (lower $name) (pick $caller "region" "role_arn" "profile" "external_id" "sign_requests" "endpoint_url" "use_fips" | toJson) -}}
    {{- end -}}
    {{- if and (not $name) (eq $kind "tuning_jobs") -}}
      {{- $wrong = printf "%s\n%s has neither name nor arn: add the tuning job's name" $wrong $path -}}
    {{- else if and $name (hasKey $seen $identity) -}}
      {{- $wrong = printf "%s\n%s and %s are both %s: %s" $wrong (get $seen $identity) $path $name (ternary "remove one of them" "change one of the names" (eq $kind "tuning_jobs")) -}}
    {{- else if and (eq $kind "discover") (eq $name $facts.listed) -}}
      {{- $wrong = printf "%s\n%s.name: the name %s is reserved for the jobs of tuning_jobs, write another name" $wrong $path $name -}}
    {{- end -}}
    {{- $_ := set $seen $identity $path -}}
  {{- end -}}
{{- end -}}
{{- /* An external id in aws may be for the roles of entries. */ -}}
{{- $own := $roles | ternary (omit $aws "external_id") $aws -}}
{{- $faults := include "sagemaker-tuning-exporter.callerFaults" (dict "own" $own "all" $aws "path" "config.aws" "partitions" $facts.partitions) -}}
{{- with printf "%s%s" $wrong $faults | trim -}}
  {{- fail (printf "the exporter would refuse this configuration:\n%s" .) -}}
{{- end -}}
{{- end -}}

{{- /* A line for each duration that is too short or too long. Takes in, path, key and bounds. */ -}}
{{- define "sagemaker-tuning-exporter.durationFaults" -}}
{{- range $name, $value := .in -}}
  {{- $path := printf "%s.%s" $.path $name -}}
  {{- $key := printf "%s%s" $.key $name -}}
  {{- if kindIs "map" $value -}}
    {{- include "sagemaker-tuning-exporter.durationFaults" (dict "in" $value "path" $path "key" (printf "%s." $key) "bounds" $.bounds) -}}
  {{- else if kindIs "slice" $value -}}
    {{- range $i, $each := $value -}}
      {{- if kindIs "map" $each -}}
        {{- include "sagemaker-tuning-exporter.durationFaults" (dict "in" $each "path" (printf "%s[%d]" $path $i) "key" (printf "%s." $key) "bounds" $.bounds) -}}
      {{- end -}}
    {{- end -}}
  {{- else if hasKey $.bounds $key -}}
    {{- $bounds := get $.bounds $key -}}
    {{- $given := include "sagemaker-tuning-exporter.milliseconds" $value | int64 -}}
    {{- if lt $given (include "sagemaker-tuning-exporter.milliseconds" $bounds.shortest | int64) }}
{{ $path }}: {{ $value }} is too short, write at least {{ $bounds.shortest }}
    {{- else if gt $given (include "sagemaker-tuning-exporter.milliseconds" $bounds.longest | int64) }}
{{ $path }}: {{ $value }} is too long, write at most {{ $bounds.longest }}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- /* A line for each two tags that would become the same label. Takes tags and path. */ -}}
{{- define "sagemaker-tuning-exporter.tagFaults" -}}
{{- $seen := dict -}}
{{- range .tags | default list -}}
  {{- $label := regexReplaceAll "[^a-zA-Z0-9_]" . "_" -}}
  {{- if hasKey $seen $label }}
{{ $.path }}.tag_labels: {{ get $seen $label }} and {{ . }} become the same label, tag_{{ $label }}: remove one of them
  {{- end -}}
  {{- $_ := set $seen $label . -}}
{{- end -}}
{{- end -}}

{{- /* The keys of aws that an entry uses: its own, then those of aws. Takes entry and aws. */ -}}
{{- define "sagemaker-tuning-exporter.caller" -}}
{{- $own := deepCopy .entry -}}
{{- $arn := splitList ":" ($own.arn | default "") -}}
{{- if gt (len $arn) 4 -}}
  {{- $_ := set $own "region" (index $arn 3) -}}
{{- end -}}
{{- if not (hasKey $own "account_id") -}}
  {{- with $own.arn | default $own.role_arn }}{{ $_ := set $own "account_id" (regexFind "[0-9]{12}" .) }}{{ end -}}
{{- end -}}
{{- $for_all := .aws -}}
{{- if eq (toString $own.sign_requests) "false" }}{{ $for_all = omit $for_all "profile" "role_arn" "external_id" }}{{ end -}}
{{- if eq (toString $own.verify_ssl) "false" }}{{ $for_all = omit $for_all "ca_bundle" }}{{ end -}}
{{- range $key, $value := $for_all -}}
  {{- if not (hasKey $own $key) }}{{ $_ := set $own $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $own -}}
{{- end -}}

{{- /* A line for each two keys of aws that contradict each other, if the entry itself has one of them. Takes own, all, path, partitions. */ -}}
{{- define "sagemaker-tuning-exporter.callerFaults" -}}
{{- $own := .own -}}
{{- $all := .all -}}
{{- range $key := list "endpoint_url" "sts_endpoint_url" "quotas_endpoint_url" -}}
  {{- with get $own $key -}}
    {{- if or (contains "@" .) (contains "%40" .) }}
{{ $.path }}.{{ $key }}: credentials must not be in a URL, remove the part before the @
    {{- else if not (regexMatch "^https?://[!-~]+$" .) }}
{{ $.path }}.{{ $key }} is not an http or https URL
    {{- else if regexMatch "[?#]" . }}
{{ $.path }}.{{ $key }} must end with its path: remove the part after ? or #
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- with $own.arn -}}
  {{- $said := dict "name" (regexFind "[^/]*$" .) "region" (index (splitList ":" .) 3) "account_id" (index (splitList ":" .) 4) -}}
  {{- range $key, $value := $said -}}
    {{- if and (hasKey $own $key) (ne (get $own $key | lower) (lower $value)) }}
{{ $.path }}: its ARN says {{ $value }}, remove {{ $key }} or correct the ARN
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- $partition := "aws" -}}
{{- range .partitions -}}
  {{- if hasPrefix (index . 0) ($all.region | default "") }}{{ $partition = index . 1 }}{{ end -}}
{{- end -}}
{{- $role := $all.role_arn | default "" -}}
{{- $unsigned := eq (toString $all.sign_requests) "false" -}}
{{- $rules := list
      (list "role_arn" "account_id" (and $role $all.account_id (ne (regexFind "[0-9]{12}" $role) (toString $all.account_id))) "the role belongs to another account, and sees only the tuning jobs of its own account")
      (list "role_arn" "region" (and $role $all.region (ne (index (splitList ":" (printf "%s:" $role)) 1) $partition)) "the role belongs to another partition than the region")
      (list "external_id" "role_arn" (and $all.external_id (not $role)) "external_id is only used to assume a role, add role_arn")
      (list "ca_bundle" "verify_ssl" (and $all.ca_bundle (eq (toString $all.verify_ssl) "false")) "without verification, ca_bundle is not used, remove one of them")
      (list "role_arn" "sign_requests" (and $role $unsigned) "unsigned requests cannot use a role, remove one of them")
      (list "profile" "sign_requests" (and $all.profile $unsigned) "unsigned requests cannot use a profile, remove one of them")
      (list "endpoint_url" "use_fips" (and $all.endpoint_url (eq (toString $all.use_fips) "true")) "an endpoint of your own has no FIPS variant, remove one of them") -}}
{{- range $rules -}}
  {{- if and (index . 2) (or (hasKey $own (index . 0)) (hasKey $own (index . 1))) }}
{{ $.path }}: {{ index . 0 }} and {{ index . 1 }} contradict each other: {{ index . 3 }}
  {{- end -}}
{{- end -}}
{{- end -}}
