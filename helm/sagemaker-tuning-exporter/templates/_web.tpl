{{- /* The path before everything that is served: /a/b, or nothing. As --web.route-prefix is read. */ -}}
{{- define "sagemaker-tuning-exporter.routePrefix" -}}
{{- $given := .Values.web.routePrefix | default (regexReplaceAll "^[A-Za-z]+://[^/]*" .Values.web.externalUrl "") -}}
{{- with trimAll "/" $given }}/{{ . }}{{ end -}}
{{- end -}}

{{- /* The TLS section of the web configuration in the values. */ -}}
{{- define "sagemaker-tuning-exporter.tlsSection" -}}
{{- get .Values.web.config "tls_server_config" | default dict | toYaml -}}
{{- end -}}

{{- /* "true" if the exporter serves HTTPS, else nothing. */ -}}
{{- define "sagemaker-tuning-exporter.tls" -}}
{{- $section := include "sagemaker-tuning-exporter.tlsSection" . | fromYaml -}}
{{- if or .Values.web.tls.secretName .Values.web.tls.enabled $section.cert $section.cert_file }}true{{ end -}}
{{- end -}}

{{- /* "true" if it answers nobody without a client certificate, else nothing. */ -}}
{{- define "sagemaker-tuning-exporter.clientCertificates" -}}
{{- $section := include "sagemaker-tuning-exporter.tlsSection" . | fromYaml -}}
{{- if or .Values.web.clientCertificatesRequired (eq (toString $section.client_auth_type) "RequireAndVerifyClientCert") }}true{{ end -}}
{{- end -}}

{{- define "sagemaker-tuning-exporter.scheme" -}}
{{- ternary "https" "http" (eq (include "sagemaker-tuning-exporter.tls" .) "true") -}}
{{- end -}}

{{- /* The name that the exporter's certificate must have. */ -}}
{{- define "sagemaker-tuning-exporter.serverName" -}}
{{- $service := printf "%s.%s.svc" (include "sagemaker-tuning-exporter.serviceName" .) (include "sagemaker-tuning-exporter.namespace" .) -}}
{{- .Values.scrape.tls.serverName | default $service -}}
{{- end -}}

{{- /* The Secret with the authority that the exporter's certificate is checked against; nothing for those that everyone trusts. */ -}}
{{- define "sagemaker-tuning-exporter.caSecret" -}}
{{- if .Values.scrape.tls.caKey }}{{ .Values.scrape.tls.caSecretName | default .Values.web.tls.secretName }}{{ end -}}
{{- end -}}

{{- /* The Secret with the web configuration; nothing where there is none. */ -}}
{{- define "sagemaker-tuning-exporter.webConfigSecret" -}}
{{- if .Values.web.existingConfigSecret.name -}}
{{- .Values.web.existingConfigSecret.name -}}
{{- else if or .Values.web.config .Values.web.tls.secretName -}}
{{- include "sagemaker-tuning-exporter.fullname" . }}-web
{{- end -}}
{{- end -}}

{{- /* The web configuration, with what the other values say of TLS. */ -}}
{{- define "sagemaker-tuning-exporter.webConfig" -}}
{{- $section := include "sagemaker-tuning-exporter.tlsSection" . | fromYaml -}}
{{- if .Values.web.tls.secretName -}}
  {{- /* Relative to the file, beside which the volume has them. */ -}}
  {{- $_ := set $section "cert_file" "tls.crt" -}}
  {{- $_ := set $section "key_file" "tls.key" -}}
{{- end -}}
{{- if include "sagemaker-tuning-exporter.clientCertificates" . -}}
  {{- $_ := set $section "client_auth_type" "RequireAndVerifyClientCert" -}}
{{- end -}}
{{- $checked := has (toString $section.client_auth_type) (list "VerifyClientCertIfGiven" "RequireAndVerifyClientCert") -}}
{{- if and $checked (not (or $section.client_ca $section.client_ca_file)) -}}
  {{- $_ := set $section "client_ca_file" "ca.crt" -}}
{{- end -}}
{{- $config := omit .Values.web.config "tls_server_config" -}}
{{- with $section -}}
  {{- $_ := set $config "tls_server_config" . -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* One volume for the web configuration and the certificate: what is renewed arrives together, and without a restart. */ -}}
{{- define "sagemaker-tuning-exporter.webVolumes" -}}
{{- with include "sagemaker-tuning-exporter.webConfigSecret" . -}}
- name: web
  projected:
    defaultMode: 288 # 0440: fsGroup may read it
    sources:
      - secret:
          name: {{ . | quote }}
          items:
            - {key: {{ ternary $.Values.web.existingConfigSecret.key "web-config.yaml" (ne $.Values.web.existingConfigSecret.name "") | quote }}, path: web-config.yaml}
      {{- with $.Values.web.tls.secretName }}
      - secret:
          name: {{ . | quote }}
          items:
            - {key: tls.crt, path: tls.crt}
            - {key: tls.key, path: tls.key}
      - secret:
          name: {{ . | quote }}
          optional: true # authorities that everyone trusts come without
          items:
            - {key: ca.crt, path: ca.crt}
      {{- end }}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{- /* A probe as the values have it, on the path and in the way that the exporter serves; nothing if it is off. Takes root and probe. */ -}}
{{- define "sagemaker-tuning-exporter.probe" -}}
{{- $prefix := include "sagemaker-tuning-exporter.routePrefix" .root -}}
{{- $probe := omit (deepCopy .probe) "enabled" -}}
{{- if or $probe.exec $probe.grpc $probe.tcpSocket -}}
  {{- /* Helm leaves the default beside what the values have in place of it. */ -}}
  {{- $_ := unset $probe "httpGet" -}}
{{- end -}}
{{- with $probe.httpGet -}}
  {{- if or (eq (toString .port) "http") (eq (toString .port) (toString $.root.Values.web.port)) -}}
    {{- if include "sagemaker-tuning-exporter.clientCertificates" $.root -}}
      {{- /* A kubelet has no client certificate. */ -}}
      {{- $_ := set $probe "tcpSocket" (dict "port" .port) -}}
      {{- $_ := unset $probe "httpGet" -}}
    {{- else -}}
      {{- $path := .path | default "/" -}}
      {{- if and $prefix (not (hasPrefix (printf "%s/" $prefix) $path)) -}}
        {{- $_ := set . "path" (printf "%s%s" $prefix $path) -}}
      {{- end -}}
      {{- if and (include "sagemaker-tuning-exporter.tls" $.root) (not .scheme) -}}
        {{- $_ := set . "scheme" "HTTPS" -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if ne (toString .probe.enabled) "false" }}{{ toYaml $probe }}{{ end -}}
{{- end -}}
